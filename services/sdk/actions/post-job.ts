import { zeroAddress, zeroHash, type Address, type Hex } from "viem";
import { z } from "zod";
import type { Request } from "@assay/protocol/domain/messages";
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import { requestStatusSchema, type RequestStatus } from "@assay/protocol/wire/api";
import {
  canonicalHash,
  constraintsSchema,
  type ConstraintsWire,
} from "@assay/protocol/wire/description";
import { domainOf, signerOf, type AssayContext } from "../context.ts";
import { callJson } from "../http/fetch.ts";

export interface PostJobParameters {
  readonly programRoot: Hex;
  readonly dataRoot: Hex;
  /** SHA-256 digests of the root blocks under which program and data are stored. */
  readonly programCid: Hex;
  readonly dataCid: Hex;
  readonly seed: bigint;
  readonly steps: number;
  readonly interval: number;
  readonly initUnits: bigint;
  readonly stepUnits: bigint;
  readonly evalUnits: bigint;
  /** Seconds from agreement to submission. */
  readonly runTime: number;
  /** Unix seconds until which the market may find a provider. */
  readonly expiry: number;
  /** Ceiling of what the job can cost, token base units. */
  readonly maximum: bigint;
  readonly constraints?: ConstraintsWire;
  /** Continue from a settled prefix, or from a parent model. */
  readonly startRoot?: Hex;
  readonly startStep?: number;
  readonly parentRoot?: Hex;
  readonly parentIndex?: number;
  readonly replicas?: number;
  readonly auditLine?: bigint;
  /** Least the provider must lock, token base units; what deters taking a job to let it expire. Default: none. */
  readonly minCollateral?: bigint;
  readonly statedLoss?: bigint;
  readonly maxProtocolFeeBps?: number;
  readonly matcher?: Address;
  readonly matcherFee?: bigint;
  readonly exclusiveUntil?: number;
  /** Makes posting twice the same as posting once: give the same nonce again. Default: random. */
  readonly nonce?: bigint;
}

const NUMERICS = 1;

const randomNonce = (): bigint => {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(high) << 32n) | BigInt(low);
};

export interface PostedJob {
  readonly digest: Hex;
  readonly request: Request;
  readonly signature: Hex;
  readonly status: RequestStatus;
}

/** Signs a request and hands it to the market. Binds the requester until `expiry` or `cancel`. */
export const postJob = async (
  context: AssayContext,
  job: PostJobParameters,
): Promise<PostedJob> => {
  const { wallet, account } = signerOf(context);
  const domain = domainOf(await context.deployment());
  const constraintsWire: ConstraintsWire = job.constraints ?? {};
  const constraints = z.parse(constraintsSchema, constraintsWire);
  const request: Request = {
    requester: account.address,
    nonce: job.nonce ?? randomNonce(),
    programRoot: job.programRoot,
    dataRoot: job.dataRoot,
    programCid: job.programCid,
    dataCid: job.dataCid,
    startRoot: job.startRoot ?? zeroHash,
    startStep: job.startStep ?? 0,
    parentRoot: job.parentRoot ?? zeroHash,
    parentIndex: job.parentIndex ?? 0,
    seed: job.seed,
    numerics: NUMERICS,
    executor: 0,
    access: 0,
    replicas: job.replicas ?? 1,
    steps: job.steps,
    interval: job.interval,
    initUnits: job.initUnits,
    stepUnits: job.stepUnits,
    evalUnits: job.evalUnits,
    runTime: job.runTime,
    expiry: job.expiry,
    exclusiveUntil: job.exclusiveUntil ?? 0,
    matcher: job.matcher ?? zeroAddress,
    matcherFee: job.matcherFee ?? 0n,
    maximum: job.maximum,
    auditLine: job.auditLine ?? 0n,
    minCollateral: job.minCollateral ?? 0n,
    statedLoss: job.statedLoss ?? 0n,
    maxProtocolFeeBps: job.maxProtocolFeeBps ?? 500,
    constraintsHash: canonicalHash(constraints),
  };
  const signature = await wallet.signTypedData({
    account,
    ...typedData(domain, "Request", request),
  });
  const status = await callJson(context, "/v1/requests", requestStatusSchema, {
    body: { request, constraints: constraintsWire, signature },
  });
  return { digest: digestOf(domain, "Request", request), request, signature, status };
};
