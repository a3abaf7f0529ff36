/** What a job needs from somebody other than its provider to come to its end. Pure. */
import { checkpointCount } from "@assay/protocol/domain/money";
import type { Progress, Terms } from "@assay/protocol/domain/messages";
import type { JobState } from "@assay/protocol/domain/states";
import type { Wire } from "@assay/protocol/wire/scalars";

export type Finish = "wait" | "present" | "settle" | "expire";

export interface FinishFacts {
  readonly state: JobState;
  readonly terms: Pick<
    Wire<Terms>,
    "deadline" | "replicas" | "auditLine" | "steps" | "startStep" | "interval"
  >;
  readonly progress: Pick<Wire<Progress>, "stoppedAt" | "windowEnd" | "checkpoint">;
  /** Checkpoint of the latest receipt; 0 for none. */
  readonly receipt: number;
  /** The provider's agent listens: it has a later checkpoint than its last receipt, perhaps. */
  readonly online: boolean;
  readonly receiptGrace: number;
  readonly revealTime: number;
  /** Timestamp of the latest block. */
  readonly now: number;
}

/** Seconds that a provider has to settle or end its own job first. */
export const COURTESY_SECONDS = 5;

export const decideFinish = (facts: FinishFacts): Finish => {
  const { state, terms, progress, receipt, now } = facts;
  const { deadline } = terms;
  const { stoppedAt, windowEnd, checkpoint } = progress;
  const mustCommit = terms.replicas > 1 || terms.auditLine !== "0";
  const due = stoppedAt === 0 ? deadline : stoppedAt;
  const graceEnd = due + facts.receiptGrace;
  const inGrace = (stoppedAt !== 0 || now > deadline) && now <= graceEnd;
  // An agent that lives presents by itself; what is left of the grace time is enough for a transaction.
  const turn = !facts.online || now >= due + Math.ceil(facts.receiptGrace / 4);
  const better = receipt > checkpoint && checkpoint < checkpointCount(terms) && !mustCommit;
  if (state === "active") {
    if (inGrace && better && turn) return "present";
    return now > graceEnd + COURTESY_SECONDS ? "expire" : "wait";
  }
  if (state === "submitted") {
    if (inGrace && better && turn) return "present";
    return now > windowEnd + COURTESY_SECONDS ? "settle" : "wait";
  }
  // From when it may be revealed depends on the other replicas: the contract says so where it is too early.
  if (state === "committed")
    return now > deadline + facts.revealTime + COURTESY_SECONDS ? "expire" : "wait";
  return "wait";
};
