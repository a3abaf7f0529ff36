/** Layers: parameters of a job, and the functions that use them. */
import { add, mul } from "../builder/elementwise.ts";
import { gelu, relu, sigmoid, silu, tanh } from "../builder/functions.ts";
import { type F32, graphError, sameShape, type Tensor } from "../builder/graph.ts";
import type { ProgramBuilder } from "../builder/program.ts";
import { matmul } from "../builder/reduce.ts";
import { reshape } from "../builder/views.ts";
import type { NamedTensor, Shape } from "../ir/types.ts";
import { type Initializer, kaimingUniform, xavierUniform, zeros } from "./initial.ts";
import type { Parameter } from "./optimizers.ts";

export const ACTIVATIONS = { relu, gelu, tanh, sigmoid, silu } as const;
export type Activation = keyof typeof ACTIVATIONS;

/** The usual initial values for weights that feed this activation, times `scale`. */
export const initializerFor = (activation: Activation, scale = 1): Initializer =>
  activation === "tanh" || activation === "sigmoid"
    ? xavierUniform(scale)
    : kaimingUniform(Math.SQRT2 * scale);

/** What a model starts from and which of its parameters are trained; without it, all of them from the start. */
export interface Tuning {
  /**
   * The parent model's tensors, all of them in the order of its file. A parameter of the same name starts from the parent's
   * value.
   */
  readonly parent?: readonly NamedTensor[];
  /** Parameters that start afresh although the parent has them: a name, or what stands before a dot in it. */
  readonly fresh?: readonly string[];
  /** Parameters that stay as they are, named likewise. */
  readonly freeze?: readonly string[];
  readonly lora?: LoraOptions;
}

/** Low-rank adapters: everything else is frozen (Hu et al., 2021, section 4.1). */
export interface LoraOptions {
  readonly rank: number;
  /** What the product of the adapters is multiplied by, times the rank; the rank when not given. */
  readonly alpha?: number;
  /** Last parts of the names of the dense layers that are adapted; `query` and `value` when not given. */
  readonly targets?: readonly string[];
}

/** Whether `name` is one of `names`, or lies below one: `layer1` names `layer1.weight`, not `layer10.weight`. */
const isNamed = (name: string, names: readonly string[]): boolean =>
  names.some((prefix) => name === prefix || name.startsWith(`${prefix}.`));

/** Parameters of a model, in the order of their making, on a job that carries them as state. */
export class Model {
  readonly job: ProgramBuilder;
  /** Those that are trained. */
  readonly parameters: Parameter[] = [];
  readonly #tuning: Tuning;
  readonly #parent: ReadonlyMap<string, Tensor>;
  readonly #declared: string[] = [];

  constructor(job: ProgramBuilder, tuning: Tuning = {}) {
    this.job = job;
    this.#tuning = tuning;
    this.#parent = new Map(
      (tuning.parent ?? []).map(({ name, dtype, shape }) => [name, job.parent(name, dtype, shape)]),
    );
  }

  get lora(): LoraOptions | undefined {
    return this.#tuning.lora;
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

  /** A tensor of the model that steps set without a gradient; `move` is nothing where it is frozen. */
  statistic(name: string, first: F32): { readonly value: F32; readonly move: (next: F32) => void } {
    const value = this.#state(name, first);
    return {
      value,
      move: (next) => {
        if (!this.#frozen(name)) this.job.update(value, next);
      },
    };
  }

  /** Adapters `[inputs, rank]` and `[rank, outputs]` of a layer, where it has any: the second one starts at zero. */
  adapters(
    name: string,
    inputs: number,
    outputs: number,
  ): { readonly down: F32; readonly up: F32; readonly scale: number } | undefined {
    const { lora } = this.#tuning;
    const { targets = ["query", "value"] } = lora ?? {};
    if (lora === undefined || !targets.includes(name.split(".").at(-1) ?? "")) return undefined;
    const { rank, alpha = rank } = lora;
    const fan = { in: inputs, out: rank };
    const down = this.weight(`${name}.lora.down`, [inputs, rank], fan, kaimingUniform(1));
    return {
      down,
      up: this.#declare(`${name}.lora.up`, zeros([rank, outputs]), true),
      scale: alpha / rank,
    };
  }

  /** To be called once all parameters are declared. Throws ENGINE_GRAPH for a tuning that fits nothing. */
  check(): void {
    const { freeze = [], fresh = [], lora } = this.#tuning;
    for (const name of [...freeze, ...fresh])
      if (!this.#declared.some((declared) => isNamed(declared, [name])))
        throw graphError(`no parameter is named "${name}"`, { parameters: this.#declared });
    if (this.#parent.size > 0 && !this.#declared.some((name) => this.#parent.has(name)))
      throw graphError("the parent has no parameter of this model", {
        parent: [...this.#parent.keys()],
        parameters: this.#declared,
      });
    if (lora !== undefined && !this.parameters.some(({ name }) => isAdapter(name)))
      throw graphError("no layer takes a low-rank adapter", { targets: lora.targets });
    if (this.parameters.length === 0) throw graphError("no parameter is left to train");
  }

  #frozen(name: string): boolean {
    const { freeze = [], lora } = this.#tuning;
    return isNamed(name, freeze) || (lora !== undefined && !isAdapter(name));
  }

  #state(name: string, first: F32): F32 {
    this.#declared.push(name);
    const known = this.#parent.get(name);
    if (known === undefined || isNamed(name, this.#tuning.fresh ?? []))
      return this.job.state(name, first, { parameter: true });
    if (known.dtype !== "f32" || !sameShape(known.shape, first.shape))
      throw graphError(
        `the parent's "${name}" is ${known.dtype}[${known.shape.join()}], this model's f32[${first.shape.join()}]; name it as fresh to draw it anew`,
        { name },
      );
    return this.job.state(name, known as F32, { parameter: true });
  }

  #declare(name: string, first: F32, decays: boolean): F32 {
    const value = this.#state(name, first);
    if (!this.#frozen(name)) this.parameters.push({ name, value, decays });
    return value;
  }
}

const isAdapter = (name: string): boolean => /\.lora\.(down|up)$/.test(name);

/** A function of activations; the same one serves training and evaluation. */
export type Layer = (x: F32) => F32;

export interface DenseOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly initializer?: Initializer;
  readonly bias?: boolean;
}

/**
 * x·W + b along the last axis of `[…, inputs]`; W is `[inputs, outputs]`. With low-rank adapters A, B and their scale s:
 * x·W + s·(x·A)·B + b.
 */
export const dense = (model: Model, name: string, options: DenseOptions): Layer => {
  const { inputs, outputs, initializer = kaimingUniform(1), bias = true } = options;
  const fan = { in: inputs, out: outputs };
  const w = model.weight(`${name}.weight`, [inputs, outputs], fan, initializer);
  const b = bias ? model.offset(`${name}.bias`, zeros([outputs])) : null;
  const adapters = model.adapters(name, inputs, outputs);
  return (x) => {
    if (x.shape.at(-1) !== inputs)
      throw graphError(`${name} wants […, ${inputs}], not [${x.shape.join()}]`);
    const rows = reshape(x, [-1, inputs]);
    const product = matmul(rows, w);
    const changed = adapters
      ? add(product, mul(matmul(matmul(rows, adapters.down), adapters.up), adapters.scale))
      : product;
    const y = b ? add(changed, b) : changed;
    return reshape(y, [...x.shape.slice(0, -1), outputs]);
  };
};
