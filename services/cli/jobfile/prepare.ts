/** From a job file to what a requester signs: program, roots, work. Everything here is recomputed by the provider. */
import { readFileSync } from "node:fs";
import { type Hex } from "viem";
import { AssayError } from "@assay/protocol/errors";
import type { ConstraintsWire } from "@assay/protocol/wire/description";
import { toWire } from "@assay/protocol/wire/scalars";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors, type NamedWords } from "@assay/engine/data/safetensors";
import { checkProgram } from "@assay/engine/ir/check";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { mlp } from "@assay/engine/models/mlp";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { parseAmount, type Token } from "../terminal/format.ts";
import { readJobFile } from "./read.ts";
import type { JobFile } from "./schema.ts";

export interface PreparedJob {
  readonly job: JobFile;
  readonly program: Program;
  readonly programRoot: Hex;
  readonly dataRoot: Hex;
  readonly seed: bigint;
  /** Work units; `total` is what the whole job comes to. */
  readonly units: {
    readonly init: bigint;
    readonly step: bigint;
    readonly eval: bigint;
    readonly total: bigint;
  };
  /** Token base units. */
  readonly maximum: bigint;
  readonly minCollateral: bigint | undefined;
  readonly statedLoss: bigint | undefined;
  readonly constraints: ConstraintsWire;
  /** The files as they are stored by content hash. */
  readonly programFile: Uint8Array;
  readonly dataFile: Uint8Array;
}

const columnOf = (tensors: readonly NamedWords[], name: string, rank: number): NamedWords => {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found === undefined || found.shape.length !== rank) {
    throw new AssayError(
      "DATA_COLUMN_MISSING",
      `the data set has no column ${name} of ${rank} dimensions`,
      {
        remedy: "an mlp needs train.x f32[rows, inputs], train.y i32[rows], heldout.x, heldout.y",
        details: {
          columns: tensors.map(
            (tensor) => `${tensor.name} ${tensor.dtype}[${tensor.shape.join(",")}]`,
          ),
        },
      },
    );
  }
  return found;
};

/** Classes are 0 … largest label. */
const classesOf = (labels: readonly NamedWords[]): number => {
  let largest = 0;
  for (const { words } of labels) for (const word of words) largest = Math.max(largest, word);
  return largest + 1;
};

const MOST_CLASSES = 65_536;

const buildProgram = (job: JobFile, tensors: readonly NamedWords[]): Program => {
  const trainX = columnOf(tensors, "train.x", 2);
  const trainY = columnOf(tensors, "train.y", 1);
  const heldOutX = columnOf(tensors, "heldout.x", 2);
  const heldOutY = columnOf(tensors, "heldout.y", 1);
  const classes = classesOf([trainY, heldOutY]);
  if (classes > MOST_CLASSES) {
    throw new AssayError("DATA_LABELS_INVALID", `the labels run to ${classes - 1}`, {
      remedy: "number the classes 0, 1, 2, … as i32",
    });
  }
  const { hidden, activation, dropout, initialScale } = job.model;
  const trainRows = trainX.shape[0] ?? 0;
  if (trainRows < job.batch) {
    throw new AssayError(
      "DATA_TOO_FEW_ROWS",
      `${trainRows} training rows do not fill a batch of ${job.batch}`,
      {
        remedy: "lower `batch` in the job file",
      },
    );
  }
  const steps = Math.max(1, Math.round(job.epochs * Math.floor(trainRows / job.batch)));
  return mlp({
    inputs: trainX.shape[1] ?? 0,
    hidden,
    outputs: classes,
    activation,
    // Absent options stay absent: presets tell them from zero.
    ...(dropout === undefined ? {} : { dropout }),
    ...(initialScale === undefined ? {} : { initialScale }),
    optimizer: job.optimizer as Parameters<typeof mlp>[0]["optimizer"],
    batch: job.batch,
    steps,
    interval: Math.min(steps, job.checkpointEvery),
    trainRows,
    heldOutRows: heldOutX.shape[0] ?? 0,
  });
};

/** Reads, builds, checks and measures a job. @throws `JOB_FILE_…`, `DATA_…`, `ENGINE_…` naming the place */
export const prepareJob = async (file: string, token: Token): Promise<PreparedJob> => {
  const { job, dataFile: dataPath } = readJobFile(file);
  let dataFile: Uint8Array;
  try {
    dataFile = readFileSync(dataPath);
  } catch (cause) {
    throw new AssayError("DATA_UNREADABLE", `cannot read the data set ${dataPath}`, {
      cause,
      remedy: "the path in `data:` is relative to the job file",
    });
  }
  const { tensors } = decodeSafetensors(dataFile);
  const program = buildProgram(job, tensors);
  checkProgram(program);
  const units = workUnits(program);
  const { limits } = job;
  return {
    job,
    program,
    programRoot: programRoot(nodeHasher, program),
    dataRoot: tensorListRoot(nodeHasher, selectTensors(tensors, program.data)),
    seed: BigInt(job.seed),
    units: { ...units, total: units.init + units.step * BigInt(program.steps) + units.eval },
    maximum: parseAmount(limits.maximum, token),
    minCollateral:
      limits.minCollateral === undefined ? undefined : parseAmount(limits.minCollateral, token),
    statedLoss: limits.statedLoss === undefined ? undefined : parseAmount(limits.statedLoss, token),
    constraints: toWire(job.constraints),
    programFile: new TextEncoder().encode(printProgram(program)),
    dataFile,
  };
};

/** What `POST /v1/quotes` takes for a job. */
export const quoteAskOf = ({
  units,
  program,
  job,
  maximum,
  minCollateral,
  statedLoss,
  constraints,
}: PreparedJob) => ({
  initUnits: units.init.toString(),
  stepUnits: units.step.toString(),
  evalUnits: units.eval.toString(),
  steps: program.steps,
  interval: program.interval,
  runTime: job.limits.runTime,
  maximum: maximum.toString(),
  ...(minCollateral === undefined ? {} : { minCollateral: minCollateral.toString() }),
  ...(statedLoss === undefined ? {} : { statedLoss: statedLoss.toString() }),
  constraints,
});
