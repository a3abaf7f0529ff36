/** The affine equations of a view: cutting dimensions until they can be solved, and solving them. */
import { at, constantForm, coordinate, type Form, plus, substitute } from "../builder/access.ts";
import type { Picked, Tensor } from "../builder/graph.ts";
import type { Shape } from "../ir/types.ts";

/** One dimension of the source as the view reads it. */
export interface Dimension {
  readonly size: number;
  readonly form: Form;
  readonly picked: Picked | null;
}

/** A dimension that was cut in two, to be put together again. */
export interface Cut {
  readonly dimension: number;
  readonly size: number;
  /** Set where only one residue was read, and the dimension holds those elements alone. */
  readonly residue: { readonly radix: number; readonly value: number } | null;
}

/** How far dimensions are cut: fewer dimensions cost copies afterwards. */
export type Cutting = "all" | "residues apart" | "residues apart, windows whole";

/** Coordinates that the form really depends on. */
export const active = (form: Form, shape: Shape): number[] =>
  form.strides.flatMap((s, k) => (s !== 0 && at(shape, k) > 1 ? [k] : []));

/** `form = radix · high + low` with `low` in `[0, radix)` everywhere, or null. */
const cut = (
  form: Form,
  radix: number,
  shape: Shape,
): { readonly high: Form; readonly low: Form } | null => {
  let least = form.offset;
  let most = form.offset;
  const isLow = form.strides.map((s) => s % radix !== 0);
  form.strides.forEach((s, k) => {
    const reach = isLow[k] ? s * (at(shape, k) - 1) : 0;
    if (reach < 0) least += reach;
    else most += reach;
  });
  const shift = Math.floor(least / radix);
  if (most - shift * radix >= radix) return null;
  return {
    high: {
      offset: shift,
      strides: form.strides.map((s, k) => (isLow[k] ? 0 : s / radix)),
    },
    low: {
      offset: form.offset - shift * radix,
      strides: form.strides.map((s, k) => (isLow[k] ? s : 0)),
    },
  };
};

/** Cuts dimensions until each is read by one coordinate with stride ±1, as far as that is possible. */
export const factorise = (
  x: Tensor,
  cutting: Cutting,
): { readonly dimensions: Dimension[]; readonly cuts: Cut[] } => {
  const cuts: Cut[] = [];
  const dimensions = x.base.map((size, d): Dimension => ({
    size,
    form: at(x.positions, d),
    picked: x.picked?.dimension === d ? x.picked : null,
  }));
  for (let d = 0; d < dimensions.length; d++) {
    const { size, form, picked } = at(dimensions, d);
    if (picked) continue;
    const used = active(form, x.shape);
    if (used.length === 1 && Math.abs(at(form.strides, at(used, 0))) === 1) continue;
    const radices = [...new Set(used.map((k) => Math.abs(at(form.strides, k))))].sort(
      (a, b) => b - a,
    );
    for (const radix of radices) {
      const parts = radix > 1 ? cut(form, radix, x.shape) : null;
      if (!parts) continue;
      const lone = active(parts.low, x.shape).length === 0;
      if (!lone && cutting === "residues apart, windows whole") continue;
      const high = { size: Math.ceil(size / radix), form: parts.high, picked: null };
      const apart = lone && cutting !== "all";
      cuts.push({
        dimension: d,
        size,
        residue: apart ? { radix, value: parts.low.offset } : null,
      });
      if (apart) dimensions.splice(d, 1, high);
      else dimensions.splice(d, 1, high, { size: radix, form: parts.low, picked: null });
      d--;
      break;
    }
  }
  return { dimensions, cuts };
};

/** From fewest copies to most. */
export const CUTTINGS: readonly Cutting[] = [
  "all",
  "residues apart",
  "residues apart, windows whole",
];

export interface Solution {
  /** Each coordinate of the view over `dimensions ++ coordinates`. */
  readonly by: readonly Form[];
  /** Coordinates that `by` no longer mentions. */
  readonly solved: readonly number[];
  /** Equations that could not be solved: hold where the form is 0. */
  readonly open: readonly Form[];
}

/** Solves `position_d(c) = s_d` for as many coordinates as have stride ±1, the longest first. */
export const solve = (dimensions: readonly Dimension[], shape: Shape): Solution => {
  const lead = dimensions.length;
  const rank = lead + shape.length;
  let by = shape.map((size, k) => (size === 1 ? constantForm(rank) : coordinate(rank, lead + k)));
  const solved: number[] = shape.flatMap((size, k) => (size === 1 ? [k] : []));
  const open: Form[] = [];
  const order = dimensions
    .flatMap((dimension, d) => (dimension.picked ? [] : [d]))
    .sort(
      (a, b) =>
        active(at(dimensions, a).form, shape).length - active(at(dimensions, b).form, shape).length,
    );
  for (const d of order) {
    const equation = plus(coordinate(rank, d), substitute(at(dimensions, d).form, rank, by), -1);
    const candidates = shape
      .map((_, k) => k)
      .filter((k) => Math.abs(at(equation.strides, lead + k)) === 1)
      .sort((a, b) => at(shape, b) - at(shape, a));
    const [k] = candidates;
    if (k === undefined) {
      open.push(equation);
      continue;
    }
    const sign = at(equation.strides, lead + k);
    const rest = plus(equation, coordinate(rank, lead + k), -sign);
    const value = plus(constantForm(rank), rest, -sign);
    const replace = (form: Form): Form =>
      plus(
        plus(form, coordinate(rank, lead + k), -at(form.strides, lead + k)),
        value,
        at(form.strides, lead + k),
      );
    by = by.map(replace);
    open.splice(0, open.length, ...open.map(replace));
    solved.push(k);
  }
  return { by, solved, open };
};
