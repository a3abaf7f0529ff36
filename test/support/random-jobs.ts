/** Training jobs drawn at random, as the files that a person would write. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { column, splitRows, takeRows } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";

export interface RandomJob {
  readonly inputs: number;
  readonly classes: number;
  readonly rows: number;
  /** Seed of the data set. */
  readonly data: number;
  readonly hidden: readonly number[];
  readonly activation: string;
  readonly dropout: number | undefined;
  readonly optimizer: Readonly<Record<string, unknown>>;
  readonly batch: number;
  readonly steps: number;
  readonly checkpointEvery: number;
  readonly seed: number;
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const rate = fc.double({ min: 1e-4, max: 0.1, noNaN: true });
const schedule = maybe(
  fc.oneof(
    fc.record({ kind: fc.constant("cosine"), warmup: fc.nat(5) }),
    fc.record({
      kind: fc.constant("step"),
      every: fc.integer({ min: 5, max: 50 }),
      factor: fc.constant(0.5),
    }),
  ),
);
const clipNorm = maybe(fc.double({ min: 0.1, max: 5, noNaN: true }));

const optimizer: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.oneof(
  fc.record({ kind: fc.constant("sgd"), learningRate: rate, schedule, clipNorm }),
  fc.record({
    kind: fc.constant("sgd"),
    learningRate: rate,
    momentum: fc.double({ min: 0.1, max: 0.95, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("adamw"),
    learningRate: rate,
    weightDecay: maybe(fc.double({ min: 0, max: 0.1, noNaN: true })),
    schedule,
  }),
);

const job: fc.Arbitrary<RandomJob> = fc.record({
  inputs: fc.integer({ min: 1, max: 40 }),
  classes: fc.integer({ min: 2, max: 7 }),
  rows: fc.integer({ min: 80, max: 400 }),
  data: fc.nat(),
  hidden: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
  activation: fc.constantFrom("relu", "gelu", "tanh", "sigmoid", "silu"),
  dropout: maybe(fc.double({ min: 0.05, max: 0.6, noNaN: true })),
  optimizer,
  batch: fc.integer({ min: 1, max: 60 }),
  steps: fc.integer({ min: 20, max: 240 }),
  checkpointEvery: fc.integer({ min: 7, max: 120 }),
  seed: fc.maxSafeNat(),
});

/** The same jobs for the same seed. */
export const drawJobs = (count: number, seed: number): RandomJob[] =>
  fc.sample(fc.noBias(job), { numRuns: count, seed });

/** Numbers in [0, 1) from a linear congruence: spread well enough for a data set. */
const uniform = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** Points around one centre per class: something to learn, in any number of dimensions. */
const dataSet = ({ inputs, classes, rows, data }: RandomJob): Uint8Array => {
  const next = uniform(data);
  const centres = Array.from({ length: classes * inputs }, () => 2 * next() - 1);
  const labels = Array.from({ length: rows }, (_, row) => row % classes);
  const points = Array.from({ length: rows * inputs }, (_, at) => {
    const label = labels[Math.floor(at / inputs)]!;
    return centres[label * inputs + (at % inputs)]! + next() - 0.5;
  });
  const features = column("x", { dtype: "f32", shape: [rows, inputs] }, points);
  const classOf = column("y", { dtype: "i32", shape: [rows] }, labels);
  const { train, heldOut } = splitRows(rows, 5);
  return encodeSafetensors([
    takeRows(features, train, "train.x"),
    takeRows(classOf, train, "train.y"),
    takeRows(features, heldOut, "heldout.x"),
    takeRows(classOf, heldOut, "heldout.y"),
  ]);
};

export interface WriteOptions {
  readonly maximum: string;
  readonly constraints?: Readonly<Record<string, unknown>>;
  /** Seconds from agreement to submission; 600 unless told. */
  readonly runTime?: number;
  /** Tokens for auditors; none unless told. */
  readonly audit?: string | undefined;
}

/** Writes data set and job file into a new folder; returns the job file. */
export const writeJob = (
  folder: string,
  drawn: RandomJob,
  { maximum, constraints = {}, runTime = 600, audit }: WriteOptions,
): string => {
  const {
    hidden,
    activation,
    dropout,
    optimizer: how,
    batch,
    steps,
    checkpointEvery,
    seed,
  } = drawn;
  const trainRows = drawn.rows - Math.floor(drawn.rows / 5);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "data.safetensors"), dataSet(drawn));
  const file = join(folder, "job.yaml");
  // JSON is YAML too.
  const text = JSON.stringify({
    name: "drawn at random",
    model: { preset: "mlp", hidden, activation, dropout },
    optimizer: how,
    batch,
    epochs: steps / Math.floor(trainRows / batch),
    checkpointEvery,
    seed,
    data: "data.safetensors",
    limits: { maximum, runTime, patience: 600, audit },
    constraints,
  });
  writeFileSync(file, `${text}\n`);
  return file;
};
