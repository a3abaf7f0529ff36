/** What to do next about one job, from what the chain says and what this machine found. Pure. */
import type { Progress, Terms } from "@assay/protocol/domain/messages";
import type { TargetName } from "@assay/protocol/domain/disputes";
import type { JobState } from "@assay/protocol/domain/states";
import type { Game } from "@assay/sdk/disputes/game";
import { comparedWinner, deadlineOf, isTimedOut, turnOf } from "@assay/sdk/disputes/turn";
import { checkpointCount } from "@assay/protocol/domain/money";
import type { AuditStep, AuditTurn } from "../audit/decide.ts";
import type { Outcome } from "../journal/events.ts";

export type Step =
  /** Run the job up to this checkpoint. */
  | { readonly do: "run"; readonly checkpoint: number }
  /** The roots differ: is this machine right? */
  | { readonly do: "confirm" }
  | { readonly do: "challenge"; readonly target: TargetName }
  /** It is our turn. */
  | { readonly do: "move"; readonly game: Game }
  /** The provider's clock has run out. */
  | { readonly do: "timeout"; readonly game: Game }
  /** The job's record says who is right, and that is us. */
  | { readonly do: "compare"; readonly game: Game }
  /** The job came to another end: the bond comes back. */
  | { readonly do: "withdraw"; readonly game: Game }
  /** An auditor's part: commit, show, be paid. */
  | { readonly do: "audit"; readonly step: AuditStep }
  /** Nothing to do before the chain's time `until`, or before something changes. */
  | { readonly do: "wait"; readonly until: number | undefined }
  /** Nothing to do before a submission is told of. */
  | { readonly do: "park" }
  | { readonly do: "close"; readonly outcome: Outcome };

export interface Facts {
  /** Timestamp of the latest block. */
  readonly now: number;
  readonly state: JobState;
  /** The record on chain; absent while there is none. */
  readonly job:
    | {
        readonly terms: Pick<Terms, "steps" | "startStep" | "interval">;
        readonly progress: Pick<Progress, "checkpoint" | "windowEnd">;
      }
    | undefined;
  /** Our latest game about the job, live or over. */
  readonly game: Game | undefined;
  /** What was found about the standing submission; undefined before its run is finished. */
  readonly finding:
    | { readonly kind: "same" }
    | { readonly kind: "different"; readonly target: TargetName; readonly confirmed: boolean }
    /** The run failed for good, or does not agree with itself. */
    | { readonly kind: "unknown" }
    | undefined;
  /** What there is to do for an audit; undefined where none is possible. */
  readonly audit: AuditTurn | undefined;
  /** The job is one of those that are run whether they are audited or not. */
  readonly chosen: boolean;
  /** Jobs are run when they are agreed, not only once something is submitted. */
  readonly early: boolean;
  /** The whole job was run already. */
  readonly ranAll: boolean;
}

export const decide = (facts: Facts): Step => {
  const { game, state } = facts;
  if (game !== undefined && game.end === undefined) return decideGame(facts, game);
  const audit = decideAuditing(facts);
  if (audit !== undefined) return audit;
  if (game?.end === "provider lost") return { do: "close", outcome: "won" };
  if (game?.end === "bond returned") return { do: "close", outcome: "returned" };
  // The same submission is not challenged twice: whoever lost once erred.
  if (game?.end === "challenger lost") return { do: "close", outcome: "lost" };
  switch (state) {
    case "submitted":
      return decideSubmitted(facts);
    case "active":
    case "committed":
      return decideActive(facts);
    default:
      return { do: "close", outcome: "gone" };
  }
};

const decideAuditing = ({ audit, job }: Facts): Step | undefined => {
  switch (audit?.do) {
    case "audit":
    case "wait":
      return audit;
    case "run all":
      return job && { do: "run", checkpoint: checkpointCount(job.terms) };
    default:
      return undefined;
  }
};

const decideGame = ({ now, state }: Facts, game: Game): Step => {
  if (state === "slashed" || state === "void") return { do: "withdraw", game };
  switch (turnOf(game)) {
    case "challenger":
      // Too late: whoever calls `timeoutChallenger` ends it.
      return isTimedOut(game, now) ? { do: "wait", until: undefined } : { do: "move", game };
    case "provider":
      return isTimedOut(game, now)
        ? { do: "timeout", game }
        : { do: "wait", until: deadlineOf(game) };
    default:
      return comparedWinner(game) === "challenger"
        ? { do: "compare", game }
        : { do: "wait", until: undefined };
  }
};

const decideSubmitted = ({ now, job, finding }: Facts): Step => {
  if (job === undefined) return { do: "close", outcome: "gone" };
  const { checkpoint, windowEnd } = job.progress;
  if (finding?.kind === "same") return { do: "close", outcome: "same" };
  if (finding?.kind === "unknown") return { do: "close", outcome: "unknown" };
  if (now > windowEnd) return { do: "close", outcome: "too late" };
  if (finding === undefined) return { do: "run", checkpoint };
  return finding.confirmed ? { do: "challenge", target: finding.target } : { do: "confirm" };
};

const decideActive = ({ job, early, ranAll, finding, chosen, audit }: Facts): Step => {
  if (job === undefined) return { do: "close", outcome: "gone" };
  if (!chosen && audit?.do === "not drawn") return { do: "close", outcome: "not drawn" };
  return early && !ranAll && finding?.kind !== "unknown"
    ? { do: "run", checkpoint: checkpointCount(job.terms) }
    : { do: "park" };
};
