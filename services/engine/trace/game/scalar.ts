/** The one operation that a game came to, as one's own run computes it. Bits are u32. */
import type { Position } from "@assay/protocol/domain/disputes";
import { primitiveAt } from "../../ir/primitives.ts";
import type { DType, Source } from "../../ir/types.ts";
import { operandAt, scalarStep } from "../../reference/scalar.ts";
import { opAt } from "../descent/course.ts";
import type { Views } from "../descent/views.ts";
import { claimsAt } from "./answer.ts";
import { sectionOf } from "./level.ts";

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
  /** Element of it; undefined where none is read. */
  readonly element: number | undefined;
  readonly dtype: DType;
  readonly bits: number;
}

/** The operation of a position from the phase `judge` on. Throws a RangeError where the run has no such place. */
export async function scalarAt(views: Views, p: Position): Promise<Scalar> {
  const section = sectionOf(views, p);
  const op = opAt(views.course, section, p.op);
  const memory = await views.memory(section, p.op);
  const own = op.operands.map((_, k) => operandAt(op, k, p.element, p.term, memory));
  const claimed = p.accumulatorKnown ? p.accumulator : (await claimsAt(views, p)).accumulator;
  const before = op.form === "fold" && p.term === 0 ? op.initial : claimed;
  return {
    primitive: primitiveAt(op.opcode)?.name ?? String(op.opcode),
    dtype: op.out.dtype,
    operands: op.operands.map(({ source }, k): ScalarOperand => ({
      source: source.kind,
      index: "index" in source ? source.index : undefined,
      element: own[k]?.address,
      dtype: own[k]?.dtype ?? op.out.dtype,
      bits: own[k]?.bits ?? 0,
    })),
    accumulator: op.form === "fold" ? before : undefined,
    bits: scalarStep(
      op,
      before,
      own.map(({ bits }) => bits),
      memory.seed,
    ),
  };
}
