import { rowMajor } from "./collapse.ts";
import type { FunctionBuilder } from "./function.ts";
import { I, VALUE } from "./opcodes.ts";

/** A local that moves with the terms: by `strides[level]` from one term to the next along a level. */
export interface Walker {
  readonly local: number;
  readonly strides: readonly number[];
}

/** Terms `[first, first + count)` of a contraction, whose dimensions have these extents; both bounds are locals. */
export interface TermRange {
  readonly extents: readonly number[];
  readonly first: number;
  readonly count: number;
}

/** Splits a flat index into coordinates, outermost first. With one dimension or none it is the index itself. */
export const decompose = (
  f: FunctionBuilder,
  extents: readonly number[],
  index: number,
): number[] => {
  if (extents.length <= 1) return extents.map(() => index);
  const weights = rowMajor(extents);
  return extents.map((extent, d) => {
    const local = f.local(VALUE.i32);
    f.get(index);
    if (weights[d] !== 1) f.i32(weights[d] ?? 1).op(I.i32DivU);
    if (d > 0) f.i32(extent).op(I.i32RemU);
    f.set(local);
    return local;
  });
};

/** Adds `Σ coordinate · stride` to the number on the stack. */
export const addScaled = (
  f: FunctionBuilder,
  coordinates: readonly number[],
  strides: readonly number[],
): void => {
  coordinates.forEach((coordinate, d) => {
    const stride = strides[d] ?? 0;
    if (stride !== 0) f.get(coordinate).i32(stride).op(I.i32Mul).op(I.i32Add);
  });
};

const placeWalkers = (
  f: FunctionBuilder,
  coordinates: readonly number[],
  walkers: readonly Walker[],
): void => {
  for (const { local, strides } of walkers) {
    f.get(local);
    addScaled(f, coordinates, strides);
    f.set(local);
  }
};

/** Takes back a whole round of a level, whose coordinate returns to 0, and goes one further along the level outside it. */
const carry = (
  f: FunctionBuilder,
  extents: readonly number[],
  coordinates: readonly number[],
  walkers: readonly Walker[],
  level: number,
): void => {
  const extent = extents[level] ?? 1;
  f.i32(0).set(coordinates[level] ?? 0);
  for (const { local, strides } of walkers) f.advance(local, -(strides[level] ?? 0) * extent);
  step(f, extents, coordinates, walkers, level - 1);
};

/** Goes one further along a level. The outermost level's coordinate is not kept. */
const step = (
  f: FunctionBuilder,
  extents: readonly number[],
  coordinates: readonly number[],
  walkers: readonly Walker[],
  level: number,
): void => {
  for (const { local, strides } of walkers) f.advance(local, strides[level] ?? 0);
  if (level <= 0) return;
  const coordinate = coordinates[level] ?? 0;
  f.advance(coordinate, 1);
  f.get(coordinate)
    .i32(extents[level] ?? 1)
    .op(I.i32Eq);
  f.if(() => carry(f, extents, coordinates, walkers, level));
};

/** Runs `body` for every term, with the walkers at its place. */
export const overTerms = (
  f: FunctionBuilder,
  range: TermRange,
  walkers: readonly Walker[],
  body: () => void,
): void => {
  const { extents } = range;
  const coordinates = decompose(f, extents, range.first);
  placeWalkers(f, coordinates, walkers);
  const left = f.local(VALUE.i32);
  f.get(range.count).set(left);
  f.doWhile(() => {
    body();
    step(f, extents, coordinates, walkers, extents.length - 1);
    f.get(left).i32(1).op(I.i32Sub).tee(left);
  });
};

/**
 * Runs `body` for every stretch of terms that are neighbours along the innermost level, with the walkers at its start and
 * its length in a local. `body` moves the walkers to its end.
 */
export const overRuns = (
  f: FunctionBuilder,
  range: TermRange,
  walkers: readonly Walker[],
  body: (length: number) => void,
): void => {
  const { extents } = range;
  const coordinates = decompose(f, extents, range.first);
  placeWalkers(f, coordinates, walkers);
  const last = extents.length - 1;
  if (last <= 0) {
    body(range.count);
    return;
  }
  const [left, length, room] = [f.local(VALUE.i32), f.local(VALUE.i32), f.local(VALUE.i32)];
  const coordinate = coordinates[last] ?? 0;
  f.get(range.count).set(left);
  f.doWhile(() => {
    f.i32(extents[last] ?? 1)
      .get(coordinate)
      .op(I.i32Sub)
      .tee(room)
      .get(left);
    f.get(room).get(left).op(I.i32LtS).op(I.select).set(length);
    body(length);
    carry(f, extents, coordinates, walkers, last);
    f.get(left).get(length).op(I.i32Sub).tee(left);
  });
};
