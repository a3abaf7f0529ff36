/** A deployed market on Hardhat's own chain, with signers and honest messages: what contract tests and benches start from. */
import hre from "hardhat";
import {
  type BaseContract,
  type Contract,
  type ContractTransactionReceipt,
  Interface,
  Wallet,
  getCreateAddress,
  keccak256,
  toUtf8Bytes,
} from "ethers";

import local from "../../../deploy/parameters/local.json" with { type: "json" };
import { loadArtifact } from "../../../deploy/artifacts.ts";
import { TYPES } from "@assay/protocol/signing/typed-data";
import type { Acceptance, Request, Submission } from "@assay/protocol/domain/messages";

const ZERO = "0x0000000000000000000000000000000000000000";
const ZERO_WORD = `0x${"00".repeat(32)}` as const;

export const TOKEN = 10n ** 6n;

/** A root that is not zero and differs for each name. */
export const root = (name: string) => keccak256(toUtf8Bytes(name)) as `0x${string}`;

const PARTS = ["IMarket", "ILedger", "IStaking", "IProvenance", "IReputation"] as const;

/** Decodes every event and error of the deployment. */
export const everything = new Interface(
  PARTS.flatMap((name) => loadArtifact(name).abi as readonly object[]),
);

type Fixture = Awaited<ReturnType<typeof deployFixture>>;
export type { Fixture };

export async function deployFixture() {
  const connection = await hre.network.create();
  const { ethers } = connection;
  const [deployer, treasury, matcher] = await ethers.getSigners();
  if (deployer === undefined || treasury === undefined || matcher === undefined) {
    throw new Error("the chain has no accounts");
  }
  const requester = new Wallet(root("requester"), ethers.provider);
  const provider = new Wallet(root("provider"), ethers.provider);
  for (const { address } of [requester, provider]) {
    await (await deployer.sendTransaction({ to: address, value: 10n ** 18n })).wait();
  }

  const token = await ethers.deployContract("TestToken");
  const probe = BigInt(local.probe);
  await token.getFunction("mint")(deployer, probe);
  const nonce = await deployer.getNonce();
  const market = getCreateAddress({ from: deployer.address, nonce: nonce + 6 });
  await token.getFunction("approve")(market, probe);
  const struct = (numbers: object) => ({ ...numbers, treasury: treasury.address, disputes: ZERO });
  const parameters = await ethers.deployContract("Parameters", [
    deployer.address,
    deployer.address,
    struct(local.min),
    struct(local.max),
    struct(local.first),
  ]);
  const staking = await ethers.deployContract("Staking", [market, parameters]);
  const reputation = await ethers.deployContract("Reputation", [market, 6]);
  const provenance = await ethers.deployContract("Provenance", [market]);
  const modules = { token, staking, reputation, provenance, parameters };
  const sidePaths = await ethers.deployContract("SidePaths", [modules]);
  await ethers.deployContract("Market", [modules, sidePaths, probe]);
  const marketAbi = [...loadArtifact("IMarket").abi, ...loadArtifact("ILedger").abi] as object[];
  return {
    connection,
    ethers,
    deployer,
    treasury,
    matcher,
    requester,
    provider,
    token,
    staking,
    reputation,
    provenance,
    parameters,
    market: new ethers.Contract(market, marketAbi, deployer),
  };
}

/** Domain of the market's signatures. */
export const domainOf = async ({ ethers, market }: Fixture) => ({
  name: "Assay",
  version: "1",
  chainId: (await ethers.provider.getNetwork()).chainId,
  verifyingContract: await market.getAddress(),
});

export async function fund(fixture: Fixture, who: Wallet, amount: bigint): Promise<void> {
  const { token, market, deployer } = fixture;
  await token.getFunction("mint")(deployer, amount);
  await token.getFunction("approve")(market, amount);
  await market.getFunction("deposit")(who.address, amount);
}

export async function fundAndStake(fixture: Fixture, amount: bigint): Promise<void> {
  await fund(fixture, fixture.provider, amount);
  await connect(fixture.staking, fixture.provider).getFunction("stake")(amount);
}

export const connect = (contract: BaseContract, signer: Wallet): Contract =>
  contract.connect(signer) as Contract;

/** A request for a small job: 100 steps, 10 checkpoints, at most 2 tokens. */
export async function requestOf(
  fixture: Fixture,
  changes: Partial<Request> = {},
): Promise<Request> {
  const now = await fixture.connection.networkHelpers.time.latest();
  return {
    requester: fixture.requester.address as `0x${string}`,
    nonce: 1n,
    programRoot: root("program"),
    dataRoot: root("data"),
    programCid: root("program cid"),
    dataCid: root("data cid"),
    startRoot: ZERO_WORD,
    startStep: 0,
    parentRoot: ZERO_WORD,
    parentIndex: 0,
    seed: 42n,
    numerics: 1,
    executor: 0,
    access: 0,
    replicas: 1,
    steps: 100,
    interval: 10,
    initUnits: 1_000n,
    stepUnits: 100n,
    evalUnits: 500n,
    runTime: 600,
    expiry: now + 3_600,
    exclusiveUntil: 0,
    matcher: ZERO,
    matcherFee: 0n,
    maximum: 2n * TOKEN,
    auditLine: 0n,
    minCollateral: 0n,
    statedLoss: 0n,
    maxProtocolFeeBps: 500,
    constraintsHash: ZERO_WORD,
    ...changes,
  };
}

/** Price of 1 token for the request above: 11,500 units. */
export const UNIT_PRICE = (TOKEN * 10n ** 18n) / 11_500n + 1n;

export async function acceptanceOf(
  fixture: Fixture,
  request: Request,
  changes: Partial<Acceptance> = {},
): Promise<Acceptance> {
  return {
    requestDigest: (await fixture.market.getFunction("requestDigest")(request)) as `0x${string}`,
    provider: fixture.provider.address as `0x${string}`,
    unitPrice: UNIT_PRICE,
    collateral: TOKEN,
    nonce: request.nonce,
    expiry: request.expiry,
    paramsVersion: 1,
    ...changes,
  };
}

export async function pairOf(
  fixture: Fixture,
  requestChanges: Partial<Request> = {},
  acceptanceChanges: Partial<Acceptance> = {},
) {
  const domain = await domainOf(fixture);
  const request = await requestOf(fixture, requestChanges);
  const acceptance = await acceptanceOf(fixture, request, acceptanceChanges);
  return {
    request,
    requestSignature: await fixture.requester.signTypedData(
      domain,
      { Request: [...TYPES.Request] },
      request,
    ),
    acceptance,
    acceptanceSignature: await fixture.provider.signTypedData(
      domain,
      { Acceptance: [...TYPES.Acceptance] },
      acceptance,
    ),
  };
}

/** A full result of a job; `name` makes its roots. */
export const submissionOf = (jobId: string, checkpoint = 10, name: string = jobId): Submission => ({
  jobId: jobId as `0x${string}`,
  checkpoint,
  prefixRoot: root(`${name} prefix ${checkpoint}`),
  stateRoot: root(`${name} state ${checkpoint}`),
  modelRoot: root(`${name} model ${checkpoint}`),
  evalRoot: checkpoint === 10 ? root(`${name} eval`) : ZERO_WORD,
  modelCid: root(`${name} cid ${checkpoint}`),
});

export const signSubmission = async (fixture: Fixture, submission: Submission) =>
  fixture.provider.signTypedData(
    await domainOf(fixture),
    { Submission: [...TYPES.Submission] },
    submission,
  );

interface JobRecord {
  readonly terms: Record<string, unknown>;
  readonly progress: Record<string, unknown>;
}

export const NO_PROGRESS = {
  commitment: ZERO_WORD,
  committedAt: 0,
  stoppedAt: 0,
  submittedAt: 0,
  windowEnd: 0,
  checkpoint: 0,
  traceRoot: ZERO_WORD,
  stateRoot: ZERO_WORD,
  modelRoot: ZERO_WORD,
  evalRoot: ZERO_WORD,
};

/** Every event of a receipt, decoded, in order. */
export const eventsOf = (receipt: ContractTransactionReceipt | null) =>
  (receipt?.logs ?? []).flatMap((log) => everything.parseLog(log) ?? []);

/** The record after what a receipt tells, from the record before. */
export function follow(
  receipt: ContractTransactionReceipt | null,
  before: readonly JobRecord[] = [],
): JobRecord[] {
  const jobs = [...before];
  for (const event of eventsOf(receipt)) {
    if (event.name === "Agreed") {
      jobs.push({ terms: event.args.getValue("terms").toObject(), progress: NO_PROGRESS });
    } else if (event.name === "Submitted") {
      const place = jobs.findIndex(({ terms }) => terms["jobId"] === event.args.getValue("jobId"));
      const job = jobs[place];
      if (job !== undefined) {
        jobs[place] = { ...job, progress: event.args.getValue("progress").toObject() };
      }
    }
  }
  return jobs;
}
