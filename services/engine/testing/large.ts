/**
 * A program in which every tree of a dispute has more than one storey: tensors of hundreds of chunks, folds of thousands of
 * terms, more than 16 ops, state tensors and steps of an interval.
 */
import { primitive, type PrimitiveName } from "../ir/primitives.ts";
import { elements } from "../ir/shape.ts";
import type { NamedTensor, Op, Operand, Program, Shape, Source, StateTensor } from "../ir/types.ts";
import { UNCHANGED } from "../ir/types.ts";
import { randomWords } from "./bits.ts";
import type { RandomCase } from "./program.ts";
import { Random } from "./random.ts";

const LONG = 5000;
const SMALL = 18;

const dense = (shape: Shape): number[] => shape.map((_, d) => elements(shape.slice(d + 1)));

const operand = (source: Source, strides: readonly number[]): Operand => ({
  source,
  offset: 0,
  strides,
  guards: [],
  indirection: null,
});

const map = (name: PrimitiveName, shape: Shape, sources: readonly Source[]): Op => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: { dtype: "f32", shape },
  operands: sources.map((source) =>
    operand(source, "index" in source ? dense(shape) : shape.map(() => 0)),
  ),
});

/** Bits of a value, so that a sum of them forgets no difference. */
const bits = (index: number): Op => {
  const op = map("bitsOf", [3], [{ kind: "value", index }]);
  return { ...op, out: { dtype: "i32", shape: [3] } };
};

const half: Source = { kind: "immediate", dtype: "f32", bits: 0x3f000000 };

/** A program of 3 intervals of 20 steps; the numbers change with `number`. */
export const largeProgram = (number: number): RandomCase => {
  const random = new Random(number);
  const data: NamedTensor[] = [
    { name: "long", dtype: "f32", shape: [LONG] },
    { name: "rows", dtype: "i32", shape: [LONG] },
  ];
  const long: Shape = [LONG];
  const column: Source = { kind: "data", index: 0 };
  const scalars = Array.from({ length: SMALL }, (_, i): Op =>
    map("mul", [3], [{ kind: "immediate", dtype: "f32", bits: 0x3f800000 + 64 * i }, half]),
  );
  const init: Op[] = [map("mul", long, [column, half]), ...scalars, bits(1)];
  const product: Op = {
    form: "fold",
    opcode: primitive("mulAdd").opcode,
    out: { dtype: "f32", shape: [3] },
    reduction: long,
    initial: 0,
    operands: [
      operand({ kind: "state", index: 0 }, [0, 1]),
      {
        ...operand(column, [0, 0]),
        indirection: {
          source: { kind: "data", index: 1 },
          offset: 0,
          strides: [0, 1],
          rowStride: 1,
          limit: LONG,
        },
      },
    ],
  };
  const step: Op[] = [
    product,
    map("add", long, [{ kind: "state", index: 0 }, column]),
    map("mul", long, [{ kind: "value", index: 1 }, half]),
    bits(0),
    ...Array.from({ length: SMALL - 1 }, (_, i) =>
      map("mul", [3], [{ kind: "state", index: i + 2 }, half]),
    ),
    map(
      "add",
      [3],
      [
        { kind: "value", index: 4 },
        { kind: "value", index: 0 },
      ],
    ),
    {
      ...map(
        "iadd",
        [3],
        [
          { kind: "state", index: 1 },
          { kind: "value", index: 3 },
        ],
      ),
      out: { dtype: "i32", shape: [3] },
    },
  ];
  const [added, summed] = [step.length - 2, step.length - 1];
  const state: StateTensor[] = [
    { name: "long", dtype: "f32", shape: long, parameter: true, initOp: 0, stepOp: 2 },
    {
      name: "small 0",
      dtype: "i32",
      shape: [3],
      parameter: true,
      initOp: init.length - 1,
      stepOp: summed,
    },
    ...Array.from({ length: SMALL - 1 }, (_, i): StateTensor => ({
      name: `small ${i + 1}`,
      dtype: "f32",
      shape: [3],
      parameter: i % 2 === 0 || i > 10,
      initOp: 2 + i,
      stepOp: i === 4 ? UNCHANGED : i === 6 ? added : 4 + i,
    })),
  ];
  const program: Program = {
    numerics: "f32-1",
    steps: 58,
    interval: 20,
    data,
    parent: [],
    state,
    init,
    step,
    eval: [map("add", long, [{ kind: "state", index: 0 }, column]), product],
    outputs: [
      { name: "sum", op: 0 },
      { name: "product", op: 1 },
    ],
  };
  const rows = Uint32Array.from({ length: LONG }, () => random.integer(0, LONG - 1));
  const [first] = data as [NamedTensor];
  return {
    program,
    inputs: { data: [randomWords(random, first, true), rows], parent: [], seed: BigInt(number) },
  };
};
