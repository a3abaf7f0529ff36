/** Copies of factors with zeros put in, so that what is left of an access needs no division and no guard. */
import { at, constantForm, coordinate } from "../builder/access.ts";
import { type F32, materialise, review, type Tensor } from "../builder/graph.ts";
import { pad, reshape, slice } from "../builder/views.ts";
import type { Cut } from "./equations.ts";

/** Whether what `x` reads changes with coordinate `k`. */
export const dependsOn = (x: Tensor, k: number): boolean =>
  x.positions.some((f) => f.strides[k] !== 0) ||
  x.bounds.some((b) => b.form.strides[k] !== 0) ||
  (x.picked !== null && x.picked.at.strides[k] !== 0);

/**
 * `x` through a copy made of those coordinates alone that it depends on; `change` may alter their sizes, and is given
 * where each coordinate went.
 */
const throughCopy = (x: F32, change: (narrow: F32, axis: (k: number) => number) => F32): F32 => {
  const kept = x.shape.map((_, k) => k).filter((k) => dependsOn(x, k));
  const narrow = review(
    x,
    kept.map((k) => at(x.shape, k)),
    x.shape.map((_, k) =>
      kept.includes(k) ? coordinate(kept.length, kept.indexOf(k)) : constantForm(kept.length),
    ),
  );
  const copy = change(narrow, (k) => kept.indexOf(k));
  const shape = x.shape.map((size, k) =>
    kept.includes(k) ? at(copy.shape, kept.indexOf(k)) : size,
  );
  return review(
    copy,
    shape,
    kept.map((k) => coordinate(shape.length, k)),
  );
};

/** Dimension `d` with zeros around its elements, so that element `t` comes to stand at `radix·t + value`. */
export const fill = (x: F32, d: number, { radix, value }: NonNullable<Cut["residue"]>): F32 => {
  const rank = x.shape.length + 1;
  const spaced = review(
    x,
    x.shape.toSpliced(d + 1, 0, radix),
    x.shape.map((_, j) => coordinate(rank, j <= d ? j : j + 1)),
    [{ form: coordinate(rank, d + 1, 1, -value), limit: 1 }],
  );
  return reshape(materialise(spaced), x.shape.with(d, at(x.shape, d) * radix));
};

/** `x`, which depends on coordinate `k`, with `stride − 1` zeros between its elements along it. */
export const spread = (x: F32, k: number, stride: number): F32 =>
  throughCopy(x, (narrow, axis) => {
    const d = axis(k);
    const length = (at(narrow.shape, d) - 1) * stride + 1;
    return slice(fill(narrow, d, { radix: stride, value: 0 }), d, 0, length);
  });

/** Zeros around a coordinate. */
export interface Margin {
  readonly k: number;
  readonly before: number;
  readonly after: number;
}

/** `x`, which depends on every coordinate of the margins, with zeros around. */
export const surround = (x: F32, margins: readonly Margin[]): F32 =>
  throughCopy(x, (narrow, axis) =>
    materialise(
      margins.reduce((y, { k, before, after }) => pad(y, axis(k), before, after), narrow),
    ),
  );
