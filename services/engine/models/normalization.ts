/** Normalisation: layer norm, and batch norm with running statistics. */
import { at } from "../builder/access.ts";
import { add, div, mul, sqrt, square, sub } from "../builder/elementwise.ts";
import { type F32, withPullback } from "../builder/graph.ts";
import { mean } from "../builder/reduce.ts";
import { reshape } from "../builder/views.ts";
import { ones, zeros } from "./initial.ts";
import type { Layer, Model } from "./layers.ts";
import type { Forward } from "./training.ts";

interface Normalized {
  /** (x − mean) / √(variance + ε). */
  readonly y: F32;
  /** Along the axes, kept with size 1. */
  readonly mean: F32;
  readonly variance: F32;
}

/**
 * Mean 0 and variance 1 along `axes`. Gradient with r = 1/√(σ² + ε): r·(g − mean(g) − y·mean(g·y)) (Ioffe and Szegedy,
 * 2015, section 3, with the sums taken together).
 */
export const normalize = (x: F32, axes: readonly number[], epsilon = 1e-5): Normalized => {
  const along = { axes, keep: true };
  const middle = mean(x, along);
  const centred = sub(x, middle);
  const variance = mean(square(centred), along);
  const scale = div(1, sqrt(add(variance, epsilon)));
  const y = mul(centred, scale);
  return {
    mean: middle,
    variance,
    y: withPullback(y, {
      inputs: [x],
      pull: (g) => [mul(sub(sub(g, mean(g, along)), mul(y, mean(mul(g, y), along))), scale)],
    }),
  };
};

/** Layer norm along the last axis, with scale and offset (Ba, Kiros, Hinton, 2016). */
export const layerNorm = (model: Model, name: string, width: number): Layer => {
  const scale = model.offset(`${name}.scale`, ones([width]));
  const offset = model.offset(`${name}.offset`, zeros([width]));
  return (x) => add(mul(normalize(x, [x.shape.length - 1]).y, scale), offset);
};

/**
 * Batch norm over all axes but the last (Ioffe and Szegedy, 2015). Training uses the batch's statistics and moves the
 * running ones by `momentum`; they belong to the model and serve evaluation. One training pass a job.
 */
export const batchNorm = (
  model: Model,
  name: string,
  width: number,
  momentum = 0.1,
  epsilon = 1e-5,
): Forward => {
  const scale = model.offset(`${name}.scale`, ones([width]));
  const offset = model.offset(`${name}.offset`, zeros([width]));
  const runningMean = model.statistic(`${name}.mean`, zeros([width]));
  const runningVariance = model.statistic(`${name}.variance`, ones([width]));
  const move = ({ value, move: set }: typeof runningMean, batch: F32): void =>
    set(add(mul(value, 1 - momentum), mul(reshape(batch, [width]), momentum)));
  return (x, training) => {
    if (!training) {
      const spread = sqrt(add(runningVariance.value, epsilon));
      return add(mul(div(sub(x, runningMean.value), spread), scale), offset);
    }
    const axes = x.shape.slice(0, -1).map((_, k) => k);
    const count = axes.reduce((product, k) => product * at(x.shape, k), 1);
    const { y, mean: middle, variance } = normalize(x, axes, epsilon);
    move(runningMean, middle);
    move(runningVariance, mul(variance, count / Math.max(1, count - 1)));
    return add(mul(y, scale), offset);
  };
};
