/** Preset: a decoder-only language model over tokens. */
import { at, coordinate } from "../builder/access.ts";
import {
  add,
  div,
  integerEqual,
  remainder,
  shiftRightZeros,
  toReal,
} from "../builder/elementwise.ts";
import { exp } from "../builder/functions.ts";
import { affine, type F32, graphError, type I32, iota, materialise } from "../builder/graph.ts";
import { ProgramBuilder } from "../builder/program.ts";
import { dropout, randomBits } from "../builder/random.ts";
import { argmax, integerSum, mean } from "../builder/reduce.ts";
import { gather, reshape, slice, windows } from "../builder/views.ts";
import type { Program } from "../ir/types.ts";
import { embedding, selfAttention } from "./attention.ts";
import { uniformWith } from "./initial.ts";
import { ACTIVATIONS, type Activation, dense, type Layer, Model, type Tuning } from "./layers.ts";
import { crossEntropy } from "./losses.ts";
import { layerNorm } from "./normalization.ts";
import type { OptimizerOptions } from "./optimizers.ts";
import { spread, train } from "./training.ts";

export interface TransformerOptions {
  /** Tokens are 0 to vocabulary − 1. */
  readonly vocabulary: number;
  /** Tokens that a prediction can look back on. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside a feed-forward layer; four times the width when not given. */
  readonly inner?: number;
  readonly activation?: Activation;
  readonly dropout?: number;
  readonly optimizer: OptimizerOptions;
  /** Sequences of one step. */
  readonly batch: number;
  readonly steps: number;
  readonly interval: number;
  readonly trainTokens: number;
  readonly heldOutTokens: number;
  /** Runs of held-out tokens that evaluation reads, at equal distances; all when not given. */
  readonly evaluateAtMost?: number | undefined;
  readonly tuning?: Tuning;
}

/** What the network itself is made from. */
export type DecoderOptions = Pick<
  TransformerOptions,
  "vocabulary" | "context" | "width" | "layers" | "heads" | "inner" | "activation" | "dropout"
>;

type Sequences = (tokens: I32, training: boolean) => F32;

/**
 * Tokens `[n, context]` to logits `[n, context, vocabulary]`: learned positions, layer norm before each part, GELU
 * (Radford et al., 2019; projections into the residual stream start smaller by √(2·layers)).
 */
export const decoder = (model: Model, options: DecoderOptions): Sequences => {
  const { vocabulary, context, width, layers, heads, activation = "gelu" } = options;
  const inner = options.inner ?? 4 * width;
  const rate = options.dropout ?? 0;
  const usual = uniformWith(0.02);
  const residual = uniformWith(0.02 / Math.sqrt(2 * layers));
  const table = embedding(model, "token", vocabulary, width);
  const positions = model.weight(
    "position.weight",
    [context, width],
    { in: context, out: width },
    usual,
  );
  const dropped = (name: string): ((x: F32, training: boolean) => F32) => {
    const stream = model.job.streams.named(`dropout/${name}`);
    return (x, training) => (training ? dropout(stream, x, rate) : x);
  };
  const enter = dropped("token");
  const parts = Array.from({ length: layers }, (_, k) => `layer${k + 1}`).flatMap((name) => {
    const attention = selfAttention(model, `${name}.attention`, {
      width,
      heads,
      initializer: usual,
      outputInitializer: residual,
    });
    const widen = dense(model, `${name}.widen`, {
      inputs: width,
      outputs: inner,
      initializer: usual,
    });
    const narrow = dense(model, `${name}.narrow`, {
      inputs: inner,
      outputs: width,
      initializer: residual,
    });
    const act = ACTIVATIONS[activation];
    const part = (suffix: string, layer: Layer): ((x: F32, training: boolean) => F32) => {
      const norm = layerNorm(model, `${name}.${suffix}.norm`, width);
      const drop = dropped(`${name}.${suffix}`);
      return (x, training) => add(x, drop(layer(norm(x)), training));
    };
    return [part("attention", attention), part("feedForward", (x) => narrow(act(widen(x))))];
  });
  const norm = layerNorm(model, "norm", width);
  const head = dense(model, "head", {
    inputs: width,
    outputs: vocabulary,
    initializer: usual,
    bias: false,
  });
  return (tokens, training) => {
    const start = enter(add(table(tokens), positions), training);
    return head(norm(parts.reduce((x, part) => part(x, training), start)));
  };
};

/** Runs of `context` tokens and what follows each token, from the given starts. */
const runs = (
  tokens: I32,
  starts: I32,
  context: number,
): { readonly inputs: I32; readonly targets: I32 } => {
  const rows = materialise(gather(windows(tokens, 0, { size: context + 1 }), starts));
  return { inputs: slice(rows, 1, 0, context), targets: slice(rows, 1, 1, context) };
};

/**
 * Program over the columns `train.tokens` i32[trainTokens] and `heldout.tokens` i32[heldOutTokens]. A step takes `batch` runs
 * from random places. Evaluation cuts the held-out tokens into runs of `context` (the remainder is left out), reads all of them
 * or some, and gives `loss` (mean cross-entropy in nats), `perplexity` (its exponential), `correct` (i32) and `accuracy`.
 */
export const transformerLm = (options: TransformerOptions): Program => {
  const { vocabulary, context, batch, trainTokens, heldOutTokens, steps } = options;
  const heldOutRuns = Math.floor((heldOutTokens - 1) / context);
  if (trainTokens <= context || heldOutRuns < 1)
    throw graphError(
      `texts of ${trainTokens} and ${heldOutTokens} tokens for a context of ${context}`,
    );
  const job = new ProgramBuilder({ steps, interval: options.interval });
  const tokens = job.data("train.tokens", "i32", [trainTokens]);
  const heldOut = job.data("heldout.tokens", "i32", [heldOutTokens]);
  const model = new Model(job, options.tuning);
  const logits = decoder(model, options);
  const flat = (x: F32): F32 => reshape(x, [-1, vocabulary]);
  const listed = (x: I32): I32 => materialise(reshape(x, [-1]));

  const bits = shiftRightZeros(randomBits(job.streams.named("batch"), iota([batch])), 1);
  const step = runs(tokens, remainder(bits, trainTokens - context), context);
  train(
    model,
    crossEntropy(flat(logits(step.inputs, true)), listed(step.targets)),
    options.optimizer,
    steps,
  );

  const { count, stride } = spread(heldOutRuns, options.evaluateAtMost);
  const starts = affine([count], coordinate(1, 0, context * stride));
  const seen = runs(heldOut, starts, context);
  const answers = flat(logits(seen.inputs, false));
  const targets = listed(seen.targets);
  const loss = mean(crossEntropy(answers, targets));
  const correct = integerSum(integerEqual(argmax(answers), targets));
  job.output("loss", loss);
  job.output("perplexity", exp(loss));
  job.output("correct", correct);
  job.output("accuracy", div(toReal(correct), at(targets.shape, 0)));
  return job.build();
};
