/** What presets share: how a run is laid out, one training step, the metrics of a classifier. */
import { gradients } from "../autodiff/gradients.ts";
import { at } from "../builder/access.ts";
import { div, integerEqual, toReal, truncate } from "../builder/elementwise.ts";
import { type F32, graphError, type I32, materialise, type Tensor } from "../builder/graph.ts";
import type { ProgramBuilder } from "../builder/program.ts";
import { shuffledBatch } from "../builder/random.ts";
import { argmax, contract, integerSum, mean, oneHot } from "../builder/reduce.ts";
import { gather, slice } from "../builder/views.ts";
import type { DType, Shape } from "../ir/types.ts";
import { zeros } from "./initial.ts";
import type { Model, Tuning } from "./layers.ts";
import { crossEntropy } from "./losses.ts";
import { optimize, type OptimizerOptions } from "./optimizers.ts";

/** How long a run is: steps, or passes over the training rows. */
export interface RunLength {
  readonly steps?: number;
  readonly epochs?: number;
}

export interface TrainingOptions extends RunLength {
  readonly optimizer: OptimizerOptions;
  /** Rows of one step. */
  readonly batch: number;
  /** Steps between two checkpoints. */
  readonly interval: number;
  readonly trainRows: number;
  readonly heldOutRows: number;
  /** See {@link spread}. */
  readonly evaluateAtMost?: number | undefined;
  readonly tuning?: Tuning;
}

/**
 * Which of `count` held-out rows evaluation reads: all, or `most` of them at equal distances from the first on. Evaluation computes
 * its rows together, so this bounds its memory and its price.
 */
export const spread = (
  count: number,
  most = count,
): { readonly count: number; readonly stride: number } => {
  if (!Number.isInteger(most) || most < 1) throw graphError(`cannot evaluate ${most} rows`);
  const stride = Math.max(1, Math.floor(count / most));
  return { count: Math.min(count, most), stride };
};

/** The rows of a held-out column that evaluation reads. */
export const evaluatedRows = <D extends DType>(column: Tensor<D>, most?: number): Tensor<D> => {
  const { count, stride } = spread(at(column.shape, 0), most);
  return slice(column, 0, 0, count, stride);
};

/** Steps of a run; an epoch is the whole batches of the training rows. */
export const stepsOf = (options: TrainingOptions): number => {
  const { steps, epochs, trainRows, batch } = options;
  if ((steps === undefined) === (epochs === undefined))
    throw graphError("give steps or epochs, one of them");
  return steps ?? (epochs as number) * Math.floor(trainRows / batch);
};

/** Classes up to which a confusion matrix is small enough to be read, and cheap beside the evaluation itself. */
const MOST_CONFUSED = 64;

/**
 * How many rows of class i were taken for class j, i32[classes, classes]. The counts are sums of ones, exact in f32 below
 * 2²⁴ rows; a label outside the classes is not counted, nor is a prediction of NaN.
 */
export const confusionMatrix = (predicted: I32, labels: I32, classes: number): I32 =>
  truncate(contract("ni,nj->ij", oneHot(labels, classes), oneHot(predicted, classes)));

/**
 * Adds the metrics of a classifier on held-out rows: `correct` (i32 count), `accuracy` (its share), `loss` (mean
 * cross-entropy) and, for up to 64 classes, `confusion` (see {@link confusionMatrix}).
 */
export const classifierMetrics = (job: ProgramBuilder, logits: F32, labels: I32): void => {
  const predicted = argmax(logits);
  const classes = at(logits.shape, 1);
  const correct = integerSum(integerEqual(predicted, labels));
  job.output("correct", correct);
  job.output("accuracy", div(toReal(correct), at(labels.shape, 0)));
  job.output("loss", mean(crossEntropy(logits, labels)));
  if (classes <= MOST_CONFUSED)
    job.output("confusion", confusionMatrix(predicted, labels, classes));
};

/** Trains `model` on the mean of `losses`, and keeps that mean of the latest step in the state scalar `loss`. */
export const train = (
  model: Model,
  losses: F32,
  optimizer: OptimizerOptions,
  steps: number,
): void => {
  const { job, parameters } = model;
  model.check();
  const average = mean(losses);
  const progress = job.state("loss", zeros([]));
  job.update(progress, average);
  optimize(
    job,
    parameters,
    gradients(
      average,
      parameters.map((p) => p.value),
    ),
    optimizer,
    steps,
  );
};

/** What a classifier is: activations of a batch of rows, and whether dropout and batch statistics apply. */
export type Forward = (rows: F32, training: boolean) => F32;

/**
 * Trains a classifier over the columns `train.x` f32[trainRows, …features], `train.y` i32[trainRows], and measures it on
 * `heldout.x`, `heldout.y`. A step takes `batch` rows of the epoch's permutation.
 */
export const classify = (
  model: Model,
  features: Shape,
  forward: Forward,
  options: TrainingOptions,
): void => {
  const { job } = model;
  const { batch, trainRows, heldOutRows, evaluateAtMost } = options;
  const x = job.data("train.x", "f32", [trainRows, ...features]);
  const y = job.data("train.y", "i32", [trainRows]);
  const heldOutX = job.data("heldout.x", "f32", [heldOutRows, ...features]);
  const heldOutY = job.data("heldout.y", "i32", [heldOutRows]);
  const rows = shuffledBatch(trainRows, batch);
  const logits = forward(materialise(gather(x, rows)), true);
  const losses = crossEntropy(logits, materialise(gather(y, rows)));
  train(model, losses, options.optimizer, stepsOf(options));
  const [seenX, seenY] = [
    evaluatedRows(heldOutX, evaluateAtMost),
    evaluatedRows(heldOutY, evaluateAtMost),
  ];
  classifierMetrics(job, forward(seenX, false), seenY);
};
