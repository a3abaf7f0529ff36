/** Small programs of every preset, for comparing back ends, threads and versions of Node. */
import { noise } from "../autodiff/finite-differences.ts";
import type { Words } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { Program } from "../ir/types.ts";
import { cnn, LENET, residualBlocks } from "../models/cnn.ts";
import { mlp } from "../models/mlp.ts";
import { transformerLm } from "../models/transformer.ts";

const training = { batch: 16, steps: 3, interval: 3, trainRows: 40, heldOutRows: 24, outputs: 5 };
const adamw = { kind: "adamw", learningRate: 0.01, clipNorm: 1 } as const;

export const PRESETS: Readonly<Record<string, Program>> = {
  mlp: mlp({
    ...training,
    inputs: 96,
    hidden: [70, 64],
    activation: "gelu",
    dropout: 0.2,
    optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0.9 },
  }),
  LeNet: cnn({
    ...training,
    ...LENET,
    image: { height: 20, width: 20, channels: 1 },
    activation: "relu",
    optimizer: adamw,
  }),
  "residual network": cnn({
    ...training,
    image: { height: 10, width: 10, channels: 2 },
    blocks: residualBlocks([6, 8], 1),
    hidden: [],
    activation: "silu",
    optimizer: adamw,
  }),
  "transformer-lm": transformerLm({
    vocabulary: 20,
    context: 16,
    width: 32,
    layers: 2,
    heads: 4,
    dropout: 0.1,
    optimizer: adamw,
    batch: 8,
    steps: 3,
    interval: 3,
    trainTokens: 200,
    heldOutTokens: 100,
  }),
};

/** Data for a program: noise, and small whole numbers where it reads labels or tokens. */
export const columnsOf = (program: Program): Words[] =>
  program.data.map(({ dtype, shape }, k) => {
    const values = noise(elements(shape), k + 1);
    return dtype === "f32"
      ? new Uint32Array(Float32Array.from(values).buffer)
      : Uint32Array.from(values, (v) => Math.floor(2.5 * (v + 1)));
  });
