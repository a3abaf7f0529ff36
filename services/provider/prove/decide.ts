/** What to do next in one game, from what the chain says. Pure. */
import { comparedWinner, deadlineOf, isTimedOut, turnOf } from "@assay/sdk/disputes/turn";
import type { Game } from "@assay/sdk/disputes/game";

export type GameStep =
  /** Ours to move, until the chain's time `deadline`. */
  | { readonly do: "answer"; readonly deadline: number }
  /** The other side's clock has run out: the game is ours for the asking. */
  | { readonly do: "timeout" }
  /** The record says that we are right. */
  | { readonly do: "compare" }
  /** Nothing before the chain's time `until`, or before something changes. */
  | { readonly do: "wait"; readonly until: number | undefined }
  /** Nothing that is sent could still win: no more gas is spent. */
  | { readonly do: "lost"; readonly why: "clock" | "record" | "run" };

export interface GameFacts {
  readonly game: Pick<Game, "position" | "bindings" | "clocks" | "end">;
  /** A replica that is made to play another one is the challenger. */
  readonly ours: "provider" | "challenger";
  /** Timestamp of the latest block. */
  readonly now: number;
  /** The run made again was found to be another than the one submitted. */
  readonly runDiffers: boolean;
}

export const decideGame = ({ game, ours, now, runDiffers }: GameFacts): GameStep => {
  const deadline = deadlineOf(game);
  const turn = turnOf(game);
  if (turn === undefined) return { do: "wait", until: undefined };
  if (turn === "anyone")
    return comparedWinner(game) === ours ? { do: "compare" } : { do: "lost", why: "record" };
  const late = isTimedOut(game, now);
  if (turn !== ours)
    return late
      ? { do: "timeout" }
      : { do: "wait", until: deadline === undefined ? undefined : deadline + 1 };
  if (late) return { do: "lost", why: "clock" };
  return runDiffers
    ? { do: "lost", why: "run" }
    : { do: "answer", deadline: deadline ?? Number.POSITIVE_INFINITY };
};
