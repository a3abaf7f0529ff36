/** Access patterns: views that cost no op. */
import type { DType, Shape } from "../ir/types.ts";
import { at, type Bound, constantForm, coordinate, elements, type Form } from "./access.ts";
import { address, graphError, type I32, materialise, review, type Tensor } from "./graph.ts";

/** Position of an axis, counted from the end when negative. */
export const axisOf = (x: { readonly shape: Shape }, axis: number): number => {
  const k = axis < 0 ? x.shape.length + axis : axis;
  if (!Number.isInteger(k) || k < 0 || k >= x.shape.length)
    throw graphError(`axis ${axis} of a tensor of rank ${x.shape.length}`);
  return k;
};

const identity = (rank: number): Form[] =>
  Array.from({ length: rank }, (_, k) => coordinate(rank, k));

/** Axes in another order; reverses them when no order is given. */
export const transpose = <D extends DType>(
  x: Tensor<D>,
  order: readonly number[] = x.shape.map((_, k) => x.shape.length - 1 - k),
): Tensor<D> => {
  const axes = order.map((axis) => axisOf(x, axis));
  if (axes.length !== x.shape.length || new Set(axes).size !== axes.length)
    throw graphError("transpose needs every axis once", { order });
  return review(
    x,
    axes.map((k) => at(x.shape, k)),
    x.shape.map((_, k) => coordinate(axes.length, axes.indexOf(k))),
  );
};

/** `count` positions along an axis from `start`, every `stride`-th (negative: backwards). */
export const slice = <D extends DType>(
  x: Tensor<D>,
  axis: number,
  start: number,
  count: number,
  stride = 1,
): Tensor<D> => {
  const k = axisOf(x, axis);
  const last = start + stride * (count - 1);
  const size = at(x.shape, k);
  if (count < 1 || Math.min(start, last) < 0 || Math.max(start, last) >= size)
    throw graphError(`slice outside axis ${axis} of size ${size}`, {
      start,
      count,
      stride,
    });
  const rank = x.shape.length;
  return review(
    x,
    x.shape.with(k, count),
    identity(rank).with(k, coordinate(rank, k, stride, start)),
  );
};

/** The tensor at one position of an axis, which is dropped. */
export const pick = <D extends DType>(x: Tensor<D>, axis: number, position: number): Tensor<D> =>
  squeeze(slice(x, axis, position, 1), axis);

/** The same tensor without an axis of size 1. */
export const squeeze = <D extends DType>(x: Tensor<D>, axis: number): Tensor<D> => {
  const k = axisOf(x, axis);
  if (x.shape[k] !== 1) throw graphError(`axis ${axis} is not of size 1`);
  const rank = x.shape.length - 1;
  return review(
    x,
    x.shape.toSpliced(k, 1),
    x.shape.map((_, j) => (j === k ? constantForm(rank) : coordinate(rank, j < k ? j : j - 1))),
  );
};

/** The same tensor with a new axis of size 1 before `axis` (rank: at the end). */
export const unsqueeze = <D extends DType>(x: Tensor<D>, axis: number): Tensor<D> => {
  const rank = x.shape.length + 1;
  const k = axis < 0 ? rank + axis : axis;
  return review(
    x,
    x.shape.toSpliced(k, 0, 1),
    x.shape.map((_, j) => coordinate(rank, j < k ? j : j + 1)),
  );
};

/** Repeated along new leading axes and along axes of size 1. */
export const broadcastTo = <D extends DType>(x: Tensor<D>, shape: Shape): Tensor<D> => {
  const lead = shape.length - x.shape.length;
  if (lead < 0 || x.shape.some((size, k) => size !== 1 && size !== shape[k + lead]))
    throw graphError(`cannot broadcast [${x.shape.join()}] to [${shape.join()}]`);
  return review(
    x,
    shape,
    x.shape.map((size, k) =>
      size === 1 ? constantForm(shape.length) : coordinate(shape.length, k + lead),
    ),
  );
};

/** Zeros before and after an axis: a guard, no memory. */
export const pad = <D extends DType>(
  x: Tensor<D>,
  axis: number,
  before: number,
  after: number,
): Tensor<D> => {
  const k = axisOf(x, axis);
  const size = at(x.shape, k);
  const rank = x.shape.length;
  const form = coordinate(rank, k, 1, -before);
  return review(x, x.shape.with(k, before + size + after), identity(rank).with(k, form), [
    { form, limit: size },
  ]);
};

/** The elements of a square matrix whose two coordinates are equal. */
export const diagonal = <D extends DType>(x: Tensor<D>): Tensor<D> => {
  if (x.shape.length !== 2 || x.shape[0] !== x.shape[1])
    throw graphError(`the diagonal of [${x.shape.join()}]`);
  return review(x, x.shape.slice(1), [coordinate(1, 0), coordinate(1, 0)]);
};

export interface WindowOptions {
  readonly size: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly before?: number;
  readonly after?: number;
}

/** Number of positions a window takes along an axis of `length`. */
export const windowCount = (length: number, options: WindowOptions): number => {
  const { size, stride = 1, dilation = 1, before = 0, after = 0 } = options;
  return Math.floor((length + before + after - dilation * (size - 1) - 1) / stride) + 1;
};

/** Replaces an axis by two: the position of a sliding window, and the place inside it. Outside reads +0. */
export const windows = <D extends DType>(
  x: Tensor<D>,
  axis: number,
  options: WindowOptions,
): Tensor<D> => {
  const k = axisOf(x, axis);
  const length = at(x.shape, k);
  const { size, stride = 1, dilation = 1, before = 0 } = options;
  const count = windowCount(length, options);
  if (count < 1)
    throw graphError(`a window of ${size} does not fit into ${length}`, {
      ...options,
    });
  const rank = x.shape.length + 1;
  const strides = Array.from({ length: rank }, () => 0);
  strides[k] = stride;
  strides[k + 1] = dilation;
  const form: Form = { offset: -before, strides };
  return review(
    x,
    x.shape.toSpliced(k, 1, count, size),
    x.shape.map((_, j) => (j === k ? form : coordinate(rank, j < k ? j : j + 1))),
    [{ form, limit: length }],
  );
};

/**
 * Rows of `x` along axis 0, picked by `rows` of any shape: the result has shape `rows ++ rest`. A row number outside
 * the axis reads +0.
 */
export const gather = <D extends DType>(x: Tensor<D>, rows: I32): Tensor<D> => {
  const count = at(x.shape, 0);
  const moving = x.positions.flatMap((f, e) => (f.strides[0] === 0 ? [] : [e]));
  const [dimension = 0] = moving;
  const direct =
    x.picked === null &&
    moving.length === 1 &&
    x.positions[dimension]?.strides[0] === 1 &&
    x.bounds.every((b) => b.form.strides[0] === 0);
  const source = direct ? x : materialise(x);
  const table =
    rows.bounds.length > 0 ||
    rows.picked ||
    !["op", "state", "data", "parent"].includes(rows.node.kind)
      ? materialise(rows)
      : rows;
  const shape = [...rows.shape, ...source.shape.slice(1)];
  const lead = rows.shape.length;
  const widened = review(
    table,
    shape,
    rows.shape.map((_, k) => coordinate(shape.length, k)),
  );
  const viewed = review(
    source,
    shape,
    source.shape.map((_, k) =>
      k === 0 ? constantForm(shape.length) : coordinate(shape.length, k - 1 + lead),
    ),
  );
  return {
    ...viewed,
    picked: {
      dimension: direct ? dimension : 0,
      limit: count,
      table: table.node,
      at: address(widened),
    },
  };
};

/** Every form that a view reads coordinates through. */
const forms = (x: Tensor): Form[] => [
  ...x.positions,
  ...x.bounds.map((b: Bound) => b.form),
  ...(x.picked ? [x.picked.at] : []),
];

const mergeable = (x: Tensor, k: number): boolean => {
  const inner = at(x.shape, k + 1);
  return (
    at(x.shape, k) === 1 ||
    inner === 1 ||
    forms(x).every((f) => at(f.strides, k) === at(f.strides, k + 1) * inner)
  );
};

/** The view whose base dimensions `d` and `d + 1` are one. */
const mergeBase = <D extends DType>(x: Tensor<D>, d: number): Tensor<D> => {
  const inner = at(x.base, d + 1);
  const high = at(x.positions, d);
  const low = at(x.positions, d + 1);
  return {
    ...x,
    base: x.base.toSpliced(d, 2, at(x.base, d) * inner),
    positions: x.positions.toSpliced(d, 2, {
      offset: high.offset * inner + low.offset,
      strides: high.strides.map((s, k) => s * inner + at(low.strides, k)),
    }),
    picked:
      x.picked && x.picked.dimension > d
        ? { ...x.picked, dimension: x.picked.dimension - 1 }
        : x.picked,
  };
};

/** Coordinates `k` and `k + 1` as one, or null where no affine form says so. */
const merge = <D extends DType>(x: Tensor<D>, k: number): Tensor<D> | null => {
  let view = x;
  for (let d = 0; !mergeable(view, k) && d + 1 < view.base.length;) {
    const uses = (e: number): boolean => {
      const f = at(view.positions, e);
      return f.strides[k] !== 0 || f.strides[k + 1] !== 0;
    };
    const fixed = view.picked && (view.picked.dimension === d || view.picked.dimension === d + 1);
    const unit = view.base[d] === 1 || view.base[d + 1] === 1;
    if (!fixed && (unit || (uses(d) && uses(d + 1)))) view = mergeBase(view, d);
    else d++;
  }
  if (!mergeable(view, k)) return null;
  const rank = view.shape.length - 1;
  const inner = at(view.shape, k + 1);
  const shape = view.shape.toSpliced(k, 2, at(view.shape, k) * inner);
  const keep = inner === 1 ? k : k + 1;
  return review(
    view,
    shape,
    view.shape.map((_, j) =>
      j === k || j === k + 1
        ? j === keep
          ? coordinate(rank, k)
          : constantForm(rank)
        : coordinate(rank, j < k ? j : j - 1),
    ),
  );
};

/** Coordinate `k` as row-major coordinates of `sizes`; splits the base too where it runs through a whole dimension. */
const split = <D extends DType>(x: Tensor<D>, k: number, sizes: Shape): Tensor<D> => {
  const rank = x.shape.length + sizes.length - 1;
  const total = at(x.shape, k);
  const strides = Array.from({ length: rank }, () => 0);
  let step = total;
  sizes.forEach((size, j) => {
    step /= size;
    strides[k + j] = size === 1 ? 0 : step;
  });
  const view = review(
    x,
    x.shape.toSpliced(k, 1, ...sizes),
    x.shape.map((_, j) =>
      j === k ? { offset: 0, strides } : coordinate(rank, j < k ? j : j + sizes.length - 1),
    ),
  );
  const d = x.positions.findIndex(
    (f, e) =>
      f.strides[k] === 1 &&
      f.offset === 0 &&
      x.base[e] === total &&
      f.strides.every((s, j) => (j === k) === (s !== 0)),
  );
  if (d < 0 || x.picked?.dimension === d || x.node.kind === "index") return view;
  return {
    ...view,
    base: x.base.toSpliced(d, 1, ...sizes),
    positions: view.positions.toSpliced(
      d,
      1,
      ...sizes.map((size, j) => (size === 1 ? constantForm(rank) : coordinate(rank, k + j))),
    ),
    picked:
      view.picked && view.picked.dimension > d
        ? { ...view.picked, dimension: view.picked.dimension + sizes.length - 1 }
        : view.picked,
  };
};

/**
 * The same elements in row-major order under another shape; one size may be -1. Free where the access stays affine,
 * otherwise one copy.
 */
export const reshape = <D extends DType>(x: Tensor<D>, wanted: Shape): Tensor<D> => {
  const known = wanted.reduce((p, size) => (size === -1 ? p : p * size), 1);
  const shape = wanted.map((size) => (size === -1 ? elements(x.shape) / known : size));
  if (elements(shape) !== elements(x.shape))
    throw graphError(`cannot reshape [${x.shape.join()}] to [${wanted.join()}]`);
  let view = x;
  for (let k = 0; k < shape.length; k++) {
    const target = at(shape, k);
    if (view.shape[k] === target) continue;
    if (k >= view.shape.length) {
      view = unsqueeze(view, k);
      continue;
    }
    while (at(view.shape, k) % target !== 0 || at(view.shape, k) < target) {
      const merged = merge(view, k);
      if (!merged) return reshape(materialise(x), shape);
      view = merged;
    }
    const rest = at(view.shape, k) / target;
    if (rest > 1 || target === 1) view = split(view, k, [target, rest]);
  }
  while (view.shape.length > shape.length) view = squeeze(view, -1);
  return view;
};
