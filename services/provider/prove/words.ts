/** Games in plain words, for logs and the status. */
import type { GameMove } from "@assay/protocol/domain/disputes";
import type { Game } from "@assay/sdk/disputes/game";
import { describePlace } from "@assay/sdk/disputes/place";
import { turnOf } from "@assay/sdk/disputes/turn";

const ACTS: Readonly<Record<GameMove["move"], string>> = {
  open: "opened",
  crossSteps: "showed the states inside the interval of",
  crossState: "showed the tensors of",
  crossTensor: "showed the ops behind",
  crossOp: "showed the chunks of",
  crossTerms: "showed the accumulators of",
  reveal: "showed the bytes of",
  judge: "claimed what is read at",
  prove: "proved a claim at",
  proveUnchanged: "proved that no step changes",
  proveParameter: "proved under the last state",
  point: "pointed at",
  pointElement: "pointed at an element of",
  pointClaim: "pointed at a claim of",
};

/** What a move did, told from the position in which it was made. */
export const describeMove = (
  move: GameMove["move"],
  { position }: Pick<Game, "position">,
): string => `${ACTS[move]} ${describePlace(position)}`;

/** Where a game stands, told by the side that is ours. */
export const describeGame = (game: Game, ours: "provider" | "challenger"): string => {
  const turn = turnOf(game);
  const whose =
    turn === undefined
      ? "over"
      : turn === "anyone"
        ? "decided by the record"
        : turn === ours
          ? "our move"
          : `the ${turn}'s move`;
  return `${describePlace(game.position)}: ${whose}`;
};
