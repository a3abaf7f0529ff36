/** A tiny program of every preset with data, small enough for every op of a step to be disputed in a test. */
import { noise } from "../autodiff/finite-differences.ts";
import type { Words } from "../backend.ts";
import type { Program } from "../ir/types.ts";
import { cnn } from "../models/cnn.ts";
import { mlp } from "../models/mlp.ts";
import { transformerLm } from "../models/transformer.ts";

const f32 = (values: readonly number[]): Words => new Uint32Array(Float32Array.from(values).buffer);
const i32 = (values: readonly number[]): Words => new Uint32Array(Int32Array.from(values).buffer);

const labels = (rows: number) => i32(Array.from({ length: rows }, (_, row) => row % 3));
const rows = (width: number): Words[] => [
  f32(noise(16 * width, 1)),
  labels(16),
  f32(noise(8 * width, 2)),
  labels(8),
];
const tokens = (length: number) => i32(noise(length, 3).map((v) => Math.floor(3.5 * (v + 1))));

const training = { batch: 4, steps: 2, interval: 2, trainRows: 16, heldOutRows: 8, outputs: 3 };
const adamw = { kind: "adamw", learningRate: 0.01, clipNorm: 1 } as const;

interface SmallPreset {
  readonly program: Program;
  readonly data: readonly Words[];
}

export const SMALL_PRESETS = {
  "mlp with dropout and momentum": {
    program: mlp({
      ...training,
      inputs: 12,
      hidden: [9],
      activation: "gelu",
      dropout: 0.2,
      optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0.9 },
    }),
    data: rows(12),
  },
  "cnn with AdamW": {
    program: cnn({
      ...training,
      image: { height: 6, width: 6, channels: 1 },
      blocks: [
        { kind: "convolution", filters: 3, size: 3, padding: 1 },
        { kind: "maxPool", size: 2 },
      ],
      hidden: [],
      activation: "relu",
      optimizer: adamw,
    }),
    data: rows(36),
  },
  "transformer-lm with AdamW": {
    program: transformerLm({
      vocabulary: 7,
      context: 6,
      width: 8,
      layers: 1,
      heads: 2,
      optimizer: adamw,
      batch: 2,
      steps: 2,
      interval: 2,
      trainTokens: 60,
      heldOutTokens: 20,
    }),
    data: [tokens(60), tokens(20)],
  },
} as const satisfies Readonly<Record<string, SmallPreset>>;
