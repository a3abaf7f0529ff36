/** The operations of a model in JSON: what each reads, its options, and the builder function behind it. */
import { z } from "zod";
import { at, elements } from "../builder/access.ts";
import {
  abs,
  add,
  concat,
  div,
  integerEqual,
  maximum,
  minimum,
  mul,
  neg,
  sqrt,
  square,
  sub,
  toReal,
} from "../builder/elementwise.ts";
import { exp, log } from "../builder/functions.ts";
import { constant, type F32, graphError, type I32, type Tensor } from "../builder/graph.ts";
import { dropout } from "../builder/random.ts";
import {
  argmax,
  contract,
  integerSum,
  largest,
  matmul,
  mean,
  smallest,
  sum,
} from "../builder/reduce.ts";
import { pad, reshape, slice, transpose } from "../builder/views.ts";
import { embedding, selfAttention } from "./attention.ts";
import {
  averagePool2d,
  convolution,
  globalAveragePool,
  maxPool2d,
  type PoolOptions,
} from "./convolution.ts";
import { ACTIVATIONS, dense, type Model } from "./layers.ts";
import { crossEntropy, softmax } from "./losses.ts";
import { batchNorm, layerNorm } from "./normalization.ts";
import { confusionMatrix } from "./training.ts";

/** What a node's first use made: its parameters serve training and evaluation. */
export type Layers = Map<string, unknown>;

interface Place {
  readonly model: Model;
  readonly layers: Layers;
  readonly id: string;
  readonly training: boolean;
}

export interface GraphOp {
  /** How many values it reads: least and most. */
  readonly operands: readonly [number, number];
  readonly options: z.ZodType<Readonly<Record<string, unknown>>>;
  readonly make: (
    place: Place,
    operands: readonly (Tensor | number)[],
    options: Readonly<Record<string, unknown>>,
  ) => Tensor;
}

const real = (x: Tensor | number | undefined): F32 => {
  if (typeof x === "number") return constant(x);
  if (x?.dtype === "f32") return x as F32;
  throw graphError("reads whole numbers where it wants real ones");
};

const whole = (x: Tensor | number | undefined): I32 => {
  if (typeof x !== "number" && x?.dtype === "i32") return x as I32;
  throw graphError("reads real numbers where it wants whole ones");
};

const once = <T>({ layers, id }: Place, make: () => T): T => {
  if (!layers.has(id)) layers.set(id, make());
  return layers.get(id) as T;
};

const op = <Shape extends z.ZodRawShape>(
  operands: number | readonly [number, number],
  options: Shape,
  make: (
    place: Place,
    operands: readonly (Tensor | number)[],
    options: z.output<z.ZodObject<Shape>>,
  ) => Tensor,
): GraphOp => ({
  operands: typeof operands === "number" ? [operands, operands] : operands,
  options: z.strictObject(options),
  // Options were checked against the schema above when the graph was read.
  make: (place, values, given) => make(place, values, given as z.output<z.ZodObject<Shape>>),
});

const unary = (f: (x: F32) => F32): GraphOp => op(1, {}, (_, [x]) => f(real(x)));
const binary = (f: (a: F32, b: F32) => F32): GraphOp =>
  op(2, {}, (_, [a, b]) => f(real(a), real(b)));

const size = z.int().min(1).max(65_536);
const axes = z.array(z.int().min(-4).max(3)).min(1).max(4).optional();
const reduction = (f: typeof sum): GraphOp =>
  op(1, { axes, keep: z.boolean().default(false) }, (_, [x], { axes: over, keep }) =>
    f(real(x), { keep, ...(over === undefined ? {} : { axes: over }) }),
  );

const windows = { stride: size.optional(), padding: z.int().min(0).max(4096).optional() };
const pool = (f: (x: F32, options: PoolOptions) => F32): GraphOp =>
  op(1, { size, ...windows }, (_, [x], options) => f(real(x), options));

const last = (x: F32): number => x.shape.at(-1) ?? 1;

export const GRAPH_OPS: Readonly<Record<string, GraphOp>> = {
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  minimum: binary(minimum),
  maximum: binary(maximum),
  neg: unary(neg),
  abs: unary(abs),
  sqrt: unary(sqrt),
  square: unary(square),
  exp: unary(exp),
  log: unary(log),
  relu: unary(ACTIVATIONS.relu),
  gelu: unary(ACTIVATIONS.gelu),
  tanh: unary(ACTIVATIONS.tanh),
  sigmoid: unary(ACTIVATIONS.sigmoid),
  silu: unary(ACTIVATIONS.silu),
  softmax: unary(softmax),
  sum: reduction(sum),
  mean: reduction(mean),
  largest: reduction(largest),
  smallest: reduction(smallest),
  matmul: binary(matmul),
  contract: op(2, { notation: z.string() }, (_, [a, b], { notation }) =>
    contract(notation, real(a), real(b)),
  ),
  reshape: op(1, { shape: z.array(z.int().min(-1)).max(6) }, (_, [x], { shape }) =>
    reshape(real(x), shape),
  ),
  transpose: op(1, { order: z.array(z.int().min(0).max(5)).optional() }, (_, [x], { order }) =>
    transpose(real(x), order),
  ),
  slice: op(
    1,
    { axis: z.int(), start: z.int().min(0), length: size },
    (_, [x], { axis, start, length }) => slice(real(x), axis, start, length),
  ),
  pad: op(
    1,
    { axis: z.int(), before: z.int().min(0).default(0), after: z.int().min(0).default(0) },
    (_, [x], { axis, before, after }) => pad(real(x), axis, before, after),
  ),
  concat: op([2, 16], { axis: z.int() }, (_, parts, { axis }) => concat(parts.map(real), axis)),
  real: op(1, {}, (_, [x]) => toReal(whole(x))),
  argmax: op(1, {}, (_, [x]) => argmax(real(x))),

  /** x·W + b along the last axis. */
  dense: op(1, { outputs: size, bias: z.boolean().default(true) }, (place, [x], options) => {
    const rows = real(x);
    return once(place, () => dense(place.model, place.id, { inputs: last(rows), ...options }))(
      rows,
    );
  }),
  /** On `[n, height, width, channels]`. */
  convolution: op(
    1,
    { filters: size, size, ...windows, dilation: size.optional(), groups: size.optional() },
    (place, [x], options) => {
      const image = real(x);
      return once(place, () =>
        convolution(place.model, place.id, {
          channels: last(image),
          ...(options as { filters: number; size: number }),
        }),
      )(image);
    },
  ),
  maxPool: pool(maxPool2d),
  averagePool: pool(averagePool2d),
  globalPool: unary(globalAveragePool),
  layerNorm: op(1, {}, (place, [x]) => {
    const rows = real(x);
    return once(place, () => layerNorm(place.model, place.id, last(rows)))(rows);
  }),
  batchNorm: op(1, {}, (place, [x]) => {
    const rows = real(x);
    return once(place, () => batchNorm(place.model, place.id, last(rows)))(rows, place.training);
  }),
  embedding: op(1, { vocabulary: size, width: size }, (place, [x], { vocabulary, width }) =>
    once(place, () => embedding(place.model, place.id, vocabulary, width))(whole(x)),
  ),
  /** Multi-head self-attention on `[n, tokens, width]`. */
  attention: op(
    1,
    { heads: z.int().min(1).max(256), causal: z.boolean().default(true) },
    (place, [x], options) => {
      const rows = real(x);
      return once(place, () =>
        selfAttention(place.model, place.id, { width: last(rows), ...options }),
      )(rows);
    },
  ),
  dropout: op(1, { rate: z.number().min(0).lt(1) }, (place, [x], { rate }) => {
    const stream = once(place, () => place.model.job.streams.named(`dropout/${place.id}`));
    return place.training ? dropout(stream, real(x), rate) : real(x);
  }),

  /** −ln softmax(logits)[label] a row. */
  crossEntropy: op(2, {}, (_, [logits, labels]) => crossEntropy(real(logits), whole(labels))),
  squaredError: binary((a, b) => square(sub(a, b))),
  /** Share of rows whose largest logit is the label's. */
  accuracy: op(2, {}, (_, [logits, labels]) => {
    const known = whole(labels);
    const correct = integerSum(integerEqual(argmax(real(logits)), known));
    return div(toReal(correct), elements(known.shape));
  }),
  /** How many rows of class i were taken for class j. */
  confusion: op(2, {}, (_, [logits, labels]) => {
    const scores = real(logits);
    return confusionMatrix(argmax(scores), whole(labels), at(scores.shape, 1));
  }),
};
