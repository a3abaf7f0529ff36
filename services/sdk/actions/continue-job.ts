/** The request that goes on where a job ended: from its settled checkpoint, or from the same start where nothing was settled. */
import { keccak256, stringToBytes, type Hex } from "viem";
import type { Request } from "@assay/protocol/domain/messages";
import { checkpointCount, stepAtCheckpoint } from "@assay/protocol/domain/money";
import { FINAL_STATES } from "@assay/protocol/domain/states";
import { AssayError } from "@assay/protocol/errors";
import { digestOf } from "@assay/protocol/signing/typed-data";
import { signedRequestSchema, type SignedRequest } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import { explainCall } from "../chain/write.ts";
import { domainOf, type AssayContext } from "../context.ts";
import { callJson } from "../http/fetch.ts";
import { jobFromChain, type ChainJob } from "./job-from-chain.ts";
import { postJob, type PostedJob } from "./post-job.ts";
import { provenance } from "./provenance.ts";

export interface ContinueParameters {
  /** Ceiling of what the rest may cost, token base units. */
  readonly maximum: bigint;
  /** Seconds that the market may look for a provider. */
  readonly patience: number;
  /** Whether the provider of the job may be chosen again; by default not. */
  readonly sameProvider?: boolean;
}

/** A request as it was signed, with its constraints. @throws `REQUEST_UNKNOWN` */
export const signedRequest = (context: AssayContext, digest: Hex): Promise<SignedRequest> =>
  callJson(context, `/v1/requests/${digest}/signed`, signedRequestSchema);

/**
 * Nonce of the request that follows a job: the same for everyone who asks, and of requests with one nonce only one can be
 * agreed, so that two clients never pay for the rest twice.
 */
export const successorNonce = (jobId: Hex): bigint =>
  BigInt(keccak256(stringToBytes(`assay successor ${jobId}`))) & ((1n << 64n) - 1n);

type Start = Pick<Request, "startRoot" | "startStep" | "parentRoot" | "parentIndex" | "initUnits">;

/** From where the rest of a job that is over can start. `own`: the start of the job itself. */
const startAfter = async (
  context: AssayContext,
  { job, state }: ChainJob,
  own: Start,
): Promise<Start> => {
  const { terms, progress } = job;
  if (state !== "settled") return own;
  const records = await provenance(context, progress.modelRoot);
  const parentIndex = records.findIndex((record) => record.jobId === terms.jobId);
  // A result equal to its parent made no record to start from.
  if (parentIndex < 0) return own;
  return {
    startRoot: progress.stateRoot,
    startStep: stepAtCheckpoint(terms, progress.checkpoint),
    parentRoot: progress.modelRoot,
    parentIndex,
    initUnits: 0n,
  };
};

const over = async (context: AssayContext, jobId: Hex): Promise<ChainJob> => {
  const chain = await jobFromChain(context, jobId);
  const { terms, progress } = chain.job;
  if (!FINAL_STATES.has(chain.state))
    throw new AssayError("JOB_NOT_OVER", `job ${jobId} is ${chain.state}`, {
      retryable: true,
      remedy: `stop it first (\`assay stop ${jobId}\`), or wait for its end`,
    });
  if (chain.state === "settled" && progress.checkpoint === checkpointCount(terms))
    throw new AssayError("JOB_COMPLETE", `job ${jobId} was done in full`, {
      remedy: `nothing is left to do: \`assay pull ${jobId}\` fetches the model`,
    });
  if (chain.state === "void")
    throw new AssayError("JOB_VOID", "the job's own program or data broke the limits", {
      remedy: "correct the job: another provider cannot run it either",
    });
  return chain;
};

const chainTime = async (context: AssayContext): Promise<number> => {
  try {
    return Number((await context.publicClient.getBlock()).timestamp);
  } catch (error) {
    throw explainCall(error);
  }
};

/**
 * Signs and posts the rest of a job that ended early, with all else as it was. Safe to repeat.
 * @throws `JOB_NOT_OVER`, `JOB_COMPLETE`, `JOB_VOID`, and what `postJob` throws
 */
export const continueJob = async (
  context: AssayContext,
  jobId: Hex,
  { maximum, patience, sameProvider = false }: ContinueParameters,
): Promise<PostedJob> => {
  const chain = await over(context, jobId);
  const { terms } = chain.job;
  const { request, constraints } = await signedRequest(context, terms.requestDigest);
  if (digestOf(domainOf(await context.deployment()), "Request", request) !== terms.requestDigest)
    throw new AssayError("REQUEST_MISMATCH", "the market shows another request than was signed", {
      remedy: "do not use this market: post the job again elsewhere",
    });
  const now = Math.max(Math.floor(Date.now() / 1_000), await chainTime(context));
  return postJob(context, {
    ...request,
    ...(await startAfter(context, chain, request)),
    nonce: successorNonce(jobId),
    maximum,
    expiry: now + patience,
    exclusiveUntil: 0,
    constraints: toWire({
      ...constraints,
      ...(sameProvider
        ? {}
        : { deny: [...new Set([...(constraints.deny ?? []), terms.provider])] }),
    }),
  });
};
