/** Whose move it is, until when, and what each side can lose. Pure. */
import type { Job } from "@assay/protocol/domain/messages";
import { LEVELS } from "@assay/protocol/domain/disputes";
import { zeroHash } from "viem";
import { phaseOf, type Game } from "./game.ts";

/** `anyone`: the game ends by comparing a root with the job's record, whoever asks for it. */
export type Side = "provider" | "challenger" | "anyone";

/** Whether the record says what the disputed root has to be: `C_0` where the request names a start, and a root over nothing. */
const isCompared = ({ position, bindings }: Pick<Game, "position" | "bindings">): boolean =>
  phaseOf(position) === "compare" ||
  (phaseOf(position) === "cross" &&
    LEVELS[position.level] === "checkpoint" &&
    position.index === 0 &&
    bindings.startRoot !== zeroHash);

/** Who would win if `compare` were called now; undefined where it cannot be. */
export const comparedWinner = (
  game: Pick<Game, "position" | "bindings">,
): "provider" | "challenger" | undefined => {
  if (!isCompared(game)) return undefined;
  const wanted = phaseOf(game.position) === "compare" ? zeroHash : game.bindings.startRoot;
  return game.position.node === wanted ? "provider" : "challenger";
};

/** Undefined for a game that is over. */
export const turnOf = (game: Pick<Game, "position" | "bindings" | "end">): Side | undefined => {
  if (game.end !== undefined) return undefined;
  if (isCompared(game)) return "anyone";
  const phase = phaseOf(game.position);
  if (phase === "point" || phase === "element" || phase === "claim") return "challenger";
  return phase === "none" ? undefined : "provider";
};

/** Last second (Unix, of the chain) at which the side to move can move; undefined where no clock runs. */
export const deadlineOf = (
  game: Pick<Game, "position" | "bindings" | "end" | "clocks">,
): number | undefined => {
  const { movedAt, providerLeft, challengerLeft } = game.clocks;
  const turn = turnOf(game);
  if (turn === "provider") return movedAt + providerLeft;
  return turn === "challenger" ? movedAt + challengerLeft : undefined;
};

/** Whether the clock of the side to move has run out at the chain's time `now`: then the other side can end the game. */
export const isTimedOut = (game: Parameters<typeof deadlineOf>[0], now: number): boolean => {
  const deadline = deadlineOf(game);
  return deadline !== undefined && now > deadline;
};

/** Token base units. */
export interface AtStake {
  /** The provider's collateral, and the price that it would not be paid. */
  readonly provider: bigint;
  /** The challenger's bond. */
  readonly challenger: bigint;
  /** Most that a winning challenger gets out of the collateral beside its bond. */
  readonly reward: bigint;
}

/** What each side loses if it loses the game; `rewardBps` is that of the job's parameters. */
export const stakesOf = (
  { bond }: Pick<Game, "bond">,
  { terms }: Job,
  { rewardBps }: { readonly rewardBps: number },
): AtStake => ({
  provider: terms.collateral + terms.price,
  challenger: bond,
  reward: (terms.collateral * BigInt(rewardBps)) / 10_000n,
});
