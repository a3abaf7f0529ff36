/**
 * All that a job reads, in its own folder, from the start of the training to the end of the last dispute: caches are pruned
 * and gateways forget, and whoever cannot show the inputs loses.
 */
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Column, Words } from "@assay/engine/backend";
import { isInFile, wordsOf } from "@assay/engine/columns/column";
import type { NamedWords } from "@assay/engine/data/safetensors";
import { writeTensors } from "@assay/engine/data/stream";
import type { NamedTensor } from "@assay/engine/ir/types";
import type { StartState } from "@assay/engine/trace/run";
import { encodeStateFile } from "@assay/engine/trace/state-file";
import type { Request } from "@assay/protocol/domain/messages";
import { AssayError } from "@assay/protocol/errors";
import type { ContentStore } from "@assay/storage/content";
import { zeroHash } from "viem";
import type { Chain } from "../chain/chain.ts";
import {
  checkedParent,
  checkedStart,
  fetchInputs,
  fetchParent,
  fetchProgram,
  fetchStart,
  readInputs,
  readProgram,
  type InputLimits,
  type JobInputs,
  type JobProgram,
} from "./inputs.ts";

/** Program, data, the parent's tensors, and the state to start from where there is one. */
export interface WholeInputs extends JobInputs {
  readonly parent: readonly Words[];
  readonly start: StartState | undefined;
}

export interface InputSources {
  readonly store: ContentStore;
  readonly request: Request;
  readonly limits: InputLimits;
  readonly chain: Pick<Chain, "startOf" | "parentOf">;
}

const FILES = {
  program: "program.json",
  data: "data.safetensors",
  parent: "parent.safetensors",
  start: "start.safetensors",
} as const;

const inputsFolder = (jobFolder: string): string => join(jobFolder, "inputs");

const named = (declared: readonly NamedTensor[], all: readonly Words[]): NamedWords[] =>
  declared.map(({ name, dtype, shape }, i) => {
    const words = all[i];
    if (words === undefined) throw new RangeError(`no tensor ${i}`);
    return { name, dtype, shape, words };
  });

/** Writes what is in memory. */
const writeInputs = async (folder: string, inputs: WholeInputs): Promise<void> => {
  const { program, programText, data, parent, start } = inputs;
  await writeFile(join(folder, FILES.program), programText);
  const columns = wordsOf(data);
  if (columns.length === data.length)
    await writeTensors(join(folder, FILES.data), named(program.data, columns));
  await writeTensors(join(folder, FILES.parent), named(program.parent, parent));
  if (start !== undefined)
    await writeFile(join(folder, FILES.start), encodeStateFile(program, start.state, {}));
};

/** Fetches them into their folder, which is there whole or not at all. */
const fetchKept = async (
  jobFolder: string,
  sources: InputSources,
  signal: AbortSignal,
): Promise<WholeInputs> => {
  const folder = inputsFolder(jobFolder);
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  const inputs = await fetchWhole(sources, join(part, FILES.data), signal);
  await writeInputs(part, inputs);
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
  const path = join(folder, FILES.data);
  const moved = (column: Column): Column => (isInFile(column) ? { ...column, path } : column);
  return { ...inputs, data: inputs.data.map(moved) };
};

const checkSize = async (path: string, maxBytes: number): Promise<void> => {
  const { size } = await stat(path);
  if (size > maxBytes)
    throw new AssayError("INPUTS_CHANGED", `${path} has ${size} bytes, more than was kept`, {
      remedy: "Nothing but the agent may write into its state folder.",
    });
};

const read = async (path: string, maxBytes: number): Promise<Uint8Array> => {
  await checkSize(path, maxBytes);
  return readFile(path);
};

async function* stream(
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await checkSize(path, maxBytes);
  const pieces = createReadStream(path, { highWaterMark: 2 ** 20, signal });
  yield* pieces as AsyncIterable<Uint8Array>;
}

const keptPath = (jobFolder: string, name: keyof typeof FILES): string =>
  join(inputsFolder(jobFolder), FILES[name]);

const readKept = async (
  jobFolder: string,
  { request, limits }: InputSources,
  signal: AbortSignal,
): Promise<WholeInputs> => {
  const path = (name: keyof typeof FILES): string => keptPath(jobFolder, name);
  const file = (name: keyof typeof FILES, maxBytes = limits.memoryBytes): Promise<Uint8Array> =>
    read(path(name), maxBytes);
  const data = (maxBytes: number) => stream(path("data"), maxBytes, signal);
  const inputs = await readInputs(
    {
      program: (maxBytes) => file("program", maxBytes),
      data,
      dataFile: (maxBytes) => ({ path: path("data"), pieces: data(maxBytes) }),
    },
    request,
    limits,
  );
  const { program } = inputs;
  return {
    ...inputs,
    parent:
      program.parent.length === 0
        ? []
        : checkedParent(await file("parent"), request, program.parent),
    start:
      request.startRoot === zeroHash
        ? undefined
        : checkedStart(await file("start"), request, program),
  };
};

const fetchWhole = async (
  { store, request, limits, chain }: InputSources,
  dataPath: string,
  signal: AbortSignal,
): Promise<WholeInputs> => {
  const inputs = await fetchInputs(store, request, limits, dataPath, signal);
  const { program } = inputs;
  return {
    ...inputs,
    parent: await fetchParent(store, request, program, chain.parentOf, signal),
    start: await fetchStart(store, request, program, chain.startOf, signal),
  };
};

/** Of each folder, what is done with it now: whatever else is asked about the same job waits for it. */
const turns = new Map<string, Promise<unknown>>();

const inTurn = <T>(folder: string, action: () => Promise<T>): Promise<T> => {
  const before = turns.get(folder) ?? Promise.resolve();
  const mine = before.catch(() => undefined).then(action);
  turns.set(folder, mine);
  const over = (): void => {
    if (turns.get(folder) === mine) turns.delete(folder);
  };
  mine.then(over, over);
  return mine;
};

/**
 * What a job reads, from its folder, or fetched and kept there. Kept files are checked as fetched ones are, and fetched again where
 * they have changed. Throws what fetching throws.
 */
export const jobInputs = (
  jobFolder: string,
  sources: InputSources,
  signal: AbortSignal,
): Promise<WholeInputs> =>
  inTurn(jobFolder, async () => {
    const kept = await readKept(jobFolder, sources, signal).catch(() => undefined);
    signal.throwIfAborted();
    return kept ?? fetchKept(jobFolder, sources, signal);
  });

/** The program alone, from the job's folder or fetched. Throws what fetching throws. */
export const jobProgram = async (
  jobFolder: string,
  { store, request }: Pick<InputSources, "store" | "request">,
  signal: AbortSignal,
): Promise<JobProgram> => {
  const path = keptPath(jobFolder, "program");
  const kept = { program: (maxBytes: number) => read(path, maxBytes) };
  return readProgram(kept, request).catch(() => fetchProgram(store, request, signal));
};
