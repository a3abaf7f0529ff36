/** The programs that the engine's speed is measured on, with columns of the right shapes. */
import type { Inputs } from "@assay/engine/backend";
import { ProgramBuilder } from "@assay/engine/builder/program";
import { contract } from "@assay/engine/builder/reduce";
import { elements } from "@assay/engine/ir/shape";
import type { Program } from "@assay/engine/ir/types";
import { cnn, LENET } from "@assay/engine/models/cnn";
import { zeros } from "@assay/engine/models/initial";
import { mlp } from "@assay/engine/models/mlp";
import { transformerLm } from "@assay/engine/models/transformer";

const ROWS = 4096;
export const BATCH = 64;
const MANY_STEPS = 1_000_000;
const length = { steps: MANY_STEPS, interval: 1000 };

export const matmulProgram = (n: number): Program => {
  const job = new ProgramBuilder(length);
  const out = job.state("out", zeros([n, n]), { parameter: true });
  const a = job.data("a", "f32", [n, n]);
  const b = job.data("b", "f32", [n, n]);
  job.update(out, contract("ik,kj->ij", a, b));
  return job.build();
};

const classifier = {
  ...length,
  outputs: 10,
  activation: "relu",
  batch: BATCH,
  trainRows: ROWS,
  heldOutRows: 64,
} as const;

/** 784-256-10, batch 64, plain gradient descent. */
export const mlpProgram = (): Program =>
  mlp({
    ...classifier,
    inputs: 784,
    hidden: [256],
    optimizer: { kind: "sgd", learningRate: 0.05 },
  });

/** LeNet, batch 64, AdamW. */
export const lenetProgram = (): Program =>
  cnn({
    ...classifier,
    ...LENET,
    image: { height: 28, width: 28, channels: 1 },
    optimizer: { kind: "adamw", learningRate: 0.001 },
  });

/** 4 layers, width 128, context 128, batch 16, AdamW with clipping. */
export const transformerProgram = (): Program =>
  transformerLm({
    ...length,
    vocabulary: 96,
    context: 128,
    width: 128,
    layers: 4,
    heads: 4,
    optimizer: { kind: "adamw", learningRate: 0.001, clipNorm: 1 },
    batch: 16,
    trainTokens: 20_000,
    heldOutTokens: 129,
  });

/** Noise for features, small whole numbers for labels and tokens. */
export const inputsOf = (program: Program): Inputs => ({
  data: program.data.map(({ dtype, shape }) => {
    const count = elements(shape);
    return dtype === "f32"
      ? new Uint32Array(
          Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898)).buffer,
        )
      : Uint32Array.from({ length: count }, (_, i) => (i * 7) % 10);
  }),
  parent: [],
  seed: 1n,
});
