/**
 * The graph that a program is lowered from. A {@link Tensor} is a view of a {@link GraphNode}; nodes are immutable and
 * know their operands, so what no root reaches is never lowered. Nodes carry no list: the same forward pass serves
 * `step` and `eval`.
 */
import { AssayError } from "@assay/protocol/errors";
import { LIMITS } from "../ir/limits.ts";
import { primitive, type PrimitiveName } from "../ir/primitives.ts";
import type { DType, Shape } from "../ir/types.ts";
import {
  at,
  type Bound,
  coordinate,
  effectiveBounds,
  elements,
  type Form,
  rowMajor,
  substitute,
} from "./access.ts";

/** A column of the data set, a tensor of the state or of the parent model, before any access. */
export interface Named {
  readonly kind: "data" | "state" | "parent";
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** How to differentiate an output with respect to `inputs` where its own op says nothing useful. */
export interface Pullback {
  readonly inputs: readonly F32[];
  /** Adjoints of `inputs`, in order, from the adjoint of the node (of the node's shape); null for zero. */
  readonly pull: (adjoint: F32) => readonly (F32 | null)[];
}

export interface OpNode {
  readonly kind: "op";
  readonly name: PrimitiveName;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Empty for a map. */
  readonly reduction: Shape;
  /** Bits of a fold's first accumulator. */
  readonly initial: number;
  /** Each over the coordinates `shape ++ reduction`. */
  readonly operands: readonly Tensor[];
  readonly pullback: Pullback | null;
}

export type GraphNode =
  | OpNode
  | Named
  | {
      readonly kind: "immediate";
      readonly dtype: DType;
      readonly bits: number;
      readonly shape: Shape;
    }
  | { readonly kind: "step" | "index"; readonly dtype: "i32"; readonly shape: Shape };

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, d) => size === b[d]);

/** An i32 tensor that picks position `dimension` of the base: `table[at]`, read as a flat address. */
export interface Picked {
  readonly dimension: number;
  readonly limit: number;
  readonly table: GraphNode;
  readonly at: Form;
}

/**
 * A view: element `c` is the base element with coordinates `positions[d](c)`. `base` is the node's buffer under a
 * shape of the same size; all forms are over the coordinates of `shape`.
 */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: Shape;
  readonly node: GraphNode;
  readonly base: Shape;
  readonly positions: readonly Form[];
  readonly bounds: readonly Bound[];
  readonly picked: Picked | null;
}

export type F32 = Tensor<"f32">;
export type I32 = Tensor<"i32">;

/** A mistake in how a graph was put together, with the place named in the message. */
export const graphError = (message: string, details: Record<string, unknown> = {}): AssayError =>
  new AssayError("ENGINE_GRAPH", message, {
    remedy: "Correct the shapes or arguments of the call named here.",
    details,
  });

/** A node read as it is. */
export const whole = <D extends DType>(node: GraphNode & { readonly dtype: D }): Tensor<D> => ({
  dtype: node.dtype,
  shape: node.shape,
  node,
  base: node.shape,
  positions: node.shape.map((_, k) => coordinate(node.shape.length, k)),
  bounds: [],
  picked: null,
});

/** The view over new coordinates of `shape`, where old coordinate `k` is `by[k]`. */
export const review = <D extends DType>(
  x: Tensor<D>,
  shape: Shape,
  by: readonly Form[],
  more: readonly Bound[] = [],
): Tensor<D> => {
  const into = (form: Form): Form => substitute(form, shape.length, by);
  return {
    ...x,
    shape,
    positions: x.positions.map(into),
    bounds: effectiveBounds(
      [...x.bounds.map((b) => ({ form: into(b.form), limit: b.limit })), ...more],
      shape,
    ),
    picked: x.picked && { ...x.picked, at: into(x.picked.at) },
  };
};

/** Flat address of a view in its node's buffer, without the picked row. */
export const address = (x: Tensor): Form => {
  const strides = rowMajor(x.base);
  let offset = 0;
  const total = x.shape.map(() => 0);
  x.positions.forEach((form, d) => {
    const stride = at(strides, d);
    offset += stride * form.offset;
    form.strides.forEach((s, k) => {
      total[k] = at(total, k) + stride * s;
    });
  });
  return { offset, strides: total };
};

/** True when the view is the node's buffer in order, so that reshaping it is free. */
export const isContiguous = (x: Tensor): boolean => {
  if (x.bounds.length > 0 || x.picked || x.node.kind === "immediate") return false;
  if (elements(x.shape) !== elements(x.node.shape)) return false;
  const form = address(x);
  const strides = rowMajor(x.shape);
  return (
    form.offset === 0 && form.strides.every((s, k) => at(x.shape, k) === 1 || s === at(strides, k))
  );
};

const bitsView = new DataView(new ArrayBuffer(4));

/** Bits of the binary32 nearest to `value`; every NaN is 0x7fc00000. */
export const f32Bits = (value: number): number => {
  if (Number.isNaN(value)) return 0x7fc00000;
  bitsView.setFloat32(0, value);
  return bitsView.getUint32(0);
};

const immediate = <D extends DType>(dtype: D, bits: number, shape: Shape): Tensor<D> => ({
  dtype,
  shape,
  node: { kind: "immediate", dtype, bits: bits >>> 0, shape: [] },
  base: [],
  positions: [],
  bounds: [],
  picked: null,
});

/** An f32 constant of any shape; costs no memory. */
export const constant = (value: number, shape: Shape = []): F32 =>
  immediate("f32", f32Bits(value), shape);

/** An i32 constant of any shape; costs no memory. */
export const integer = (value: number, shape: Shape = []): I32 =>
  immediate("i32", value | 0, shape);

/** Value of a constant, null for anything else. */
export const constantValue = (x: Tensor): number | null => {
  if (x.node.kind !== "immediate" || x.bounds.length > 0) return null;
  bitsView.setUint32(0, x.node.bits);
  return x.dtype === "f32" ? bitsView.getFloat32(0) : bitsView.getInt32(0);
};

const stepNode = { kind: "step", dtype: "i32", shape: [] } as const;
const indexNode = { kind: "index", dtype: "i32", shape: [] } as const;

/** The global step number, a scalar. */
export const stepNumber = (): I32 => whole(stepNode);

/** The value of an affine form at each coordinate of `shape`; costs no memory. */
export const affine = (shape: Shape, form: Form): I32 => ({
  dtype: "i32",
  shape,
  node: indexNode,
  base: [1],
  positions: [form],
  bounds: [],
  picked: null,
});

/** Coordinate along `axis`, at each coordinate of `shape`. */
export const iota = (shape: Shape, axis = 0): I32 => affine(shape, coordinate(shape.length, axis));

/** Row-major number of each element. */
export const elementNumber = (shape: Shape): I32 =>
  affine(shape, { offset: 0, strides: rowMajor(shape) });

const checkOperands = (name: PrimitiveName, shape: Shape, operands: readonly Tensor[]): void => {
  const expected = primitive(name).operands;
  if (expected.length !== operands.length)
    throw graphError(`${name} takes ${expected.length} operands`);
  for (const x of operands) {
    if (!sameShape(x.shape, shape))
      throw graphError(`${name}: an operand does not have the op's shape`, {
        operand: x.shape,
        shape,
      });
    if (x.bounds.length > LIMITS.guards)
      throw graphError(`${name}: an operand needs more than 4 guards`);
  }
};

/** A map over `operands`, each of exactly `shape`. */
export const mapOf = <D extends DType>(
  name: PrimitiveName,
  dtype: D,
  shape: Shape,
  operands: readonly Tensor[],
  pullback: Pullback | null = null,
): Tensor<D> => {
  checkOperands(name, shape, operands);
  return whole({
    kind: "op",
    name,
    dtype,
    shape,
    reduction: [],
    initial: 0,
    operands,
    pullback,
  });
};

/** A fold over `operands`, each of exactly `shape ++ reduction`. */
export const foldOf = <D extends DType>(
  name: PrimitiveName,
  dtype: D,
  shape: Shape,
  reduction: Shape,
  initial: number,
  operands: readonly Tensor[],
): Tensor<D> => {
  checkOperands(name, [...shape, ...reduction], operands);
  return whole({
    kind: "op",
    name,
    dtype,
    shape,
    reduction,
    initial,
    operands,
    pullback: null,
  });
};

/** The same values, materialised; gradients follow `pullback` instead of the ops that made them. */
export const withPullback = (x: F32, pullback: Pullback): F32 =>
  x.node.kind === "op" &&
  x.node.pullback === null &&
  isContiguous(x) &&
  sameShape(x.node.shape, x.shape)
    ? { ...x, node: { ...x.node, pullback } }
    : mapOf("copy", "f32", x.shape, [x], pullback);

/** The same values with a buffer of their own, in row-major order: what a reshape or a second gather needs. */
export const materialise = <D extends DType>(x: Tensor<D>): Tensor<D> =>
  mapOf("copy", x.dtype, x.shape, [x]);
