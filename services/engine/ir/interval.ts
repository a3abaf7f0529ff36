import type { Affine, Guard } from "./types.ts";

/** Closed range of integers. Figures stay far below 2⁵³, so plain numbers are exact. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Values of an affine form when every coordinate `d` runs over `[0, extents[d])`. */
export const rangeOf = (affine: Affine, extents: readonly number[]): Interval => {
  let low = affine.offset;
  let high = affine.offset;
  affine.strides.forEach((stride, d) => {
    const reach = stride * ((extents[d] ?? 1) - 1);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return { low, high };
};

const add = (a: Interval, b: Interval): Interval => ({ low: a.low + b.low, high: a.high + b.high });

const intersect = (a: Interval, b: Interval): Interval => ({
  low: Math.max(a.low, b.low),
  high: Math.min(a.high, b.high),
});

/** `factor` such that `affine` moves exactly `factor` times as fast as `guard` along the guard's coordinates, or null. */
const multipleOf = (affine: Affine, guard: Affine): number | null => {
  let factor: number | null = null;
  for (const [d, stride] of guard.strides.entries()) {
    if (stride === 0) continue;
    const here = (affine.strides[d] ?? 0) / stride;
    if (!Number.isInteger(here) || (factor !== null && factor !== here)) return null;
    factor = here;
  }
  return factor === 0 ? null : factor;
};

const minus = (affine: Affine, factor: number, guard: Affine): Affine => ({
  offset: affine.offset - factor * guard.offset,
  strides: affine.strides.map((stride, d) => stride - factor * (guard.strides[d] ?? 0)),
});

/**
 * Values of an affine form where all the guards pass. Where part of the form is a multiple of a guarded form (the row
 * and the column of a padded convolution), the guard's own range replaces that part's.
 */
export const guardedRangeOf = (
  affine: Affine,
  extents: readonly number[],
  guards: readonly Guard[],
): Interval => {
  let best = rangeOf(affine, extents);
  let rest = affine;
  let taken: Interval = { low: 0, high: 0 };
  for (const guard of guards) {
    const factor = multipleOf(rest, guard);
    if (factor === null) continue;
    const inside = intersect(rangeOf(guard, extents), { low: 0, high: guard.limit - 1 });
    const scaled =
      factor > 0
        ? { low: factor * inside.low, high: factor * inside.high }
        : { low: factor * inside.high, high: factor * inside.low };
    rest = minus(rest, factor, guard);
    taken = add(taken, scaled);
    best = intersect(best, add(taken, rangeOf(rest, extents)));
  }
  return best;
};
