/** From a job file to what a requester signs: program, roots, work. Everything here is recomputed by the provider. */
import { createReadStream, readFileSync } from "node:fs";
import { type Hex } from "viem";
import { AssayError } from "@assay/protocol/errors";
import type { ConstraintsWire } from "@assay/protocol/wire/description";
import { toWire } from "@assay/protocol/wire/scalars";
import { columnsAt } from "@assay/engine/columns/data-file";
import {
  type DataPlace,
  type MemoryGrant,
  placeData,
  tensorBytes,
} from "@assay/engine/columns/place";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors, type NamedWords } from "@assay/engine/data/safetensors";
import { type FileSummary, readColumns, scanTensors, summaryRoot } from "@assay/engine/data/stream";
import { parametersOf } from "@assay/engine/trace/state-file";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import type { Column, FileColumn } from "@assay/engine/backend";
import { checkProgram } from "@assay/engine/ir/check";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { ownGrant } from "./grant.ts";
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
  readonly auditLine: bigint | undefined;
  readonly constraints: ConstraintsWire;
  /** The program as it is stored by content hash. */
  readonly programFile: Uint8Array;
  /** Path of the data set, which may be larger than memory. */
  readonly dataFile: string;
  /** Where in it the columns are that the program reads. */
  readonly fileColumns: readonly FileColumn[];
  /** `file`: not even the largest machine has room for the data set in the memory that a program can have. */
  readonly dataPlace: DataPlace;
}

/** The bytes of a data set, in pieces. @throws `DATA_UNREADABLE` */
export async function* dataBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new AssayError("DATA_UNREADABLE", `cannot read the data set ${path}`, {
      cause,
      remedy: "the path in `data:` is relative to the job file",
    });
  }
}

/** What a data set holds. @throws `DATA_UNREADABLE`, `ENGINE_SAFETENSORS_INVALID` */
export const scanData = (path: string): Promise<FileSummary> => scanTensors(dataBytes(path));

/**
 * The columns that a job's program reads, for running it here: in memory where what is granted has room for them, else in their file.
 * @throws as {@link scanData}, `ENGINE_DATA_COLUMN`
 */
export const jobColumns = async (
  { dataFile, program, fileColumns }: Pick<PreparedJob, "dataFile" | "program" | "fileColumns">,
  grant: MemoryGrant = ownGrant(),
): Promise<readonly Column[]> =>
  placeData(program, grant).place === "memory"
    ? (await readColumns(dataBytes(dataFile), program.data)).map(({ words }) => words)
    : fileColumns;

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

/** Programs of less data and state than this are far from any limit, and are not compiled to find out. */
const SMALL_BYTES = 2 ** 30;

/**
 * Whether the program fits into the memory that a back end has, with its data set or without, before anything is posted or paid.
 * @throws `ENGINE_MEMORY_LIMIT`
 */
export const checkMemory = (program: Program): DataPlace => {
  const fixed = tensorBytes([...program.data, ...program.parent, ...program.state]);
  if (fixed <= SMALL_BYTES) return "memory";
  return placeData(program, { memoryBytes: Infinity, engine: PLAIN_ENGINE }).place ?? "memory";
};

/** Reads, builds, checks and measures a job. @throws `JOB_FILE_…`, `DATA_…`, `ENGINE_…` naming the place */
export const prepareJob = async (file: string, token: Token): Promise<PreparedJob> => {
  const { job, dataFile, parentFile } = readJobFile(file);
  const data = await scanData(dataFile);
  const parent = parentFile === undefined ? [] : readModel(parentFile);
  const program = buildProgram(job, data, parent);
  checkProgram(program);
  const dataPlace = checkMemory(program);
  const units = workUnits(program);
  const { limits } = job;
  return {
    job,
    program,
    programRoot: programRoot(nodeHasher, program),
    dataRoot: summaryRoot(data, program.data),
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
    auditLine: limits.audit === undefined ? undefined : parseAmount(limits.audit, token),
    constraints: toWire(job.constraints),
    programFile: new TextEncoder().encode(printProgram(program)),
    dataFile,
    dataPlace,
    fileColumns: columnsAt(dataFile, data, program.data),
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
  auditLine,
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
  ...(auditLine === undefined ? {} : { auditLine: auditLine.toString() }),
  constraints,
});
