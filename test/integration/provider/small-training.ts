/** A classifier so small that it is trained within seconds, and data for it. */
import { column } from "@assay/engine/data/dataset";
import type { Program } from "@assay/engine/ir/types";
import { mlp } from "@assay/engine/models/mlp";

const ROWS = 64;
const HELD_OUT = 16;
const FEATURES = 8;
const CLASSES = 3;

const wave = (count: number, shift: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.sin(i * 0.37 + shift));
const labels = (count: number): number[] => Array.from({ length: count }, (_, i) => i % CLASSES);

/** The program, and the columns of its data file. */
export const smallTraining = ({
  steps,
  interval,
  hidden,
}: {
  readonly steps: number;
  readonly interval: number;
  readonly hidden: number;
}): { program: Program; file: ReturnType<typeof column>[] } => ({
  program: mlp({
    inputs: FEATURES,
    hidden: [hidden],
    outputs: CLASSES,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.05 },
    batch: 16,
    interval,
    steps,
    trainRows: ROWS,
    heldOutRows: HELD_OUT,
  }),
  file: [
    column("train.x", { dtype: "f32", shape: [ROWS, FEATURES] }, wave(ROWS * FEATURES, 0)),
    column("train.y", { dtype: "i32", shape: [ROWS] }, labels(ROWS)),
    column(
      "heldout.x",
      { dtype: "f32", shape: [HELD_OUT, FEATURES] },
      wave(HELD_OUT * FEATURES, 1),
    ),
    column("heldout.y", { dtype: "i32", shape: [HELD_OUT] }, labels(HELD_OUT)),
  ],
});
