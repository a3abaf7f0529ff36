/** Programs as large as a program may be, or as one that a goal speaks of; nothing ever runs them. */
import { LIMITS } from "@assay/engine/ir/limits";
import { type Primitive, primitive } from "@assay/engine/ir/primitives";
import type {
  Affine,
  DType,
  NamedTensor,
  Op,
  Operand,
  Program,
  Shape,
  Source,
  StateTensor,
} from "@assay/engine/ir/types";

import type { Spot } from "./synthetic.ts";

const flat = (length: number): Affine => ({
  offset: 1,
  strides: Array.from({ length }, () => 1),
});

/** An operand with everything that one can have, and all of it passes. */
const heavy = (source: Source, coordinates: number, rows: Source): Operand => ({
  source,
  ...flat(coordinates),
  guards: Array.from({ length: LIMITS.guards }, () => ({
    ...flat(coordinates),
    limit: 2 ** 30,
  })),
  indirection:
    "index" in rows ? { ...flat(coordinates), source: rows, rowStride: 3, limit: 100 } : null,
});
const plain = (source: Source, coordinates: number): Operand => ({
  source,
  ...flat(coordinates),
  guards: [],
  indirection: null,
});

const WIDE: Shape = [LIMITS.elements];
/** A column of a data set, which has a level of chunks more. */
const LONG: Shape = [LIMITS.dataElements];
const data = (index: number): Source => ({ kind: "data", index });
const tensor = (dtype: DType, shape: Shape, name: string): NamedTensor => ({ name, dtype, shape });
const none = { data: [], parent: [], init: [], eval: [], outputs: [], numerics: "f32-1" } as const;

/** Header, trees and one fold at every limit: about 2^95 scalar steps. */
export function limitProgram(): { program: Program; spot: Spot } {
  const op: Op = {
    form: "fold",
    opcode: primitive("mulAdd").opcode,
    out: { dtype: "f32", shape: [2 ** 7, 2 ** 7, 2 ** 7, 2 ** 7] },
    reduction: [2 ** 6, 2 ** 6, 2 ** 6, 2 ** 6],
    initial: 0,
    operands: [
      heavy({ kind: "state", index: 7 }, 8, data(63)),
      heavy({ kind: "value", index: 11 }, 8, data(63)),
    ],
  };
  const scalar: Op = {
    form: "map",
    opcode: primitive("copy").opcode,
    out: { dtype: "f32", shape: [] },
    operands: [plain({ kind: "immediate", dtype: "f32", bits: 0 }, 0)],
  };
  const wide: Op = { ...scalar, out: { dtype: "f32", shape: WIDE }, operands: [plain(data(0), 1)] };
  const state = Array.from({ length: LIMITS.stateTensors }, (_, i): StateTensor => ({
    name: `s${i}`,
    dtype: "f32",
    shape: i < 8 ? WIDE : [1, 1, 1, 1],
    parameter: true,
    initOp: 0,
    stepOp: LIMITS.ops - 1,
  }));
  const program: Program = {
    ...none,
    steps: LIMITS.steps,
    interval: 2 ** 11,
    data: Array.from({ length: LIMITS.dataTensors }, (_, i) => tensor("i32", LONG, `d${i}`)),
    state,
    // The header counts them, and one has to be there to be shown.
    init: [wide],
    step: Array.from({ length: LIMITS.ops }, (_, i) =>
      i === 11 ? wide : i === LIMITS.ops - 2 ? op : scalar,
    ),
  };
  const spot = {
    checkpoint: 2 ** 20 - 2,
    state: 2_040,
    tensor: 1_000,
    op: LIMITS.ops - 2,
    element: 2 ** 28 - 5_000,
    term: 2 ** 24 - 1_000,
  };
  return { program, spot };
}

/** 2^48 scalar steps: 2^16 steps of 2^4 ops of 2^16 elements of 2^12 terms. */
export function largeProgram(): { program: Program; spot: Spot } {
  const op: Op = {
    form: "fold",
    opcode: primitive("mulAdd").opcode,
    out: { dtype: "f32", shape: [2 ** 8, 2 ** 8] },
    reduction: [2 ** 12],
    initial: 0,
    operands: [plain({ kind: "state", index: 0 }, 3), plain(data(0), 3)],
  };
  const program: Program = {
    ...none,
    steps: 2 ** 16,
    interval: 2 ** 8,
    data: [tensor("f32", [2 ** 20], "x")],
    state: Array.from({ length: 16 }, (_, i): StateTensor => ({
      name: `s${i}`,
      dtype: "f32",
      shape: [2 ** 16],
      parameter: true,
      initOp: 0,
      stepOp: 15,
    })),
    init: [op],
    step: Array.from({ length: 16 }, () => op),
  };
  const spot = { checkpoint: 200, state: 100, tensor: 9, op: 9, element: 60_000, term: 3_000 };
  return { program, spot };
}

/** One op of a primitive on operands in tensors as large as any but a column; with `full`, with guards and rows too. */
export function opcodeProgram(
  { opcode, form, operands, result }: Primitive,
  full: boolean,
): { program: Program; spot: Spot } {
  const own = result === "any" ? "f32" : result;
  const types = operands.map((type) => (type === "any" ? own : type));
  const shape = [4, 4, 4, 4];
  const coordinates = form === "fold" ? 8 : 4;
  const made = types.map((_, k) =>
    full ? heavy(data(k), coordinates, data(3)) : plain(data(k), coordinates),
  );
  const out = { dtype: own, shape };
  const op: Op =
    form === "fold"
      ? { form, opcode, out, reduction: shape, initial: 0, operands: made }
      : { form, opcode, out, operands: made };
  const program: Program = {
    ...none,
    steps: 4,
    interval: 2,
    data: [0, 1, 2, 3].map((k) => tensor(k < 3 ? (types[k] ?? "f32") : "i32", WIDE, `d${k}`)),
    state: [{ name: "s", dtype: own, shape, parameter: true, initOp: 0, stepOp: 0 }],
    init: [op],
    step: [op],
  };
  const spot = {
    checkpoint: 1,
    state: 0,
    tensor: 0,
    op: 0,
    element: 200,
    term: form === "fold" ? 77 : 0,
  };
  return { program, spot };
}
