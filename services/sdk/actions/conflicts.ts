/** Providers that signed two results for one checkpoint: what markets have seen, and the call that takes their collateral. */
import { zeroAddress, type ContractFunctionArgs, type Hex } from "viem";
import { z } from "zod";
import type { Job } from "@assay/protocol/domain/messages";
import { isConflict } from "@assay/protocol/domain/receipts";
import { AssayError } from "@assay/protocol/errors";
import { marketAbi } from "@assay/protocol/generated/abis";
import { conflictSchema, type Conflict, type ConflictEvidence } from "@assay/protocol/wire/api";
import { explainCall, write, type Mined } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import { disputeStatus } from "../disputes/read.ts";
import { callJson } from "../http/fetch.ts";
import { jobFromChain } from "./job-from-chain.ts";

const pageSchema = z.object({ items: z.array(conflictSchema), next: z.string().nullable() });

export interface ConflictsFilter {
  readonly job?: Hex;
  /** Only of jobs whose provider can still be slashed. */
  readonly open?: boolean;
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/** Conflicts that the market has evidence of, newest first, a page at a time; at most one a job. */
export const conflicts = (
  context: AssayContext,
  filter: ConflictsFilter = {},
): Promise<{ items: Conflict[]; next: string | null }> => {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filter)) query.set(key, String(value));
  return callJson(context, `/v1/conflicts?${query.toString()}`, pageSchema);
};

/**
 * The call that slashes a provider with evidence against it, for any sender; `job` is the record as it stands. Pure.
 * @throws `RECEIPTS_AGREE`
 */
export const slashConflictCall = (
  job: Job,
  { first, second }: ConflictEvidence,
): {
  readonly functionName: "slashConflict";
  readonly args: ContractFunctionArgs<typeof marketAbi, "nonpayable", "slashConflict">;
} => {
  const { jobId } = job.terms;
  if (first.submission.jobId !== jobId || !isConflict(first.submission, second.submission))
    throw new AssayError("RECEIPTS_AGREE", `these receipts are no evidence in job ${jobId}`, {
      remedy: "give two receipts of that job, for one checkpoint and with different roots",
    });
  return {
    functionName: "slashConflict",
    args: [job, first.submission, first.signature, second.submission, second.signature],
  };
};

/**
 * Whether the reward of a conflict would burn now instead of going to whoever shows it: a game or a demand about the job is live, or its
 * auditors have their time.
 */
export const isContested = async (
  context: AssayContext,
  { disputes, jobId, auditLine }: Job["terms"],
): Promise<boolean> => {
  if (disputes === zeroAddress) return false;
  try {
    const [{ liveGames, auditUntil }, { timestamp }] = await Promise.all([
      disputeStatus(context, { disputes, jobId }),
      context.publicClient.getBlock(),
    ]);
    const undrawn = auditLine > 0n && auditUntil === 0;
    return liveGames > 0 || undrawn || BigInt(auditUntil) >= timestamp;
  } catch (error) {
    throw explainCall(error);
  }
};

/**
 * Slashes a provider that signed two results for one checkpoint of an open job. Anyone may; the sender has the reward in its free
 * balance, unless {@link isContested}. The requester has its escrow back, and its damages.
 * @throws `RECEIPTS_AGREE`, `MARKET_WRONG_STATE` where the job is over, `MARKET_BAD_SIGNATURE`
 */
export const slashConflict = async (
  context: AssayContext,
  evidence: ConflictEvidence,
): Promise<Mined> => {
  const { contracts } = await context.deployment();
  const { job } = await jobFromChain(context, evidence.first.submission.jobId);
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    ...slashConflictCall(job, evidence),
  });
};
