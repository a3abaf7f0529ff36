/** What to do next in one game, from what the chain says. Pure. */
import { comparedWinner, deadlineOf, isTimedOut, turnOf } from "@assay/sdk/disputes/turn";
import type { Game } from "@assay/sdk/disputes/game";

export type GameStep =
  /** Ours to move, until the chain's time `deadline`. */
  | { readonly do: "answer"; readonly deadline: number }
  /** The challenger's clock has run out: the bond is ours for the asking. */
  | { readonly do: "timeout" }
  /** The record says that the disputed root is right. */
  | { readonly do: "compare" }
  /** Nothing before the chain's time `until`, or before something changes. */
  | { readonly do: "wait"; readonly until: number | undefined }
  /** Nothing that is sent could still win: no more gas is spent. */
  | { readonly do: "lost"; readonly why: "clock" | "record" | "run" };

export interface GameFacts {
  readonly game: Pick<Game, "position" | "bindings" | "clocks" | "end">;
  /** Timestamp of the latest block. */
  readonly now: number;
  /** The run made again was found to be another than the one submitted. */
  readonly runDiffers: boolean;
}

export const decideGame = ({ game, now, runDiffers }: GameFacts): GameStep => {
  const deadline = deadlineOf(game);
  switch (turnOf(game)) {
    case "provider":
      if (isTimedOut(game, now)) return { do: "lost", why: "clock" };
      return runDiffers
        ? { do: "lost", why: "run" }
        : { do: "answer", deadline: deadline ?? Number.POSITIVE_INFINITY };
    case "challenger":
      return isTimedOut(game, now)
        ? { do: "timeout" }
        : { do: "wait", until: deadline === undefined ? undefined : deadline + 1 };
    case "anyone":
      return comparedWinner(game) === "provider"
        ? { do: "compare" }
        : { do: "lost", why: "record" };
    default:
      return { do: "wait", until: undefined };
  }
};
