/**
 * The adjoint of reading: where a view `v` of a tensor was used at coordinates `c`, its gradient is
 * `out[s] = Σ over c with v(c) = s of Π factors(c)`. The equations `v(c) = s` are affine, so most coordinates are solved
 * for and what remains is one map or fold whose operands are views with guards:
 *
 * - permuted and sliced axes are solved (a guard for the part that was not read);
 * - repeated axes stay and are summed over;
 * - windows (`stride·o + dilation·k − pad`) are solved for the position `o`, and the place `k` is summed over;
 * - strides become a dimension of their own (`s = stride·t + q`, read where `q` is the residue);
 * - a picked row becomes a one-hot factor.
 */
import {
  at,
  type Bound,
  coordinate,
  effectiveBounds,
  elements,
  type Form,
  plus,
  range,
  substitute,
} from "../builder/access.ts";
import { mul } from "../builder/elementwise.ts";
import {
  address,
  constant,
  type F32,
  foldOf,
  materialise,
  type Picked,
  review,
  type Tensor,
} from "../builder/graph.ts";
import { fitsRank } from "../builder/rank.ts";
import { reshape, slice, transpose } from "../builder/views.ts";
import type { Shape } from "../ir/types.ts";
import { dependsOn, fill, type Margin, spread, surround } from "./copies.ts";
import { active, type Cut, type Cutting, CUTTINGS, factorise, solve } from "./equations.ts";

const divideStride = (form: Form, k: number, by: number): Form => ({
  offset: form.offset,
  strides: form.strides.with(k, at(form.strides, k) / by),
});

/**
 * A window whose position moves by more than one: puts zeros between the gradient's elements, so that the position
 * moves by one and can be solved for.
 */
const unstride = (
  view: Tensor,
  factors: readonly F32[],
  cutting: Cutting,
): { readonly view: Tensor; readonly factors: readonly F32[] } => {
  const { dimensions } = factorise(view, cutting);
  const first = at(factors, 0);
  for (const { form } of dimensions) {
    const used = active(form, view.shape);
    if (used.length < 2) continue;
    for (const k of used) {
      const stride = Math.abs(at(form.strides, k));
      const alone =
        stride > 1 &&
        dependsOn(first, k) &&
        factors.slice(1).every((f) => !dependsOn(f, k)) &&
        !(view.picked && view.picked.at.strides[k] !== 0) &&
        [...view.positions, ...view.bounds.map((b) => b.form)].every(
          (f) => at(f.strides, k) % stride === 0,
        );
      if (!alone) continue;
      const shape = view.shape.with(k, (at(view.shape, k) - 1) * stride + 1);
      const through = (f: Form): Form => divideStride(f, k, stride);
      return unstride(
        {
          ...view,
          shape,
          positions: view.positions.map(through),
          bounds: view.bounds.map((b) => ({ ...b, form: through(b.form) })),
        },
        [spread(first, k, stride), ...factors.slice(1).map((f) => ({ ...f, shape }))],
        cutting,
      );
    }
  }
  return { view, factors };
};

const one = materialise(constant(1, [1]));

/** 1 where `offset` plus the picked row is coordinate `d`, else +0: a tensor of one element, read outside itself elsewhere. */
const rowIndicator = (
  shape: Shape,
  d: number,
  offset: Form,
  picked: Picked,
  by: readonly Form[],
  bounds: readonly Bound[],
): F32 => ({
  ...one,
  shape,
  base: [1],
  positions: [plus(offset, coordinate(shape.length, d), -1)],
  bounds: effectiveBounds(bounds, shape),
  picked: {
    dimension: 0,
    limit: picked.limit,
    table: picked.table,
    at: substitute(picked.at, shape.length, by),
  },
});

/** Puts cut dimensions together again and gives the result the shape of the view's node. */
const assemble = (x: F32, cuts: readonly Cut[], shape: Shape): F32 => {
  let whole = x;
  for (const { dimension: d, size, residue } of cuts.toReversed()) {
    if (residue) whole = fill(whole, d, residue);
    else
      whole = reshape(
        whole,
        whole.shape.toSpliced(d, 2, at(whole.shape, d) * at(whole.shape, d + 1)),
      );
    if (whole.shape[d] !== size) whole = slice(whole, d, 0, size);
  }
  return reshape(whole, shape);
};

/**
 * Where a fold's term runs over the edge of a factor: the zeros to put around it, so that a kernel reads it without a
 * guard for every term. Null where no term does, or the edge lies between output elements only.
 */
const marginOf = (k: number, bound: Bound, shape: Shape, lead: number): Margin | null => {
  const [low, high] = range(bound.form, shape);
  const before = Math.max(0, -low);
  const after = Math.max(0, high + 1 - bound.limit);
  const moves = bound.form.strides.slice(lead).some((s) => s !== 0);
  return moves && before + after > 0 ? { k, before, after } : null;
};

/** The coordinates in a factor that has zeros around. */
const shifted = (by: readonly Form[], margins: readonly Margin[]): Form[] =>
  by.map((form, k) => {
    const margin = margins.find((m) => m.k === k);
    return margin ? { ...form, offset: form.offset + margin.before } : form;
  });

/**
 * Gradient of the node behind `view`, of the node's shape, where `view` at coordinates `c` was multiplied by
 * `Π factors(c)`. One or two factors, each of the view's shape.
 */
export const transposeAccess = (viewed: Tensor, multiplied: readonly F32[]): F32 => {
  if (viewed.picked && multiplied.length > 1)
    return transposeAccess(viewed, [mul(at(multiplied, 0), at(multiplied, 1))]);
  const [first, ...others] = multiplied.length > 1 ? CUTTINGS.slice(1) : CUTTINGS;
  let done = transposeCut(viewed, multiplied, first ?? "all");
  for (const way of others) {
    if (fitsRank(done.sum)) break;
    done = transposeCut(viewed, multiplied, way);
  }
  return assemble(done.sum, done.cuts, viewed.node.shape);
};

/** The gradient by one way of cutting, with the dimensions still apart. */
const transposeCut = (
  viewed: Tensor,
  multiplied: readonly F32[],
  cutting: Cutting,
): { readonly sum: F32; readonly cuts: readonly Cut[] } => {
  const { view, factors } = unstride(viewed, multiplied, cutting);
  const { dimensions, cuts } = factorise(view, cutting);
  const lead = dimensions.length;
  const { by, solved, open } = solve(dimensions, view.shape);

  const inside = view.bounds.map((b) => ({
    form: substitute(b.form, lead + view.shape.length, by),
    limit: b.limit,
  }));
  const atEnd: Bound[] = [...open.map((form) => ({ form, limit: 1 })), ...inside];
  const picking = dimensions.flatMap((d) => (d.picked ? [d.form, d.picked.at] : []));
  const matters = (k: number): boolean =>
    factors.some((f) => dependsOn(f, k)) || picking.some((f) => f.strides[k] !== 0);
  const free = view.shape.flatMap((_, k) => (solved.includes(k) ? [] : [k]));
  const used = free.filter(
    (k) =>
      matters(k) ||
      by.some((f, j) => j !== k && at(f.strides, lead + k) !== 0) ||
      atEnd.some((b) => at(b.form.strides, lead + k) !== 0),
  );
  const repeats =
    elements(free.map((k) => at(view.shape, k))) / elements(used.map((k) => at(view.shape, k)));

  const shape = [...dimensions.map((d) => d.size), ...used.map((k) => at(view.shape, k))];
  const narrow = (form: Form): Form => ({
    offset: form.offset,
    strides: [...form.strides.slice(0, lead), ...used.map((k) => at(form.strides, lead + k))],
  });
  const coordinates = by.map(narrow);
  const bounds: Bound[][] = factors.map(() => []);
  at(bounds, 0).push(...atEnd.map((b) => ({ form: narrow(b.form), limit: b.limit })));
  const rowBounds: Bound[] = inside.map((b) => ({
    form: narrow(b.form),
    limit: b.limit,
  }));
  const margins: Margin[] = [];
  for (const k of solved) {
    const bound = { form: at(coordinates, k), limit: at(view.shape, k) };
    if (picking.some((f) => f.strides[k] !== 0)) rowBounds.push(bound);
    const concerned = factors.flatMap((f, j) => (dependsOn(f, k) ? [j] : []));
    const margin = marginOf(k, bound, shape, lead);
    if (factors.length > 1 && margin && concerned.join() === "0") margins.push(margin);
    else for (const j of concerned.length > 0 ? concerned : [0]) at(bounds, j).push(bound);
  }
  const first = margins.length > 0 ? surround(at(factors, 0), margins) : at(factors, 0);
  const operands = [first, ...factors.slice(1)].map((f, j) =>
    review(f, shape, j === 0 ? shifted(coordinates, margins) : coordinates, at(bounds, j)),
  );
  dimensions.forEach((dimension, d) => {
    if (dimension.picked)
      operands.unshift(
        rowIndicator(
          shape,
          d,
          substitute(dimension.form, shape.length, coordinates),
          dimension.picked,
          coordinates,
          rowBounds,
        ),
      );
  });
  return { sum: mul(combine(operands, shape, lead), repeats), cuts };
};

/**
 * The product of one or two operands, summed over the coordinates from `lead` on; those that move least in the first
 * operand's memory come last, so that kernels read it in order.
 */
const combine = (operands: readonly F32[], shape: Shape, lead: number): F32 => {
  const [first, second] = [at(operands, 0), operands[1]];
  const reduced = shape.map((_, k) => k).slice(lead);
  if (reduced.length === 0) return second ? mul(first, second) : first;
  const { strides } = address(first);
  const reach = (k: number): number => Math.abs(at(strides, k));
  const order = [
    ...shape.map((_, k) => k).slice(0, lead),
    ...reduced.toSorted((a, b) => reach(b) - reach(a)),
  ];
  return foldOf(
    second ? "mulAdd" : "sum",
    "f32",
    shape.slice(0, lead),
    order.slice(lead).map((k) => at(shape, k)),
    0,
    operands.map((x) => transpose(x, order)),
  );
};
