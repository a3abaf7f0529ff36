/** Arithmetic, comparison and bit maps with broadcasting. A plain number is a constant of the other operand's shape. */
import type { PrimitiveName } from "../ir/primitives.ts";
import type { DType, Shape } from "../ir/types.ts";
import {
  constant,
  constantValue,
  type F32,
  graphError,
  type I32,
  integer,
  mapOf,
  type Tensor,
} from "./graph.ts";
import { at } from "./access.ts";
import { axisOf, broadcastTo, pad } from "./views.ts";

/** The shape that all of `shapes` broadcast to. */
export const commonShape = (...shapes: readonly Shape[]): Shape => {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, k) => {
    const sizes = shapes.map((s) => s[k - rank + s.length] ?? 1);
    const size = sizes.find((s) => s !== 1) ?? 1;
    if (sizes.some((s) => s !== 1 && s !== size))
      throw graphError("shapes do not broadcast together", { shapes });
    return size;
  });
};

const real = (x: F32 | number): F32 => (typeof x === "number" ? constant(x) : x);
const whole32 = (x: I32 | number): I32 => (typeof x === "number" ? integer(x) : x);

const apply = <D extends DType>(
  name: PrimitiveName,
  dtype: D,
  operands: readonly Tensor[],
): Tensor<D> => {
  const shape = commonShape(...operands.map((x) => x.shape));
  return mapOf(
    name,
    dtype,
    shape,
    operands.map((x) => broadcastTo(x, shape)),
  );
};

type Binary = (a: F32 | number, b: F32 | number) => F32;
type Integral = (a: I32 | number, b: I32 | number) => I32;
type Comparison = (a: F32 | number, b: F32 | number) => I32;

const binary =
  (name: PrimitiveName): Binary =>
  (a, b) =>
    apply(name, "f32", [real(a), real(b)]);

const integral =
  (name: PrimitiveName): Integral =>
  (a, b) =>
    apply(name, "i32", [whole32(a), whole32(b)]);

const comparison =
  (name: PrimitiveName): Comparison =>
  (a, b) =>
    apply(name, "i32", [real(a), real(b)]);

export const add: Binary = (a, b) => {
  const [x, y] = [real(a), real(b)];
  const shape = commonShape(x.shape, y.shape);
  if (constantValue(y) === 0) return broadcastTo(x, shape);
  if (constantValue(x) === 0) return broadcastTo(y, shape);
  return binary("add")(x, y);
};

export const sub: Binary = binary("sub");

/** Multiplying by the constant 1 costs no op. */
export const mul: Binary = (a, b) => {
  const [x, y] = [real(a), real(b)];
  const shape = commonShape(x.shape, y.shape);
  const [left, right] = [constantValue(x), constantValue(y)];
  if (right === 1) return broadcastTo(x, shape);
  if (left === 1) return broadcastTo(y, shape);
  if (left !== null && right !== null) return constant(left * right, shape);
  return binary("mul")(x, y);
};

export const div: Binary = binary("div");
/** NaN if either is NaN; −0 is below +0. */
export const minimum: Binary = binary("min");
/** NaN if either is NaN; −0 is below +0. */
export const maximum: Binary = binary("max");

export const sqrt = (x: F32): F32 => apply("sqrt", "f32", [x]);
export const neg = (x: F32): F32 => apply("neg", "f32", [x]);
export const abs = (x: F32): F32 => apply("abs", "f32", [x]);
export const reciprocal = (x: F32): F32 => div(1, x);
export const square = (x: F32): F32 => mul(x, x);

/** Comparisons give i32 1 or 0; 0 where an operand is NaN. */
export const less: Comparison = comparison("lt");
export const lessOrEqual: Comparison = comparison("le");
export const equal: Comparison = comparison("eq");
export const integerLess: Integral = integral("ilt");
export const integerEqual: Integral = integral("ieq");

/** `condition ≠ 0 ? a : b`, elementwise. */
export const select = (condition: I32, a: F32 | number, b: F32 | number): F32 =>
  apply("select", "f32", [condition, real(a), real(b)]);

/** {@link select} of integers. */
export const selectInteger = (condition: I32, a: I32 | number, b: I32 | number): I32 =>
  apply("select", "i32", [condition, whole32(a), whole32(b)]);

/** Toward zero, saturating, NaN gives 0; carries no gradient. */
export const truncate = (x: F32): I32 => apply("f32ToI32", "i32", [x]);
/** Nearest even. */
export const toReal = (x: I32): F32 => apply("i32ToF32", "f32", [x]);
export const bitsOf = (x: F32): I32 => apply("bitsOf", "i32", [x]);
export const fromBits = (x: I32): F32 => apply("fromBits", "f32", [x]);

export const integerAdd: Integral = integral("iadd");
export const integerSub: Integral = integral("isub");
export const integerMul: Integral = integral("imul");
/** Toward zero; division by zero gives 0. */
export const integerDiv: Integral = integral("idiv");
export const remainder: Integral = integral("irem");
export const shiftLeft: Integral = integral("shl");
/** Keeps the sign. */
export const shiftRight: Integral = integral("shrS");
/** Fills with zeros. */
export const shiftRightZeros: Integral = integral("shrU");

/** Tensors one after the other along an axis. Sums padded views, so −0 comes out as +0. */
export const concat = (parts: readonly F32[], axis: number): F32 => {
  const sizes = parts.map((x) => at(x.shape, axisOf(x, axis)));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let before = 0;
  return parts
    .map((x, k) => {
      const size = at(sizes, k);
      const padded = pad(x, axis, before, total - before - size);
      before += size;
      return padded;
    })
    .reduce((sum, x) => add(sum, x));
};
