/** Where a job's data set lies while it runs: in memory where there is room, else in a file, as far as its program allows. */
import { isAssayError } from "@assay/protocol/errors";
import { elements } from "../ir/shape.ts";
import type { Program, TensorType } from "../ir/types.ts";
import { type EngineSettings, memoryOf } from "../wasm/settings.ts";
import { stageProgram } from "./program.ts";

export type DataPlace = "memory" | "file";

export interface MemoryNeed {
  /** Undefined where there is not enough memory for either. */
  readonly place: DataPlace | undefined;
  /** Bytes of memory that the job takes so; the least of both where there is not enough. */
  readonly needed: number;
}

export const tensorBytes = (tensors: readonly TensorType[]): number =>
  tensors.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

/** What a job may use, and how it will be run: its memory depends on that. */
export interface MemoryGrant {
  readonly memoryBytes: number;
  readonly engine: EngineSettings;
}

/** Two copies of the state are on their way to a checkpoint beside what the program runs in. */
const stateCopies = (program: Program): number => 2 * tensorBytes(program.state);

/** With the data as columns here and on their way to the thread; infinite beyond what a WebAssembly memory holds. */
const inMemory = (program: Program, engine: EngineSettings): number => {
  try {
    return memoryOf(program, engine) + 2 * tensorBytes(program.data) + stateCopies(program);
  } catch (error) {
    if (isAssayError(error, "ENGINE_MEMORY_LIMIT")) return Infinity;
    throw error;
  }
};

const onFile = (program: Program, engine: EngineSettings): number =>
  memoryOf(stageProgram(program, () => true).program, engine) + stateCopies(program);

/**
 * Where the data set of a job can lie. Throws ENGINE_MEMORY_LIMIT where what it takes without its data set
 * is beyond what a WebAssembly memory holds.
 */
export const placeData = (program: Program, { memoryBytes, engine }: MemoryGrant): MemoryNeed => {
  const whole = inMemory(program, engine);
  if (whole <= memoryBytes && whole < Infinity) return { place: "memory", needed: whole };
  const staged = onFile(program, engine);
  const file = program.data.length > 0 && staged <= memoryBytes;
  return file
    ? { place: "file", needed: staged }
    : { place: undefined, needed: Math.min(whole, staged) };
};
