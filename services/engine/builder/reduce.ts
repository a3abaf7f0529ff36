/** Folds: contractions, sums, extremes. Terms are added in row-major order of the reduced axes. */
import type { DType, Shape } from "../ir/types.ts";
import { at, elements } from "./access.ts";
import { select, mul, integerEqual, equal, toReal, truncate } from "./elementwise.ts";
import { type F32, f32Bits, foldOf, graphError, type I32, iota, type Tensor } from "./graph.ts";
import { axisOf, broadcastTo, reshape, transpose, unsqueeze } from "./views.ts";

interface Split<D extends DType> {
  /** The tensor with the reduced axes last. */
  readonly view: Tensor<D>;
  readonly kept: Shape;
  readonly reduced: Shape;
  /** `kept` with a 1 at every reduced axis. */
  readonly withOnes: Shape;
}

const split = <D extends DType>(x: Tensor<D>, axes: readonly number[] | undefined): Split<D> => {
  const over = new Set((axes ?? x.shape.map((_, k) => k)).map((a) => axisOf(x, a)));
  const keep = x.shape.map((_, k) => k).filter((k) => !over.has(k));
  const last = x.shape.map((_, k) => k).filter((k) => over.has(k));
  return {
    view: transpose(x, [...keep, ...last]),
    kept: keep.map((k) => at(x.shape, k)),
    reduced: last.map((k) => at(x.shape, k)),
    withOnes: x.shape.map((size, k) => (over.has(k) ? 1 : size)),
  };
};

export interface ReduceOptions {
  /** Axes to reduce; all when not given. */
  readonly axes?: readonly number[];
  /** Keep reduced axes with size 1, so that the result broadcasts against the operand. */
  readonly keep?: boolean;
}

const reduce =
  (name: "sum" | "maximum" | "minimum", initial: number) =>
  (x: F32, options: ReduceOptions = {}): F32 => {
    const { view, kept, reduced, withOnes } = split(x, options.axes);
    const result = foldOf(name, "f32", kept, reduced, f32Bits(initial), [view]);
    return options.keep ? reshape(result, withOnes) : result;
  };

export const sum = reduce("sum", 0);
/** Largest element along axes; NaN if one is NaN. */
export const largest = reduce("maximum", -Infinity);
/** Smallest element along axes; NaN if one is NaN. */
export const smallest = reduce("minimum", Infinity);

export const mean = (x: F32, options: ReduceOptions = {}): F32 => {
  const count = elements(x.shape) / elements(split(x, options.axes).kept);
  return mul(sum(x, options), 1 / count);
};

/** Sum of integers, wrapping around. */
export const integerSum = (x: I32, options: ReduceOptions = {}): I32 => {
  const { view, kept, reduced, withOnes } = split(x, options.axes);
  const result = foldOf("isum", "i32", kept, reduced, 0, [view]);
  return options.keep ? reshape(result, withOnes) : result;
};

/**
 * Sum over named axes of products, as in Einstein's notation: `contract("bi,io->bo", x, w)`. A letter that is not in the
 * result is summed over, in the order of its first appearance; every letter has one size.
 */
export const contract = (notation: string, a: F32, b: F32): F32 => {
  const match = /^(\w*),(\w*)->(\w*)$/u.exec(notation);
  if (!match) throw graphError(`contract: "${notation}" is not "ab,bc->ac"`);
  const [left, right, out] = [at(match, 1), at(match, 2), at(match, 3)];
  const sizes = new Map<string, number>();
  const learn = (letters: string, x: F32): void => {
    if (letters.length !== x.shape.length)
      throw graphError(`contract: ${letters} for a tensor of rank ${x.shape.length}`);
    Array.from(letters).forEach((letter, k) => {
      const size = at(x.shape, k);
      if ((sizes.get(letter) ?? size) !== size)
        throw graphError(`contract: two sizes for ${letter} in ${notation}`);
      sizes.set(letter, size);
    });
  };
  learn(left, a);
  learn(right, b);
  const summed = [...sizes.keys()].filter((letter) => !out.includes(letter));
  const all = Array.from(out).concat(summed);
  const arrange = (letters: string, x: F32): F32 => {
    const present = all.filter((letter) => letters.includes(letter));
    let view = transpose(
      x,
      present.map((letter) => letters.indexOf(letter)),
    );
    all.forEach((letter, k) => {
      if (!letters.includes(letter)) view = unsqueeze(view, k);
    });
    return broadcastTo(
      view,
      all.map((letter) => sizes.get(letter) ?? 1),
    );
  };
  const size = (letter: string): number => {
    const known = sizes.get(letter);
    if (known === undefined) throw graphError(`contract: ${letter} has no size in ${notation}`);
    return known;
  };
  return foldOf("mulAdd", "f32", Array.from(out, size), summed.map(size), 0, [
    arrange(left, a),
    arrange(right, b),
  ]);
};

/** `[m, k] × [k, n]`. */
export const matmul = (a: F32, b: F32): F32 => contract("mk,kn->mn", a, b);

/** 1 where the last coordinate equals the label, else 0: shape `labels.shape ++ [classes]`. */
export const oneHot = (labels: I32, classes: number): F32 => {
  const shape = [...labels.shape, classes];
  return toReal(integerEqual(unsqueeze(labels, -1), iota(shape, shape.length - 1)));
};

/** Position of the first largest element along the last axis; the axis size where an element is NaN. */
export const argmax = (x: F32): I32 => {
  const axis = x.shape.length - 1;
  const size = at(x.shape, axis);
  const top = largest(x, { axes: [axis], keep: true });
  const place = toReal(iota(x.shape, axis));
  return truncate(
    smallest(select(equal(x, broadcastTo(top, x.shape)), place, size), {
      axes: [axis],
    }),
  );
};
