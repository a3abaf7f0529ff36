/**
 * Geometry of reading a tensor: which element of a source a view's coordinates name. Everything is an affine form over
 * coordinates, so transposing, slicing, broadcasting, padding and windows compose by substitution and cost nothing.
 */
import type { Shape } from "../ir/types.ts";

/** `offset + Σ strides[k] · c[k]`; one stride per coordinate. */
export interface Form {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Passes when `0 <= form < limit`; a view reads +0 where one of its guards fails. */
export interface Bound {
  readonly form: Form;
  readonly limit: number;
}

export const elements = (shape: Shape): number =>
  shape.reduce((product, size) => product * size, 1);

/** Row-major strides in elements. */
export const rowMajor = (shape: Shape): number[] => {
  const strides = shape.map(() => 1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = at(strides, d + 1) * at(shape, d + 1);
  return strides;
};

/** Element `index`, which the caller knows to exist. */
export const at = <T>(list: readonly T[], index: number): T => list[index] as T;

export const constantForm = (rank: number, offset = 0): Form => ({
  offset,
  strides: Array.from({ length: rank }, () => 0),
});

/** The form that is coordinate `k` itself, times `factor`, plus `offset`. */
export const coordinate = (rank: number, k: number, factor = 1, offset = 0): Form => ({
  offset,
  strides: Array.from({ length: rank }, (_, j) => (j === k ? factor : 0)),
});

/** `a + factor · b`, both over the same coordinates. */
export const plus = (a: Form, b: Form, factor = 1): Form => ({
  offset: a.offset + factor * b.offset,
  strides: a.strides.map((s, k) => s + factor * at(b.strides, k)),
});

/** The form over new coordinates, where old coordinate `k` is `by[k]`; `rank` is the number of new ones. */
export const substitute = (form: Form, rank: number, by: readonly Form[]): Form =>
  form.strides.reduce<Form>(
    (sum, stride, k) => (stride === 0 ? sum : plus(sum, at(by, k), stride)),
    constantForm(rank, form.offset),
  );

/** Smallest and largest value over all coordinates of `shape`. */
export const range = (form: Form, shape: Shape): readonly [number, number] => {
  let low = form.offset;
  let high = form.offset;
  form.strides.forEach((stride, k) => {
    const reach = stride * (at(shape, k) - 1);
    if (reach < 0) low += reach;
    else high += reach;
  });
  return [low, high];
};

const sameForm = (a: Form, b: Form): boolean =>
  a.offset === b.offset && a.strides.every((s, k) => s === b.strides[k]);

/** Bounds that can fail for some coordinate of `shape`, each once. */
export const effectiveBounds = (bounds: readonly Bound[], shape: Shape): Bound[] => {
  const kept: Bound[] = [];
  for (const bound of bounds) {
    const [low, high] = range(bound.form, shape);
    if (low >= 0 && high < bound.limit) continue;
    if (kept.some((k) => k.limit === bound.limit && sameForm(k.form, bound.form))) continue;
    kept.push(bound);
  }
  return kept;
};
