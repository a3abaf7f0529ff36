/** Audits of a job: who was drawn, what was committed to, what is owed; and the calls around them. */
import type { Job, Terms } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import { disputesAbi } from "@assay/protocol/generated/abis";
import { encodeAbiParameters, keccak256, zeroAddress, type Address, type Hex } from "viem";
import { read } from "../chain/read.ts";
import type { AssayContext } from "../context.ts";
import { explainCall } from "../chain/write.ts";
import { call, type DisputeCall } from "./moves.ts";
import { disputeStatus } from "./read.ts";

/** One auditor's side of a job, as the game holds it. */
export interface AuditView {
  /** Until when drawn auditors may commit, Unix seconds; 0 while the draw is not resolved. */
  readonly until: number;
  readonly drawn: boolean;
  /** What it committed to and was not paid for yet; zero where there is nothing. */
  readonly commitment: Hex;
  /** It showed that it agrees with the result that stands. */
  readonly shown: boolean;
  /** It showed that it found another result than the one that was slashed. */
  readonly dissented: boolean;
  /** Of a slashed job; absent where nobody waits for one. */
  readonly reward:
    | {
        /** Has it where nobody dissents. */
        readonly winner: Address;
        /** Last second, Unix, in which auditors can dissent. */
        readonly until: number;
        /** Those that did and were not paid yet. */
        readonly auditors: number;
        /** Token base units. */
        readonly amount: bigint;
      }
    | undefined;
}

/** How an auditor stands to a job. @throws `CHAIN_UNREACHABLE` */
export const auditOf = async (
  context: AssayContext,
  { disputes, jobId }: Pick<Terms, "disputes" | "jobId">,
  auditor: Address,
): Promise<AuditView> => {
  const game = { address: disputes, abi: disputesAbi } as const;
  const [{ auditUntil }, drawn, [commitment, shown, dissented], reward] = await Promise.all([
    disputeStatus(context, { disputes, jobId }),
    read(context, { ...game, functionName: "isDrawn", args: [jobId, auditor] }),
    read(context, { ...game, functionName: "auditOf", args: [jobId, auditor] }),
    read(context, { ...game, functionName: "rewardOf", args: [jobId] }),
  ]);
  const [winner, until, auditors, amount] = reward;
  return {
    until: auditUntil,
    drawn,
    commitment,
    shown,
    dissented,
    reward:
      winner === zeroAddress ? undefined : { winner, until, auditors: Number(auditors), amount },
  };
};

/** What an auditor commits to: `auditCommitmentOf` of the contract. */
export const auditCommitment = (jobId: Hex, auditor: Address, traceRoot: Hex, salt: Hex): Hex =>
  keccak256(
    encodeAbiParameters(
      [{ type: "bytes32" }, { type: "address" }, { type: "bytes32" }, { type: "bytes32" }],
      [jobId, auditor, traceRoot, salt],
    ),
  );

/**
 * The next call that brings the draw of a committed job further, as far as the contract takes one from `account` now: asking the beacon, or
 * reading it. Nothing while it cannot be read yet, and once the draw is resolved. @throws `CHAIN_UNREACHABLE`
 */
export const nextDrawCall = async (
  { publicClient }: AssayContext,
  job: Job,
  account: Address,
): Promise<DisputeCall<"openDraw" | "resolveDraw"> | undefined> => {
  for (const functionName of ["openDraw", "resolveDraw"] as const) {
    const next = call(job.terms.disputes, functionName, [job]);
    try {
      await publicClient.simulateContract({ ...next, account });
      return next;
    } catch (error) {
      const explained = explainCall(error);
      // Done already, by anyone, or not yet to be done.
      if (!isAssayError(explained) || explained.retryable) throw explained;
    }
  }
  return undefined;
};

/** A drawn auditor commits: `auditCommitment`. Sent by it or an operator of it. */
export const commitAuditCall = (
  { disputes, jobId }: Pick<Terms, "disputes" | "jobId">,
  auditor: Address,
  commitment: Hex,
): DisputeCall<"commitAudit"> => call(disputes, "commitAudit", [jobId, auditor, commitment]);

/** Shows that a commitment is to the result that stands. */
export const revealAuditCall = (
  job: Job,
  auditor: Address,
  salt: Hex,
): DisputeCall<"revealAudit"> => call(job.terms.disputes, "revealAudit", [job, auditor, salt]);

/** Pays an auditor its part of the audit line of a settled job. */
export const claimAuditCall = (job: Job, auditor: Address): DisputeCall<"claimAudit"> =>
  call(job.terms.disputes, "claimAudit", [job, auditor]);

/** Shows that a commitment is to another result than the one that was slashed. */
export const revealDissentCall = (
  job: Job,
  auditor: Address,
  traceRoot: Hex,
  salt: Hex,
): DisputeCall<"revealDissent"> =>
  call(job.terms.disputes, "revealDissent", [job, auditor, traceRoot, salt]);

/** Pays the reward of a slashed job, or an auditor's part of it. */
export const claimRewardCall = (
  { disputes, jobId }: Pick<Terms, "disputes" | "jobId">,
  account: Address,
): DisputeCall<"claimReward"> => call(disputes, "claimReward", [jobId, account]);
