/** From a job file to what a requester signs: program, roots, work. Everything here is recomputed by the provider. */
import { readFileSync } from "node:fs";
import { type Hex } from "viem";
import { AssayError } from "@assay/protocol/errors";
import type { ConstraintsWire } from "@assay/protocol/wire/description";
import { toWire } from "@assay/protocol/wire/scalars";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors, type NamedWords } from "@assay/engine/data/safetensors";
import { parametersOf } from "@assay/engine/trace/state-file";
import { checkProgram } from "@assay/engine/ir/check";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { parseAmount, type Token } from "../terminal/format.ts";
import { buildProgram } from "./program.ts";
import { readJobFile } from "./read.ts";
import type { JobFile } from "./schema.ts";

export interface PreparedJob {
  readonly job: JobFile;
  readonly program: Program;
  readonly programRoot: Hex;
  readonly dataRoot: Hex;
  /** Root of the parent model and its tensors; undefined for a job that starts from scratch. */
  readonly parent: { readonly root: Hex; readonly tensors: readonly NamedWords[] } | undefined;
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

/** The bytes of a data set. @throws `DATA_UNREADABLE` */
export const readData = (path: string): Uint8Array => {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AssayError("DATA_UNREADABLE", `cannot read the data set ${path}`, {
      cause,
      remedy: "the path in `data:` is relative to the job file",
    });
  }
};

/** The parameters in a model file. @throws `MODEL_UNREADABLE`, `ENGINE_SAFETENSORS_INVALID` */
export const readModel = (path: string): readonly NamedWords[] => {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new AssayError("MODEL_UNREADABLE", `cannot read the model ${path}`, {
      cause,
      remedy: "name a model.safetensors that `assay run` or `assay pull` fetched",
    });
  }
  return parametersOf(decodeSafetensors(bytes));
};

/** Reads, builds, checks and measures a job. @throws `JOB_FILE_…`, `DATA_…`, `ENGINE_…` naming the place */
export const prepareJob = async (file: string, token: Token): Promise<PreparedJob> => {
  const { job, dataFile: dataPath, parentFile } = readJobFile(file);
  const dataFile = readData(dataPath);
  const data = decodeSafetensors(dataFile);
  const parent = parentFile === undefined ? [] : readModel(parentFile);
  const program = buildProgram(job, data, parent);
  checkProgram(program);
  const units = workUnits(program);
  const { limits } = job;
  return {
    job,
    program,
    programRoot: programRoot(nodeHasher, program),
    dataRoot: tensorListRoot(nodeHasher, selectTensors(data.tensors, program.data)),
    parent:
      parent.length === 0
        ? undefined
        : { root: tensorListRoot(nodeHasher, parent), tensors: parent },
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
