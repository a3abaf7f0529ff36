/** Preset: a classifier of dense layers. */
import { at } from "../builder/access.ts";
import { ProgramBuilder } from "../builder/program.ts";
import { dropout } from "../builder/random.ts";
import type { Program } from "../ir/types.ts";
import { ACTIVATIONS, type Activation, dense, initializerFor, Model } from "./layers.ts";
import { classify, type Forward, stepsOf, type TrainingOptions } from "./training.ts";

export interface MlpOptions extends TrainingOptions {
  /** Features of a row. */
  readonly inputs: number;
  /** Widths of the hidden layers; none gives a linear classifier. */
  readonly hidden: readonly number[];
  /** Classes. */
  readonly outputs: number;
  readonly activation: Activation;
  /** Probability that a hidden unit is dropped in a training step. */
  readonly dropout?: number;
  /** The same for a feature of a row. */
  readonly inputDropout?: number;
  /** Scale of the initial weights relative to the activation's usual ones. */
  readonly initialScale?: number;
}

/** Dense layers with the activation and dropout between them; `name1`, `name2`, … carry the parameters. */
export const denseStack = (
  model: Model,
  name: string,
  options: Pick<
    MlpOptions,
    "inputs" | "hidden" | "outputs" | "activation" | "dropout" | "inputDropout" | "initialScale"
  >,
): Forward => {
  const { inputs, hidden, outputs, activation } = options;
  const widths = [inputs, ...hidden, outputs];
  const initializer = initializerFor(activation, options.initialScale);
  const layers = widths
    .slice(1)
    .map((width, k) =>
      dense(model, `${name}${k + 1}`, { inputs: at(widths, k), outputs: width, initializer }),
    );
  const { dropout: rate = 0, inputDropout = 0 } = options;
  const streams = hidden.map((_, k) => model.job.streams.named(`dropout/${name}${k + 1}`));
  const first = model.job.streams.named(`dropout/${name}0`);
  return (rows, training) =>
    layers.reduce(
      (h, layer, k) => {
        const z = layer(h);
        if (k === layers.length - 1) return z;
        const a = ACTIVATIONS[activation](z);
        return training ? dropout(at(streams, k), a, rate) : a;
      },
      training ? dropout(first, rows, inputDropout) : rows,
    );
};

/**
 * Program over the columns `train.x` f32[trainRows, inputs], `train.y` i32[trainRows], `heldout.x`, `heldout.y`. A step
 * takes `batch` rows of the epoch's permutation. Throws ENGINE_GRAPH for sizes that do not fit.
 */
export const mlp = (options: MlpOptions): Program => {
  const job = new ProgramBuilder({ steps: stepsOf(options), interval: options.interval });
  const model = new Model(job, options.tuning);
  classify(model, [options.inputs], denseStack(model, "layer", options), options);
  return job.build();
};
