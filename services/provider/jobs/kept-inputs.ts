/**
 * All that a job reads, in its own folder, from the start of the training to the end of the last dispute: caches are pruned
 * and gateways forget, and whoever cannot show the inputs loses.
 */
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Words } from "@assay/engine/backend";
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
  fetchStart,
  readInputs,
  type InputLimits,
  type JobInputs,
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

/** Writes them whole or not at all. */
const keep = async (jobFolder: string, inputs: WholeInputs): Promise<void> => {
  const { program, programText, data, parent, start } = inputs;
  const folder = inputsFolder(jobFolder);
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  await writeFile(join(part, FILES.program), programText);
  await writeTensors(join(part, FILES.data), named(program.data, data));
  await writeTensors(join(part, FILES.parent), named(program.parent, parent));
  if (start !== undefined)
    await writeFile(join(part, FILES.start), encodeStateFile(program, start.state, {}));
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
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

async function* stream(path: string, maxBytes: number): AsyncGenerator<Uint8Array> {
  await checkSize(path, maxBytes);
  yield* createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>;
}

const readKept = async (
  jobFolder: string,
  { request, limits }: InputSources,
): Promise<WholeInputs> => {
  const file = (name: keyof typeof FILES, maxBytes = limits.memoryBytes): Promise<Uint8Array> =>
    read(join(inputsFolder(jobFolder), FILES[name]), maxBytes);
  const inputs = await readInputs(
    {
      program: (maxBytes) => file("program", maxBytes),
      data: (maxBytes) => stream(join(inputsFolder(jobFolder), FILES.data), maxBytes),
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
  signal: AbortSignal,
): Promise<WholeInputs> => {
  const inputs = await fetchInputs(store, request, limits, signal);
  const { program } = inputs;
  return {
    ...inputs,
    parent: await fetchParent(store, request, program, chain.parentOf, signal),
    start: await fetchStart(store, request, program, chain.startOf, signal),
  };
};

/**
 * What a job reads, from its folder, or fetched and kept there. Kept files are checked as fetched ones are, and fetched again where
 * they have changed. Throws what fetching throws.
 */
export const jobInputs = async (
  jobFolder: string,
  sources: InputSources,
  signal: AbortSignal,
): Promise<WholeInputs> => {
  const kept = await readKept(jobFolder, sources).catch(() => undefined);
  if (kept !== undefined) return kept;
  const inputs = await fetchWhole(sources, signal);
  await keep(jobFolder, inputs);
  return inputs;
};
