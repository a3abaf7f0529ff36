/** Random folds of products with the structure of matrix products and convolutions: batches, layouts, guards, rows. */
import { PRIMITIVES } from "../ir/primitives.ts";
import { elements } from "../ir/shape.ts";
import type { Guard, Indirection, NamedTensor, Op, Operand, Program } from "../ir/types.ts";
import { randomWords } from "./bits.ts";
import type { RandomCase } from "./program.ts";
import { Random } from "./random.ts";

/** What a coordinate of the contraction belongs to. */
type Role = "batch" | "row" | "column" | "term";

interface Dimension {
  readonly role: Role;
  readonly size: number;
}

const opcodeOf = (name: string): number => {
  const primitive = PRIMITIVES.find((p) => p.name === name);
  if (primitive === undefined) throw new RangeError(`no primitive ${name}`);
  return primitive.opcode;
};

/** Splits a size into at most three dimensions. */
const split = (random: Random, role: Role, size: number): Dimension[] => {
  const parts: number[] = [];
  let rest = size;
  while (parts.length < 2 && random.oneIn(2) && rest > 3) {
    const part = random.integer(2, 3);
    parts.push(part);
    rest = Math.ceil(rest / part);
  }
  parts.push(rest);
  return parts.map((part) => ({ role, size: part }));
};

const shuffled = <T>(random: Random, items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, key: random.bits() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);

/** Guards and lookups that an operand's dimensions get now and then, and the tensors they need. */
const operandOver = (
  random: Random,
  dimensions: readonly Dimension[],
  roles: readonly Role[],
  index: number,
): { readonly operand: Operand; readonly elements: number } => {
  const present = dimensions.map((d, i) => ({ ...d, i })).filter((d) => roles.includes(d.role));
  const strides = dimensions.map(() => 0);
  let size = 1;
  for (const dimension of shuffled(random, present)) {
    strides[dimension.i] = size;
    size *= dimension.size + (random.oneIn(4) ? 1 : 0);
  }
  const padding = random.oneIn(3) && present.length > 0;
  const guards: Guard[] = [];
  if (padding) {
    const along = random.pick(present);
    const partner = random.pick(present);
    const slope = dimensions.map(() => 0);
    slope[along.i] = 1;
    slope[partner.i] = 1;
    guards.push({
      offset: -random.integer(0, 2),
      strides: slope,
      limit: random.integer(1, along.size + 1),
    });
  }
  let offset = padding ? -random.integer(0, 3) : 0;
  const flipped = random.oneIn(6) && present.length > 0 ? random.pick(present) : null;
  if (flipped !== null) {
    offset += (strides[flipped.i] ?? 0) * (flipped.size - 1);
    strides[flipped.i] = -(strides[flipped.i] ?? 0);
  }
  let indirection: Indirection | null = null;
  if (random.oneIn(3) && present.length > 0) {
    const by = random.pick(present);
    const slope = dimensions.map(() => 0);
    slope[by.i] = 1;
    indirection = {
      source: { kind: "data", index: 2 },
      offset: 0,
      strides: slope,
      rowStride: random.integer(0, 5),
      limit: random.integer(1, 12),
    };
  }
  const source = { kind: "data" as const, index };
  return { operand: { source, offset, strides, guards, indirection }, elements: size };
};

/** The random contraction of this number, as the one op of `init` and (with an epilogue) of `step`. */
export const randomContraction = (number: number): RandomCase => {
  const random = new Random(number);
  const sizeOf = (most: number): number => random.integer(1, most);
  const deep = random.oneIn(6);
  const dimensions = [
    ...(random.oneIn(3) ? split(random, "batch", sizeOf(4)) : []),
    ...split(random, "row", sizeOf(deep ? 9 : 40)),
    ...split(random, "column", sizeOf(deep ? 20 : 40)),
  ];
  const ordered = random.oneIn(2) ? dimensions : shuffled(random, dimensions);
  const output = ordered.slice(0, 4);
  const reduction = split(random, "term", deep ? random.integer(380, 900) : sizeOf(40));
  const all = [...output, ...reduction];
  const sides = [
    operandOver(random, all, ["batch", "row", "term"], 0),
    operandOver(random, all, ["batch", "column", "term"], 1),
  ] as const;
  const [left, right] = random.oneIn(2) ? sides : [sides[1], sides[0]];
  const tame = random.oneIn(2);
  const shape = output.map((d) => d.size);
  const initial = random.oneIn(3) ? random.bits() : 0;
  const fold: Op = {
    form: "fold",
    opcode: opcodeOf("mulAdd"),
    out: { dtype: "f32", shape },
    reduction: reduction.map((d) => d.size),
    initial,
    operands: [left.operand, right.operand],
  };
  const dense = shape.map((_, d) => elements(shape.slice(d + 1)));
  const plain = { offset: 0, strides: dense, guards: [], indirection: null };
  const epilogue: Op = {
    form: "map",
    opcode: opcodeOf("add"),
    out: { dtype: "f32", shape },
    operands: [
      { ...plain, source: { kind: "value", index: 0 } },
      { ...plain, source: { kind: "state", index: 0 } },
    ],
  };
  const data: NamedTensor[] = [
    { name: "left", dtype: "f32", shape: [sides[0].elements] },
    { name: "right", dtype: "f32", shape: [sides[1].elements] },
    { name: "rows", dtype: "i32", shape: [1000] },
  ];
  const program: Program = {
    numerics: "f32-1",
    steps: 3,
    interval: 1,
    data,
    parent: [],
    state: [{ name: "out", dtype: "f32", shape, parameter: true, initOp: 0, stepOp: 1 }],
    init: [fold],
    step: [fold, epilogue],
    eval: [fold],
    outputs: [{ name: "out", op: 0 }],
  };
  return {
    program,
    inputs: { data: data.map((tensor) => randomWords(random, tensor, tame)), parent: [], seed: 1n },
  };
};
