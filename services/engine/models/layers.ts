/** Layers: parameters of a job, and the functions that use them. */
import { add } from "../builder/elementwise.ts";
import { gelu, relu, sigmoid, silu, tanh } from "../builder/functions.ts";
import { type F32, graphError } from "../builder/graph.ts";
import type { ProgramBuilder } from "../builder/program.ts";
import { matmul } from "../builder/reduce.ts";
import { reshape } from "../builder/views.ts";
import type { Shape } from "../ir/types.ts";
import { type Initializer, kaimingUniform, xavierUniform, zeros } from "./initial.ts";
import type { Parameter } from "./optimizers.ts";

export const ACTIVATIONS = { relu, gelu, tanh, sigmoid, silu } as const;
export type Activation = keyof typeof ACTIVATIONS;

/** The usual initial values for weights that feed this activation, times `scale`. */
export const initializerFor = (activation: Activation, scale = 1): Initializer =>
  activation === "tanh" || activation === "sigmoid"
    ? xavierUniform(scale)
    : kaimingUniform(Math.SQRT2 * scale);

/** Parameters of a model, in the order of their making, on a job that carries them as state. */
export class Model {
  readonly job: ProgramBuilder;
  readonly parameters: Parameter[] = [];

  constructor(job: ProgramBuilder) {
    this.job = job;
  }

  /** A weight tensor, drawn from the stream `init/<name>`. */
  weight(
    name: string,
    shape: Shape,
    fan: { readonly in: number; readonly out: number },
    initializer: Initializer,
  ): F32 {
    const stream = this.job.streams.named(`init/${name}`);
    return this.#declare(name, initializer(stream, shape, fan), true);
  }

  /** A bias or scale: starts constant, takes no weight decay. */
  offset(name: string, first: F32): F32 {
    return this.#declare(name, first, false);
  }

  #declare(name: string, first: F32, decays: boolean): F32 {
    const value = this.job.state(name, first, { parameter: true });
    this.parameters.push({ name, value, decays });
    return value;
  }
}

/** A function of activations; the same one serves training and evaluation. */
export type Layer = (x: F32) => F32;

export interface DenseOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly initializer?: Initializer;
  readonly bias?: boolean;
}

/** x·W + b along the last axis of `[…, inputs]`; W is `[inputs, outputs]`. */
export const dense = (model: Model, name: string, options: DenseOptions): Layer => {
  const { inputs, outputs, initializer = kaimingUniform(1), bias = true } = options;
  const fan = { in: inputs, out: outputs };
  const w = model.weight(`${name}.weight`, [inputs, outputs], fan, initializer);
  const b = bias ? model.offset(`${name}.bias`, zeros([outputs])) : null;
  return (x) => {
    if (x.shape.at(-1) !== inputs)
      throw graphError(`${name} wants […, ${inputs}], not [${x.shape.join()}]`);
    const product = matmul(reshape(x, [-1, inputs]), w);
    const y = b ? add(product, b) : product;
    return reshape(y, [...x.shape.slice(0, -1), outputs]);
  };
};
