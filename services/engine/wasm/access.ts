import type { Affine, DType, Guard, Operand } from "../ir/types.ts";
import { guardedRangeOf, rangeOf, type Interval } from "../ir/interval.ts";

/** A tensor in linear memory: an op's output, a state tensor, a data column or a parent tensor. */
export interface BufferRef {
  readonly kind: "value" | "state" | "data" | "parent";
  readonly index: number;
}

export const bufferKey = (ref: BufferRef): string => `${ref.kind}${ref.index}`;

export type Origin =
  | { readonly kind: "buffer"; readonly buffer: BufferRef; readonly elements: number }
  | { readonly kind: "constant"; readonly bits: number }
  | { readonly kind: "step" }
  | { readonly kind: "index" };

export interface RowLookup {
  readonly buffer: BufferRef;
  readonly elements: number;
  readonly address: Affine;
  readonly rowStride: number;
  readonly limit: number;
  /** The lookup's own address may lie outside its tensor. */
  readonly checked: boolean;
}

/** An operand after analysis: only the checks that could not be proved superfluous remain. */
export interface Access {
  readonly origin: Origin;
  readonly dtype: DType;
  readonly address: Affine;
  readonly guards: readonly Guard[];
  readonly lookup: RowLookup | null;
  /** The address may lie outside the tensor. */
  readonly checked: boolean;
}

const contains = (outer: Interval, inner: Interval): boolean =>
  outer.low <= inner.low && inner.high <= outer.high;
const disjoint = (a: Interval, b: Interval): boolean => a.high < b.low || b.high < a.low;
const still = (rank: number): Affine => ({
  offset: 0,
  strides: Array.from({ length: rank }, () => 0),
});

const constant = (bits: number, dtype: DType, rank: number): Access => ({
  origin: { kind: "constant", bits },
  dtype,
  address: still(rank),
  guards: [],
  lookup: null,
  checked: false,
});

/** Elements and type of the tensor behind a buffer source. */
export type TensorOf = (ref: BufferRef) => { readonly elements: number; readonly dtype: DType };

/**
 * Interval analysis of one operand over the loop extents (output dimensions, then reduction dimensions): drops the
 * guards that always pass, makes an operand that never reads anything the constant 0, and decides which checks stay.
 */
export const analyse = (
  operand: Operand,
  extents: readonly number[],
  tensorOf: TensorOf,
): Access => {
  const rank = extents.length;
  const { source } = operand;
  const address: Affine = { offset: operand.offset, strides: operand.strides };
  const dtype =
    source.kind === "immediate" ? source.dtype : isBuffer(source) ? tensorOf(source).dtype : "i32";

  const guards: Guard[] = [];
  for (const guard of operand.guards) {
    const inside = { low: 0, high: guard.limit - 1 };
    const range = rangeOf(guard, extents);
    if (disjoint(range, inside)) return constant(0, dtype, rank);
    if (!contains(inside, range)) guards.push(guard);
  }

  let rows: Interval = { low: 0, high: 0 };
  let lookup: RowLookup | null = null;
  if (operand.indirection !== null) {
    const { source: table, rowStride, limit, offset, strides } = operand.indirection;
    const { elements } = tensorOf(table);
    const range = guardedRangeOf({ offset, strides }, extents, guards);
    const inside = { low: 0, high: elements - 1 };
    if (limit <= 0 || disjoint(range, inside)) return constant(0, dtype, rank);
    const checked = !contains(inside, range);
    lookup = { buffer: table, elements, address: { offset, strides }, rowStride, limit, checked };
    const reach = rowStride * (limit - 1);
    rows = { low: Math.min(0, reach), high: Math.max(0, reach) };
  }

  const shared = { dtype, address, guards, lookup };
  if (source.kind === "immediate") {
    return { ...shared, origin: { kind: "constant", bits: source.bits >>> 0 }, checked: false };
  }
  if (source.kind === "step" || source.kind === "index") {
    return { ...shared, origin: { kind: source.kind }, checked: false };
  }
  const { elements } = tensorOf(source);
  const inside = { low: 0, high: elements - 1 };
  const span = guardedRangeOf(address, extents, guards);
  const range = { low: span.low + rows.low, high: span.high + rows.high };
  if (disjoint(range, inside)) return constant(0, dtype, rank);
  return {
    ...shared,
    origin: { kind: "buffer", buffer: source, elements },
    checked: !contains(inside, range),
  };
};

const isBuffer = (source: Operand["source"]): source is Operand["source"] & BufferRef =>
  source.kind === "value" ||
  source.kind === "state" ||
  source.kind === "data" ||
  source.kind === "parent";

/** All affine forms of an access: its address, guards and lookup. */
export const affinesOf = (access: Access): Affine[] => [
  access.address,
  ...access.guards,
  ...(access.lookup === null ? [] : [access.lookup.address]),
];

/** The same access with every stride list rewritten. */
export const mapStrides = (
  access: Access,
  map: (strides: readonly number[]) => number[],
): Access => ({
  ...access,
  address: { offset: access.address.offset, strides: map(access.address.strides) },
  guards: access.guards.map((g) => ({ offset: g.offset, limit: g.limit, strides: map(g.strides) })),
  lookup:
    access.lookup === null
      ? null
      : {
          ...access.lookup,
          address: {
            offset: access.lookup.address.offset,
            strides: map(access.lookup.address.strides),
          },
        },
});

/** True when nothing in the access moves along dimension `d`. */
export const isUniform = (access: Access, d: number): boolean =>
  affinesOf(access).every((affine) => (affine.strides[d] ?? 0) === 0);

/** True when only the address, not a guard or lookup, moves along dimension `d`, and no check of it is left. */
export const movesPlainly = (access: Access, d: number): boolean =>
  !access.checked &&
  access.guards.every((g) => (g.strides[d] ?? 0) === 0) &&
  (access.lookup === null || (access.lookup.address.strides[d] ?? 0) === 0);

/** Text that is equal exactly for equal accesses. */
export const accessKey = (access: Access): string => JSON.stringify(access);
