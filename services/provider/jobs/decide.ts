/** What to do next with one job, from what the chain says and what this agent remembers. Pure. */
import { checkpointCount } from "@assay/protocol/domain/money";
import type { Progress, Submission, Terms } from "@assay/protocol/domain/messages";
import type { JobState } from "@assay/protocol/domain/states";

export type Step =
  /** Nothing to do before the chain's time `until`, or before something changes. */
  | { readonly do: "wait"; readonly until: number | undefined }
  /** The acceptance ran out unused. */
  | { readonly do: "lapse" }
  | { readonly do: "train" }
  | { readonly do: "submit"; readonly submission: Submission }
  /** Replicated or audited: show a salted commitment first, and the result once nobody can copy it. */
  | { readonly do: "commit"; readonly submission: Submission }
  | { readonly do: "reveal"; readonly submission: Submission }
  /** Late or stopped: show what there is. */
  | { readonly do: "present" }
  | { readonly do: "expire" }
  | { readonly do: "settle" }
  | { readonly do: "close"; readonly outcome: "settled" | "expired" | "slashed" | "void" };

/** The part of a job's record that decides. */
export interface JobFacts {
  readonly terms: Pick<
    Terms,
    "deadline" | "steps" | "startStep" | "interval" | "replicas" | "auditLine"
  >;
  readonly progress: Pick<Progress, "stoppedAt" | "windowEnd" | "checkpoint">;
}

export interface Facts {
  readonly state: JobState;
  /** The record on chain; absent while there is none. */
  readonly job: JobFacts | undefined;
  /** Timestamp of the latest block. */
  readonly now: number;
  /** Last second at which the acceptance can be agreed. */
  readonly acceptanceExpiry: number;
  /** The finished result, if there is one. */
  readonly submission: Submission | undefined;
  /** Training failed for good: nothing more than the latest checkpoint will come. */
  readonly failed: boolean;
  /** Seconds after a deadline or a stop within which a receipt counts. */
  readonly receiptGrace: number;
  /** A receipt was tried, and there is none to show that is later than the one that stands. */
  readonly nothingToPresent: boolean;
  /** The time in which a commitment counts is over. */
  readonly revealOver: boolean;
  /** A dispute about the result is not over: nothing is paid before. */
  readonly disputed: boolean;
}

/** Whether results of this job are committed to before they are shown. */
export const mustCommit = ({
  replicas,
  auditLine,
}: Pick<Terms, "replicas" | "auditLine">): boolean => replicas > 1 || auditLine > 0n;

/** A block that agrees a job can be undone and come back a little later; until then the job is not given up. */
export const LAPSE_MARGIN_SECONDS = 60;

export const decide = (facts: Facts): Step => {
  const { state, job, now } = facts;
  if (state === "settled" || state === "expired" || state === "slashed" || state === "void")
    return { do: "close", outcome: state };
  if (state === "none" || job === undefined)
    return now > facts.acceptanceExpiry + LAPSE_MARGIN_SECONDS
      ? { do: "lapse" }
      : { do: "wait", until: undefined };
  if (state === "submitted") {
    const { deadline } = job.terms;
    const { stoppedAt, checkpoint } = job.progress;
    const graceEnd = (stoppedAt === 0 ? deadline : stoppedAt) + facts.receiptGrace;
    // Somebody has presented an earlier receipt than this machine could show.
    if (checkpoint < checkpointCount(job.terms) && now <= graceEnd && !facts.nothingToPresent)
      return { do: "present" };
    if (now <= job.progress.windowEnd) return { do: "wait", until: job.progress.windowEnd + 1 };
    return facts.disputed ? { do: "wait", until: undefined } : { do: "settle" };
  }
  if (state === "committed") {
    if (facts.revealOver) return { do: "expire" };
    const { submission } = facts;
    return submission === undefined
      ? { do: "wait", until: undefined }
      : { do: "reveal", submission };
  }
  return decideActive(facts, job);
};

/** Active: a full result is submitted in time; after a stop or the deadline what there is is presented; then the job expires. */
const decideActive = (facts: Facts, job: JobFacts): Step => {
  const { now, submission, receiptGrace } = facts;
  const { deadline } = job.terms;
  const { stoppedAt } = job.progress;
  const graceEnd = (stoppedAt === 0 ? deadline : stoppedAt) + receiptGrace;
  const inTime = now <= (stoppedAt === 0 ? deadline : graceEnd);
  const full = submission !== undefined && submission.checkpoint === checkpointCount(job.terms);
  if (mustCommit(job.terms)) {
    // Paid in full or not at all: a prefix that others see could be copied.
    if (inTime && full) return { do: "commit", submission };
    if (inTime && !facts.failed) return { do: "train" };
    return now <= graceEnd ? { do: "wait", until: graceEnd + 1 } : { do: "expire" };
  }
  if (inTime && full) return { do: "submit", submission };
  if (stoppedAt === 0 && now <= deadline)
    return facts.failed ? { do: "wait", until: deadline + 1 } : { do: "train" };
  if (now <= graceEnd)
    return facts.nothingToPresent && !full
      ? { do: "wait", until: graceEnd + 1 }
      : { do: "present" };
  return { do: "expire" };
};
