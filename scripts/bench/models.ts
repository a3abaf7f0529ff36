/**
 * What models reach on real data: `node scripts/bench/models.ts [mlp|dropout|lenet|transformer] [seeds]`, all of them and
 * five seeds unless told; `--json` prints figures on the last line. Held-out accuracy of MNIST (8,000 to 2,000 rows), and
 * held-out perplexity of a character transformer on Solidity beside a Kneser–Ney model with five characters of context.
 */
import { loadavg } from "node:os";
import type { Words } from "@assay/engine/backend";
import type { Program } from "@assay/engine/ir/types";
import { cnn, LENET } from "@assay/engine/models/cnn";
import { mlp, type MlpOptions } from "@assay/engine/models/mlp";
import { transformerLm } from "@assay/engine/models/transformer";
import { wideWasmBackend } from "@assay/engine/wasm/backend";
import { MNIST_CLASSES, MNIST_PIXELS, readMnist } from "../datasets/mnist.ts";
import { readSolidity } from "../datasets/solidity.ts";
import { createFigures } from "./figures.ts";
import { kneserNeyLoss } from "./kneser-ney.ts";

const ORDER = 5;

interface Bench {
  readonly metric: "accuracy" | "perplexity";
  /** Least accuracy of the median seed, or most perplexity of it, as a share of the baseline's. */
  readonly goal: number;
  readonly baseline?: number;
  readonly program: Program;
  readonly data: readonly Words[];
  /** For people. */
  readonly about: string;
}

const mnist = (): readonly Words[] => readMnist().map(({ words }) => words);

const classifier = {
  outputs: MNIST_CLASSES,
  activation: "relu",
  interval: 1000,
  trainRows: 8000,
  heldOutRows: 2000,
} as const;

const perceptron = (width: number, options: Partial<MlpOptions>): Program =>
  mlp({
    ...classifier,
    inputs: MNIST_PIXELS,
    hidden: [width],
    initialScale: 0.5,
    optimizer: {
      kind: "sgd",
      learningRate: 0.1,
      momentum: 0.9,
      weightDecay: 0.001,
      schedule: { kind: "cosine", warmup: 125 },
    },
    batch: 32,
    epochs: 10,
    ...options,
  });

const BENCHES: Readonly<Record<string, () => Promise<Bench> | Bench>> = {
  mlp: () => ({
    metric: "accuracy",
    goal: 0.958,
    program: perceptron(256, {}),
    data: mnist(),
    about: "784-256-10, 10 epochs",
  }),
  dropout: () => ({
    metric: "accuracy",
    goal: 0.965,
    program: perceptron(512, {
      inputDropout: 0.1,
      dropout: 0.3,
      epochs: 30,
      optimizer: {
        kind: "sgd",
        learningRate: 0.1,
        momentum: 0.9,
        weightDecay: 0.0003,
        schedule: { kind: "cosine", warmup: 125 },
      },
    }),
    data: mnist(),
    about: "784-512-10 with dropout of pixels and of hidden units, 30 epochs",
  }),
  lenet: () => ({
    metric: "accuracy",
    goal: 0.98,
    program: cnn({
      ...classifier,
      ...LENET,
      image: { height: 28, width: 28, channels: 1 },
      optimizer: {
        kind: "adamw",
        learningRate: 0.003,
        schedule: { kind: "cosine", warmup: 100, floor: 0.01 },
      },
      batch: 64,
      epochs: 10,
    }),
    data: mnist(),
    about: "LeNet, 10 epochs",
  }),
  transformer: async () => {
    const { vocabulary, train, heldOut } = await readSolidity();
    const baseline = Math.exp(kneserNeyLoss(train, heldOut, vocabulary, ORDER));
    return {
      metric: "perplexity",
      goal: 1,
      baseline,
      program: transformerLm({
        vocabulary,
        context: 128,
        width: 128,
        layers: 4,
        heads: 4,
        optimizer: {
          kind: "adamw",
          learningRate: 0.003,
          clipNorm: 1,
          schedule: { kind: "cosine", warmup: 100, floor: 0.02 },
        },
        batch: 16,
        steps: 3000,
        interval: 1000,
        trainTokens: train.length,
        heldOutTokens: heldOut.length,
      }),
      data: [train, heldOut],
      about: `4 layers, width 128, context 128; Kneser–Ney of order ${ORDER}: ${baseline.toFixed(3)}`,
    };
  },
};

const trained = async ({ program, data, metric }: Bench, seed: number): Promise<number> => {
  const execution = await wideWasmBackend.prepare(program, {
    data,
    parent: [],
    seed: BigInt(seed),
  });
  execution.init();
  execution.run(program.steps);
  const at = program.outputs.findIndex(({ name }) => name === metric);
  const words = execution.evaluate()[at];
  execution.close();
  return words === undefined
    ? Number.NaN
    : (new Float32Array(words.slice().buffer)[0] ?? Number.NaN);
};

const given = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const names = given.filter((word) => word in BENCHES);
const seeds = Number(given.find((word) => /^[0-9]+$/.test(word)) ?? 5);
const { note, finish } = createFigures();
for (const name of names.length > 0 ? names : Object.keys(BENCHES)) {
  const bench = await BENCHES[name]?.();
  if (bench === undefined) continue;
  const { metric, goal, baseline, about } = bench;
  const values: number[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const begun = performance.now();
    const value = await trained(bench, seed);
    values.push(value);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    console.log(
      `${name} seed ${seed}: ${metric} ${value.toFixed(4)}  ${seconds} s  load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  const median = values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
  console.log(`${name}: ${about}`);
  if (baseline === undefined) note(name, median, metric, { goal: { least: goal } });
  else note(name, median, metric, { baseline, goal: { most: goal } });
}
finish();
