/** Programs made by hand for disputes. */
import type { InputsInMemory } from "@assay/engine/backend";
import { primitive, type PrimitiveName } from "@assay/engine/ir/primitives";
import type { Op, Operand, Program, Shape, Source } from "@assay/engine/ir/types";
import { UNCHANGED } from "@assay/engine/ir/types";
import { bitsOf } from "@assay/engine/reference/bits";

const read = (source: Source, strides: readonly number[]): Operand => ({
  source,
  offset: 0,
  strides,
  guards: [],
  indirection: null,
});

const f32 = (value: number): Source => ({
  kind: "immediate",
  dtype: "f32",
  bits: bitsOf(Math.fround(value)),
});

const map = (name: PrimitiveName, shape: Shape, operands: readonly Operand[]): Op => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: { dtype: "f32", shape },
  operands,
});

const value = (index: number): Source => ({ kind: "value", index });
const state = (index: number): Source => ({ kind: "state", index });

/** A counter, its double that never changes, and what is one more after each step. */
export function smallProgram(
  steps: number,
  interval: number,
): { program: Program; inputs: InputsInMemory } {
  const scalar = { dtype: "f32", shape: [] } as const;
  const program: Program = {
    numerics: "f32-1",
    steps,
    interval,
    data: [{ name: "x", dtype: "f32", shape: [3] }],
    parent: [],
    state: [
      { ...scalar, name: "count", parameter: true, initOp: 0, stepOp: 0 },
      { ...scalar, name: "still", parameter: false, initOp: 0, stepOp: UNCHANGED },
    ],
    init: [map("copy", [], [read(f32(1), [])])],
    step: [map("add", [], [read(state(0), []), read({ kind: "data", index: 0 }, [])])],
    eval: [map("mul", [2], [read(state(0), [0]), read(state(1), [0])])],
    outputs: [{ name: "product", op: 0 }],
  };
  const data = [Uint32Array.of(bitsOf(1), bitsOf(2), bitsOf(3))];
  return { program, inputs: { data, parent: [], seed: 7n } };
}

/** The same, begun from a scalar of its parent's model instead of 1. */
export function tunedProgram(): { program: Program; inputs: InputsInMemory } {
  const { program, inputs } = smallProgram(4, 2);
  return {
    program: {
      ...program,
      parent: [{ name: "count", dtype: "f32", shape: [] }],
      init: [map("copy", [], [read({ kind: "parent", index: 0 }, [])])],
    },
    inputs: { ...inputs, parent: [Uint32Array.of(bitsOf(5))] },
  };
}

/** Number of small tensors before the wide one, so that lists of ops and tensors are two levels deep. */
const SMALL = 17;
const TERMS = 300;
const COLUMNS = 2;

/** A layer whose folds, tensors, op list, state and intervals all take more than one node or chunk. */
export function wideProgram(): { program: Program; inputs: InputsInMemory; foldOp: number } {
  const steps = 40;
  const interval = 20;
  const shape = [TERMS, COLUMNS];
  const scalars = Array.from({ length: SMALL }, (_, i) => ({
    name: `s${i}`,
    dtype: "f32" as const,
    shape: [],
    parameter: false,
    initOp: i,
    stepOp: i,
  }));
  const fold: Op = {
    form: "fold",
    opcode: primitive("mulAdd").opcode,
    out: { dtype: "f32", shape: [2, COLUMNS] },
    reduction: [TERMS],
    initial: 0,
    operands: [
      read({ kind: "data", index: 0 }, [TERMS, 0, 1]),
      read(state(SMALL), [0, 1, COLUMNS]),
    ],
  };
  const program: Program = {
    numerics: "f32-1",
    steps,
    interval,
    data: [{ name: "x", dtype: "f32", shape: [2, TERMS] }],
    parent: [],
    state: [
      ...scalars,
      { name: "w", dtype: "f32", shape, parameter: true, initOp: SMALL, stepOp: SMALL + 2 },
    ],
    init: [
      ...scalars.map((_, i) => map("copy", [], [read(f32(i), [])])),
      map("mul", shape, [read({ kind: "data", index: 0 }, [1, 0]), read(f32(0.5), [0, 0])]),
    ],
    step: [
      ...scalars.map((_, i) => map("add", [], [read(state(i), []), read(f32(1), [])])),
      fold,
      map("mul", shape, [read(state(SMALL), [COLUMNS, 1]), read(f32(0.875), [0, 0])]),
      map("add", shape, [read(value(SMALL + 1), [COLUMNS, 1]), read(value(SMALL), [0, 1])]),
    ],
    eval: [],
    outputs: [],
  };
  const data = [
    Uint32Array.from({ length: 2 * TERMS }, (_, i) => bitsOf(Math.fround(Math.sin(i) / 64))),
  ];
  return { program, inputs: { data, parent: [], seed: 11n }, foldOp: SMALL };
}
