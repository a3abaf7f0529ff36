/** Preset: an image classifier of convolutions, pooling and residual blocks, then dense layers. */
import { at, elements } from "../builder/access.ts";
import { add } from "../builder/elementwise.ts";
import type { F32 } from "../builder/graph.ts";
import { ProgramBuilder } from "../builder/program.ts";
import { reshape, windowCount, type WindowOptions } from "../builder/views.ts";
import type { Program } from "../ir/types.ts";
import {
  averagePool2d,
  type Conv2dOptions,
  convolution,
  globalAveragePool,
  maxPool2d,
  type PoolOptions,
} from "./convolution.ts";
import { ACTIVATIONS, type Activation, initializerFor, Model } from "./layers.ts";
import { denseStack } from "./mlp.ts";
import { batchNorm } from "./normalization.ts";
import { classify, type Forward, stepsOf, type TrainingOptions } from "./training.ts";

export type Block =
  /** Convolution, batch norm when asked for, activation. */
  | ({
      readonly kind: "convolution";
      readonly filters: number;
      readonly size: number;
      readonly batchNorm?: boolean;
    } & Conv2dOptions)
  | ({ readonly kind: "maxPool" | "averagePool" } & PoolOptions)
  /** Mean over height and width. */
  | { readonly kind: "globalPool" }
  /** Two 3×3 convolutions with batch norm beside a shortcut (He et al., 2016, basic block). */
  | { readonly kind: "residual"; readonly filters: number; readonly stride?: number };

export interface CnnOptions extends TrainingOptions {
  /** A row of `train.x` is an image: rows of pixels, a pixel's channels side by side. */
  readonly image: { readonly height: number; readonly width: number; readonly channels: number };
  readonly blocks: readonly Block[];
  /** Widths of the dense layers between the blocks and the classes. */
  readonly hidden: readonly number[];
  /** Classes. */
  readonly outputs: number;
  readonly activation: Activation;
  readonly dropout?: number;
  readonly initialScale?: number;
}

/** LeNet-5's shape with max pooling (LeCun et al., 1998), for 28×28 images. */
export const LENET: Pick<CnnOptions, "blocks" | "hidden"> = {
  blocks: [
    { kind: "convolution", filters: 6, size: 5, padding: 2 },
    { kind: "maxPool", size: 2 },
    { kind: "convolution", filters: 16, size: 5 },
    { kind: "maxPool", size: 2 },
  ],
  hidden: [120, 84],
};

/** A residual network of `stages`, each with `depth` blocks; every stage after the first halves the image. */
export const residualBlocks = (stages: readonly number[], depth: number): Block[] => [
  { kind: "convolution", filters: stages[0] ?? 16, size: 3, padding: 1, batchNorm: true },
  ...stages.flatMap((filters, stage) =>
    Array.from({ length: depth }, (_, k): Block => ({
      kind: "residual",
      filters,
      stride: stage > 0 && k === 0 ? 2 : 1,
    })),
  ),
  { kind: "globalPool" },
];

type Shapes = Omit<CnnOptions, keyof TrainingOptions>;

interface Made {
  readonly forward: Forward;
  /** Channels that come out. */
  readonly channels: number;
}

const convolutionOf = (
  model: Model,
  name: string,
  channels: number,
  block: Extract<Block, { kind: "convolution" }>,
  options: Shapes,
): Forward => {
  const { activation, initialScale } = options;
  const layer = convolution(model, name, {
    ...block,
    channels,
    bias: !block.batchNorm,
    initializer: initializerFor(activation, initialScale),
  });
  if (!block.batchNorm) return layer;
  const norm = batchNorm(model, `${name}.norm`, block.filters);
  return (x, training) => norm(layer(x), training);
};

const residual = (
  model: Model,
  name: string,
  channels: number,
  block: Extract<Block, { kind: "residual" }>,
  options: Shapes,
): Forward => {
  const { filters, stride = 1 } = block;
  const part = (suffix: string, from: number, size: number, step: number): Forward =>
    convolutionOf(
      model,
      `${name}.${suffix}`,
      from,
      { kind: "convolution", filters, size, stride: step, padding: size >> 1, batchNorm: true },
      options,
    );
  const first = part("first", channels, 3, stride);
  const second = part("second", filters, 3, 1);
  const shortcut: Forward =
    stride === 1 && channels === filters ? (x) => x : part("shortcut", channels, 1, stride);
  const act = ACTIVATIONS[options.activation];
  return (x, training) =>
    act(add(second(act(first(x, training)), training), shortcut(x, training)));
};

const make = (
  model: Model,
  name: string,
  channels: number,
  block: Block,
  options: Shapes,
): Made => {
  switch (block.kind) {
    case "convolution": {
      const layer = convolutionOf(model, name, channels, block, options);
      const act = ACTIVATIONS[options.activation];
      return { channels: block.filters, forward: (x, training) => act(layer(x, training)) };
    }
    case "residual":
      return {
        channels: block.filters,
        forward: residual(model, name, channels, block, options),
      };
    case "globalPool":
      return { channels, forward: globalAveragePool };
    default: {
      const pool = block.kind === "maxPool" ? maxPool2d : averagePool2d;
      return { channels, forward: (x) => pool(x, block) };
    }
  }
};

/** Shape of one row after the blocks. */
const featuresOf = ({ image, blocks }: Pick<CnnOptions, "image" | "blocks">): number[] => {
  let [height, width, channels] = [image.height, image.width, image.channels];
  for (const block of blocks) {
    if (block.kind === "globalPool") [height, width] = [1, 1];
    else {
      const side = sideOf(block);
      [height, width] = [windowCount(height, side), windowCount(width, side)];
    }
    if ("filters" in block) channels = block.filters;
  }
  return [height, width, channels];
};

/** How a block moves over height and width. */
const sideOf = (block: Exclude<Block, { kind: "globalPool" }>): WindowOptions => {
  if (block.kind === "residual") return { size: 3, stride: block.stride ?? 1, before: 1, after: 1 };
  const { padding = 0, size } = block;
  const stride = block.stride ?? (block.kind === "convolution" ? 1 : size);
  const dilation = block.kind === "convolution" ? (block.dilation ?? 1) : 1;
  return { size, stride, dilation, before: padding, after: padding };
};

/** Rows of pixels to logits. Throws ENGINE_GRAPH for sizes that do not fit. */
export const cnnForward = (model: Model, options: Shapes): Forward => {
  const { height, width, channels } = options.image;
  let depth = channels;
  const blocks = options.blocks.map((block, k) => {
    const made = make(model, `block${k + 1}`, depth, block, options);
    depth = made.channels;
    return made.forward;
  });
  const body: Forward = (rows, training) =>
    blocks.reduce<F32>(
      (x, block) => block(x, training),
      reshape(rows, [-1, height, width, channels]),
    );
  const inputs = elements(featuresOf(options));
  const head = denseStack(model, "layer", { ...options, inputs });
  return (rows, training) => {
    const x = body(rows, training);
    return head(reshape(x, [at(x.shape, 0), inputs]), training);
  };
};

/**
 * Program over the columns `train.x` f32[trainRows, height·width·channels], `train.y`, `heldout.x`, `heldout.y`, as
 * `mlp`'s. Throws ENGINE_GRAPH for sizes that do not fit.
 */
export const cnn = (options: CnnOptions): Program => {
  const { height, width, channels } = options.image;
  const job = new ProgramBuilder({ steps: stepsOf(options), interval: options.interval });
  const model = new Model(job, options.tuning);
  classify(model, [height * width * channels], cnnForward(model, options), options);
  return job.build();
};
