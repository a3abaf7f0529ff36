/**
 * One's own run in the dispute game on chain: what to point at, and the scalar that a game came to. Everything is made again from
 * checkpoints when a position asks for it, as in a descent.
 */
import type { ChallengerMove, Position } from "@assay/protocol/domain/disputes";
import { primitiveAt } from "../../ir/primitives.ts";
import type { DType, Source } from "../../ir/types.ts";
import { scalarStep } from "../../reference/scalar.ts";
import type { Course } from "../descent/course.ts";
import { type DescentOptions, openViews } from "../descent/descent.ts";
import { ownScalar } from "./own.ts";
import { opOf } from "./place.ts";
import { type Shown, point } from "./point.ts";

/** The one operation that a game came to, with what it reads in this run. Bits are u32. */
export interface Scalar {
  /** Name in the table of primitives. */
  readonly primitive: string;
  readonly dtype: DType;
  readonly operands: readonly ScalarOperand[];
  /** Of a fold, before the term. */
  readonly accumulator: number | undefined;
  /** What the operation gives. */
  readonly bits: number;
}

export interface ScalarOperand {
  readonly source: Source["kind"];
  /** Tensor or op, where the source has several. */
  readonly index: number | undefined;
  /** Element of it; undefined where nothing is read. */
  readonly element: number | undefined;
  readonly dtype: DType;
  readonly bits: number;
}

export interface OwnGame {
  readonly course: Course;
  /** The challenger's move: at the first thing that this run has otherwise. @throws ENGINE_GAME_AGREES */
  point(position: Position, shown: Shown): Promise<ChallengerMove>;
  /** The operation of a position that has come to one. */
  scalar(position: Position): Promise<Scalar>;
  close(): Promise<void>;
}

/** Opens a run for games. Throws as `openDescent`. */
export function openGame(options: DescentOptions): OwnGame {
  const views = openViews(options);
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const made = turn.then(action);
    turn = made.catch(() => undefined);
    return made;
  };
  const scalar = async (p: Position): Promise<Scalar> => {
    const op = opOf(views.course, p);
    const own = await ownScalar(views, p);
    const start = op.form === "fold" && p.term === 0 ? op.initial : p.accumulator;
    const before = p.accumulatorKnown ? start : own.accumulator;
    const bits = own.operands.map((operand) => operand.bits);
    return {
      primitive: primitiveAt(op.opcode)?.name ?? String(op.opcode),
      dtype: op.out.dtype,
      operands: own.operands.map((operand, k): ScalarOperand => {
        const { source } = op.operands[k] as (typeof op.operands)[number];
        return {
          source: source.kind,
          index: "index" in source ? source.index : undefined,
          element: operand.address,
          dtype: operand.dtype,
          bits: operand.bits,
        };
      }),
      accumulator: op.form === "fold" ? before : undefined,
      bits: scalarStep(op, before, bits, options.inputs.seed),
    };
  };
  return {
    course: views.course,
    point: (position, shown) => inTurn(() => point(views, position, shown)),
    scalar: (position) => inTurn(() => scalar(position)),
    close: async () => {
      await turn;
      views.close();
    },
  };
}
