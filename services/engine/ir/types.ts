/**
 * The intermediate representation of a training job: what a provider runs, what a checker runs again and what
 * the referee contract can be asked about, one scalar at a time.
 *
 * A {@link Program} is three lists of ops in static single assignment over tensors of at most four dimensions:
 * `init` makes the state tensors, `step` runs `steps` times, `eval` (may be empty) computes metrics. There are
 * only two op forms, {@link MapOp} and {@link FoldOp}; every layer, loss, gradient and optimizer expands to them.
 */

/** Element types. The number is the byte used in every commitment. */
export const DTYPE = { f32: 0, i32: 1 } as const;
export type DType = keyof typeof DTYPE;

/** At most four dimensions, each at least 1; `[]` is a scalar. Row-major. */
export type Shape = readonly number[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Where an operand's elements come from. The number is the byte used in the op encoding. */
export const SOURCE = {
  /** Output of an earlier op of the same list. */
  value: 0,
  /** State tensor as it was before this step (never in `init`). */
  state: 1,
  /** Column of the data set. */
  data: 2,
  /** A constant: 32 bits. */
  immediate: 3,
  /** The global step number as an i32 scalar (0 in `init`). */
  step: 4,
  /** No memory at all: the value of the access itself, as an i32. Gives iotas, row numbers, random counters. */
  index: 5,
  /** Tensor of the parent model that the request names. */
  parent: 6,
} as const;

export type Source =
  | { readonly kind: "value" | "state" | "data" | "parent"; readonly index: number }
  | { readonly kind: "immediate"; readonly bits: number; readonly dtype: DType }
  | { readonly kind: "step" }
  | { readonly kind: "index" };

/**
 * `offset + Σ strides[d] · c[d]` over the coordinates `c`: the output coordinates, then (in a fold) the
 * reduction coordinates. `strides.length` is exactly output rank + reduction rank. The checker guarantees that the
 * value fits an i32 for every coordinate.
 */
export interface Affine {
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Passes when `0 <= affine < limit`; an operand with a failing guard reads `+0` (i32: 0). */
export interface Guard extends Affine {
  readonly limit: number;
}

/**
 * Adds `rowStride · t[affine]` to the address, where `t` is an i32 tensor. An element outside `[0, limit)`
 * or an affine address outside `t` makes the operand read `+0`.
 */
export interface Indirection extends Affine {
  readonly source: { readonly kind: "value" | "state" | "data" | "parent"; readonly index: number };
  readonly rowStride: number;
  readonly limit: number;
}

/**
 * One operand: element `offset + Σ strides·c (+ rowStride · row)` of the flat source tensor. An address outside the
 * tensor reads `+0`. For `immediate` and `step` sources offset is 0 and strides are all 0; for `index` sources
 * the address itself is the value.
 */
export interface Operand extends Affine {
  readonly source: Source;
  readonly guards: readonly Guard[];
  readonly indirection: Indirection | null;
}

/** `out[i] = f(x0[a0(i)], …)`; `f` is one primitive of the table in `primitives.ts`. */
export interface MapOp {
  readonly form: "map";
  readonly opcode: number;
  readonly out: TensorType;
  readonly operands: readonly Operand[];
}

/**
 * `acc = initial; for r in row-major order over `reduction`: acc = g(acc, x0[a0(i,r)], …); out[i] = acc`.
 * Every rounding happens in this order; back ends may run output elements side by side, never terms.
 */
export interface FoldOp {
  readonly form: "fold";
  readonly opcode: number;
  readonly out: TensorType;
  readonly reduction: Shape;
  /** Bits of the first accumulator. */
  readonly initial: number;
  readonly operands: readonly Operand[];
}

export type Op = MapOp | FoldOp;
export type OpList = "init" | "step" | "eval";

/** Value of `stepOp` for a state tensor that steps leave as it is (a frozen layer). */
export const UNCHANGED = 0xffff;

export interface StateTensor extends TensorType {
  readonly name: string;
  /** Parameters make up the model and its root; the rest is optimizer state and running metrics. */
  readonly parameter: boolean;
  /** Index in `init` of the op whose output is the first value. */
  readonly initOp: number;
  /** Index in `step` of the op whose output is the next value, or {@link UNCHANGED}. */
  readonly stepOp: number;
}

export interface NamedTensor extends TensorType {
  readonly name: string;
}

export interface EvalOutput {
  readonly name: string;
  /** Index in `eval`. */
  readonly op: number;
}

export interface Program {
  /** Version of the arithmetic and of the primitive table. */
  readonly numerics: "f32-1";
  /** Steps of the whole run, T. */
  readonly steps: number;
  /** Steps between two checkpoints. */
  readonly interval: number;
  readonly data: readonly NamedTensor[];
  readonly parent: readonly NamedTensor[];
  readonly state: readonly StateTensor[];
  readonly init: readonly Op[];
  readonly step: readonly Op[];
  readonly eval: readonly Op[];
  readonly outputs: readonly EvalOutput[];
}
