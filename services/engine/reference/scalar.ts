/**
 * One element at a time: what a dispute ends in. Addresses come from the coordinates alone, so this is also an
 * independent check of the loops in `interpret.ts`.
 */
import { primitiveAt } from "../ir/primitives.ts";
import { elements, terms } from "../ir/shape.ts";
import type { Affine, DType, Op, Operand, Shape, Source, TensorType } from "../ir/types.ts";
import { foldFunction, mapFunction, seedWords } from "./arithmetic.ts";
import { decodeBits, encodeBits } from "./bits.ts";

export type MemorySource = Extract<Source, { readonly index: number }>;

/** Where the scalar walk finds what an op reads. */
export interface ScalarSources {
  typeOf(source: MemorySource): TensorType;
  /** Bits (u32) of one element that is inside the tensor. */
  read(source: MemorySource, address: number): number;
  readonly step: number;
  readonly seed: bigint;
}

/** What one operand reads at one place: its value, and where from. */
export interface OperandValue {
  readonly dtype: DType;
  /** Canonical bits (u32). */
  readonly bits: number;
  /** Address in the source tensor; undefined when a guard, a row or the tensor's end made it read +0, or without memory. */
  readonly address: number | undefined;
  /** The row that the indirection gave, and its address; undefined without an indirection or when it was not read. */
  readonly row: { readonly address: number; readonly value: number } | undefined;
}

/** Coordinates of flat position `index`, row-major. */
function unravel(index: number, shape: Shape): number[] {
  const at: number[] = [];
  let rest = index;
  for (const size of shape.toReversed()) {
    at.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return at;
}

const affineAt = (affine: Affine, at: readonly number[]): number =>
  affine.strides.reduce((sum, stride, d) => sum + stride * (at[d] as number), affine.offset);

function coordinatesAt(op: Op, element: number, term: number): number[] {
  return [
    ...unravel(element, op.out.shape),
    ...(op.form === "fold" ? unravel(term, op.reduction) : []),
  ];
}

const passes = (operand: Operand, at: readonly number[]): boolean =>
  operand.guards.every((guard) => {
    const value = affineAt(guard, at);
    return value >= 0 && value < guard.limit;
  });

function rowAt(
  operand: Operand,
  at: readonly number[],
  sources: ScalarSources,
): OperandValue["row"] {
  const { indirection } = operand;
  if (indirection === null) return undefined;
  const address = affineAt(indirection, at);
  if (address < 0 || address >= elements(sources.typeOf(indirection.source).shape))
    return undefined;
  return { address, value: sources.read(indirection.source, address) | 0 };
}

/** A value without an address. */
const fixed = (dtype: DType, bits: number): OperandValue => ({
  dtype,
  bits,
  address: undefined,
  row: undefined,
});

/** Value of operand `k` for output element `element` and reduction position `term` (0 for a map). */
export function operandAt(
  op: Op,
  k: number,
  element: number,
  term: number,
  sources: ScalarSources,
): OperandValue {
  const operand = op.operands[k];
  if (operand === undefined) throw new RangeError(`no operand ${k}`);
  const at = coordinatesAt(op, element, term);
  const { source } = operand;
  const open = passes(operand, at);
  switch (source.kind) {
    case "immediate":
      return fixed(
        source.dtype,
        open ? encodeBits(decodeBits(source.bits, source.dtype), source.dtype) : 0,
      );
    case "step":
      return fixed("i32", open ? sources.step : 0);
    case "index":
      return fixed("i32", open ? affineAt(operand, at) >>> 0 : 0);
    default:
  }
  const { dtype, shape } = sources.typeOf(source);
  if (!open) return fixed(dtype, 0);
  const row = rowAt(operand, at, sources);
  const { indirection } = operand;
  let address = affineAt(operand, at);
  if (indirection !== null) {
    if (row === undefined || row.value < 0 || row.value >= indirection.limit)
      return { ...fixed(dtype, 0), row };
    address += row.value * indirection.rowStride;
  }
  if (address < 0 || address >= elements(shape)) return { ...fixed(dtype, 0), row };
  const bits = encodeBits(decodeBits(sources.read(source, address), dtype), dtype);
  return { dtype, bits, address, row };
}

/** Where one operand reads at one place, given what its row is said to be; addresses may lie outside their tensors. */
export interface Reading {
  /** Undefined where the op itself fixes the value, or a guard or the row's limit makes it +0. */
  readonly value: { readonly source: MemorySource; readonly address: number } | undefined;
  /** Undefined where no row is read. */
  readonly row: { readonly source: MemorySource; readonly address: number } | undefined;
}

/** What operand `k` reads; `row` is a u32, ignored without an indirection. */
export function readingAt(op: Op, k: number, element: number, term: number, row: number): Reading {
  const operand = op.operands[k];
  if (operand === undefined) throw new RangeError(`no operand ${k}`);
  const at = coordinatesAt(op, element, term);
  const { source, indirection } = operand;
  if (!("index" in source) || !passes(operand, at)) return { value: undefined, row: undefined };
  const address = affineAt(operand, at);
  if (indirection === null) return { value: { source, address }, row: undefined };
  const table = { source: indirection.source, address: affineAt(indirection, at) };
  // A negative row is above every limit.
  if (row >>> 0 >= indirection.limit) return { value: undefined, row: table };
  return { value: { source, address: address + row * indirection.rowStride }, row: table };
}

/** The judge's own computation: one primitive on bits (u32). `acc` is ignored by maps. */
export function scalarStep(op: Op, acc: number, operands: readonly number[], seed: bigint): number {
  const primitive = primitiveAt(op.opcode);
  if (primitive === undefined) throw new RangeError(`no primitive ${op.opcode}`);
  const { dtype } = op.out;
  const [x = 0, y = 0, z = 0] = primitive.operands.map((declared, k) =>
    decodeBits(operands[k] ?? 0, declared === "any" ? dtype : declared),
  );
  if (op.form === "map")
    return encodeBits(mapFunction(primitive.name)(x, y, z, seedWords(seed)), dtype);
  return encodeBits(foldFunction(primitive.name)(decodeBits(acc, dtype), x, y), dtype);
}

/**
 * Bits (u32) of one output element. With `count`, the accumulator of a fold after its first `count` terms; 0 gives
 * the initial one.
 */
export function evaluateScalar(
  op: Op,
  element: number,
  sources: ScalarSources,
  count = terms(op),
): number {
  const start = op.form === "fold" ? op.initial : 0;
  let acc = encodeBits(decodeBits(start, op.out.dtype), op.out.dtype);
  for (let term = 0; term < count; term++) {
    const operands = op.operands.map((_, k) => operandAt(op, k, element, term, sources).bits);
    acc = scalarStep(op, acc, operands, sources.seed);
  }
  return acc;
}
