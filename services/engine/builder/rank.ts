/** Ops over more than four dimensions, where adjacent ones move together in every access. */
import { LIMITS } from "../ir/limits.ts";
import type { Shape } from "../ir/types.ts";
import { at, type Form } from "./access.ts";
import { address, isContiguous, type Tensor } from "./graph.ts";

export interface Merged {
  readonly sizes: Shape;
  /** Coordinates that fell away, one after the other, each counted among those left before it. */
  readonly dropped: readonly number[];
}

const without = (form: Form, k: number): Form => ({
  offset: form.offset,
  strides: form.strides.toSpliced(k, 1),
});

/** The form after coordinates fell away. */
export const afterDropping = (form: Form, dropped: readonly number[]): Form =>
  dropped.reduce(without, form);

/**
 * Merges coordinates of the part that begins at `start` until it has at most four; null where the forms do not allow it.
 * A coordinate joins its right neighbour when its stride is that one's times its size, in every form.
 */
export const mergeToRank = (sizes: Shape, start: number, forms: readonly Form[]): Merged | null => {
  let left = sizes;
  let moved = forms;
  const dropped: number[] = [];
  while (left.length > LIMITS.rank) {
    const k = left.findIndex((size, j) => {
      const inner = left[j + 1];
      const joins = (f: Form): boolean =>
        at(f.strides, start + j) === at(f.strides, start + j + 1) * (inner ?? 1);
      return size === 1 || (inner !== undefined && moved.every(joins));
    });
    if (k < 0) return null;
    left =
      left[k] === 1 ? left.toSpliced(k, 1) : left.toSpliced(k, 2, at(left, k) * at(left, k + 1));
    moved = moved.map((f) => without(f, start + k));
    dropped.push(start + k);
  }
  return { sizes: left, dropped };
};

const formsOf = (x: Tensor): Form[] => [
  address(x),
  ...x.bounds.map((b) => b.form),
  ...(x.picked ? [x.picked.at] : []),
];

/** Whether the op behind `x`, or a copy of `x` where it is only a view, needs at most four dimensions. */
export const fitsRank = (x: Tensor): boolean => {
  const { node } = x;
  if (node.kind !== "op" || !isContiguous(x)) return mergeToRank(x.shape, 0, formsOf(x)) !== null;
  const forms = node.operands.flatMap(formsOf);
  const outer = mergeToRank(node.shape, 0, forms);
  if (!outer) return false;
  const rest = forms.map((f) => afterDropping(f, outer.dropped));
  return mergeToRank(node.reduction, outer.sizes.length, rest) !== null;
};
