/** Both sides of the contract's dispute game about one run: what to show, and what to point at. */
import type {
  ChallengerMove,
  Claims,
  Position,
  ProviderMove,
  TensorProof,
} from "@assay/protocol/domain/disputes";
import { openViews, type DescentOptions } from "../descent/descent.ts";
import { answerAt } from "./answer.ts";
import { modelChunk } from "./proof.ts";
import { pointAt, type Shown } from "./point.ts";
import { type Scalar, scalarAt } from "./scalar.ts";

export interface GameRun {
  /**
   * What an honest provider shows; `shown` are the claims of the game, for its last move. One answer is made at a time. Throws
   * ENGINE_GAME_MISMATCH and ENGINE_DESCENT_CHECKPOINT where the run does not give what it is said to have given.
   */
  answer(position: Position, shown: Claims): Promise<ProviderMove>;
  /** What an honest challenger points at; undefined when all that was shown is right. */
  point(position: Position, shown: Shown): Promise<ChallengerMove | undefined>;
  /** The operation that a position from the phase `judge` on has come to, as this run computes it. */
  scalar(position: Position): Promise<Scalar>;
  /** A chunk of the model as a demand wants it shown. */
  modelChunk(tensor: number, chunk: number): Promise<TensorProof>;
  /** Frees the back end and the cache once the answers under way are made. */
  close(): Promise<void>;
}

/** Opens a run for the contract's game. Throws what `openDescent` throws. */
export function openGameRun(options: DescentOptions): GameRun {
  const views = openViews(options);
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(make: () => Promise<T>): Promise<T> => {
    const made = turn.then(make);
    turn = made.catch(() => undefined);
    return made;
  };
  return {
    answer: (position, shown) => inTurn(() => answerAt(views, position, shown)),
    point: (position, shown) => inTurn(() => pointAt(views, position, shown)),
    scalar: (position) => inTurn(() => scalarAt(views, position)),
    modelChunk: (tensor, chunk) => inTurn(() => modelChunk(views, tensor, chunk)),
    close: async () => {
      await turn;
      views.close();
    },
  };
}
