/** Update rules: from parameters and gradients to next parameters, with state of their own. */
import { at } from "../builder/access.ts";
import { add, div, minimum, mul, sqrt, sub } from "../builder/elementwise.ts";
import { type F32, graphError } from "../builder/graph.ts";
import type { ProgramBuilder } from "../builder/program.ts";
import { contract, sum } from "../builder/reduce.ts";
import { reshape } from "../builder/views.ts";
import { ones, zeros } from "./initial.ts";
import { learningRateAt, type Schedule } from "./schedules.ts";

interface Common {
  readonly learningRate: number;
  readonly schedule?: Schedule;
  /** Gradients are scaled down where their global norm is larger (Pascanu, Mikolov, Bengio, 2013). */
  readonly clipNorm?: number;
  readonly weightDecay?: number;
}

/** Weight decay is added to the gradient. */
export interface SgdOptions extends Common {
  readonly kind: "sgd";
  readonly momentum?: number;
}

/** Weight decay is decoupled. */
export interface AdamWOptions extends Common {
  readonly kind: "adamw";
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

export type OptimizerOptions = SgdOptions | AdamWOptions;

/** A parameter and what training does with it. */
export interface Parameter {
  readonly name: string;
  readonly value: F32;
  /** Whether weight decay applies: weights yes, biases and scales no. */
  readonly decays: boolean;
}

/** Sum of squares: along the longest axis last, so that partial sums run side by side. */
const sumOfSquares = (x: F32): F32 => {
  const width = x.shape.at(-1) ?? 1;
  const rows = reshape(x, [-1, width]);
  return sum(contract("rc,rc->c", rows, rows));
};

/** √Σ over all elements of all tensors of x². */
export const globalNorm = (tensors: readonly F32[]): F32 =>
  sqrt(tensors.map(sumOfSquares).reduce((total, part) => add(total, part)));

/** `tensors` times min(1, limit / (norm + 10⁻⁶)), norm their global norm (as PyTorch's clip_grad_norm_). */
export const clipByGlobalNorm = (tensors: readonly F32[], limit: number): F32[] => {
  const scale = minimum(div(limit, add(globalNorm(tensors), 1e-6)), 1);
  return tensors.map((x) => mul(x, scale));
};

/**
 * v ← μv + g + λp, p ← p − ηv (Sutskever et al., 2013, in PyTorch's form). Plain gradient descent for μ = 0, then without
 * state.
 */
const sgd = (
  job: ProgramBuilder,
  parameter: Parameter,
  gradient: F32,
  rate: F32,
  options: SgdOptions,
): void => {
  const { momentum = 0, weightDecay = 0 } = options;
  const { name, value, decays } = parameter;
  let direction = decays && weightDecay !== 0 ? add(gradient, mul(value, weightDecay)) : gradient;
  if (momentum !== 0) {
    const velocity = job.state(`${name}.velocity`, zeros(value.shape));
    direction = add(mul(velocity, momentum), direction);
    job.update(velocity, direction);
  }
  job.update(value, sub(value, mul(direction, rate)));
};

/**
 * m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← (1 − ηλ)p − η·m̂/(√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
 * (Loshchilov and Hutter, 2019, algorithm 2). The powers βᵗ are state scalars.
 */
const adamW = (
  job: ProgramBuilder,
  parameters: readonly Parameter[],
  gradients: readonly F32[],
  rate: F32,
  options: AdamWOptions,
): void => {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  const power = (name: string, beta: number): F32 => {
    const state = job.state(name, ones([]));
    const next = mul(state, beta);
    job.update(state, next);
    return next;
  };
  const meanRate = div(rate, sub(1, power("optimizer.beta1Power", beta1)));
  const variance = div(1, sub(1, power("optimizer.beta2Power", beta2)));
  const kept = sub(1, mul(rate, weightDecay));
  parameters.forEach(({ name, value, decays }, k) => {
    const g = at(gradients, k);
    const m = job.state(`${name}.mean`, zeros(value.shape));
    const v = job.state(`${name}.variance`, zeros(value.shape));
    const nextM = add(mul(m, beta1), mul(g, 1 - beta1));
    const nextV = add(mul(v, beta2), mul(mul(g, 1 - beta2), g));
    job.update(m, nextM);
    job.update(v, nextV);
    const change = div(mul(nextM, meanRate), add(sqrt(mul(nextV, variance)), epsilon));
    const shrunk = decays && weightDecay !== 0 ? mul(value, kept) : value;
    job.update(value, sub(shrunk, change));
  });
};

/** Sets the next value of every parameter from the gradient of the same index. */
export const optimize = (
  job: ProgramBuilder,
  parameters: readonly Parameter[],
  gradients: readonly F32[],
  options: OptimizerOptions,
  steps: number,
): void => {
  if (parameters.length !== gradients.length) throw graphError("one gradient for each parameter");
  const rate = learningRateAt(
    options.learningRate,
    options.schedule ?? { kind: "constant" },
    steps,
  );
  const limited =
    options.clipNorm === undefined ? gradients : clipByGlobalNorm(gradients, options.clipNorm);
  if (options.kind === "adamw") adamW(job, parameters, limited, rate, options);
  else parameters.forEach((p, k) => sgd(job, p, at(limited, k), rate, options));
};
