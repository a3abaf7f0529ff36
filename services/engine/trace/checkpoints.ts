/** Checkpoint files: the whole state as safetensors, with the roots so far, so that a restart needs nothing else. */
import { mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Hex } from "@assay/protocol/commitments/hash";
import { AssayError } from "@assay/protocol/errors";
import { selectTensors } from "../data/dataset.ts";
import { decodeSafetensors, encodeSafetensors } from "../data/safetensors.ts";
import { programRoot } from "../ir/root.ts";
import type { Program } from "../ir/types.ts";
import { nodeHasher } from "./hasher.ts";
import { stateRoot } from "./roots.ts";
import type { ResumePoint } from "./run.ts";

const FORMAT = "assay-checkpoint/1";
/** Bytes of a header: it holds every root so far, 67 bytes each, as one text, which is fast to parse. */
const HEADER_LIMIT = 100_000_000;
const NAME = /^checkpoint-(\d{10})\.safetensors$/;

export interface Checkpoint extends ResumePoint {
  readonly step: number;
}

const failure = (code: string, path: string, message: string, cause?: unknown): AssayError =>
  new AssayError(code, `${path}: ${message}`, {
    remedy: "Delete the file and resume from an earlier checkpoint.",
    details: { path },
    cause,
  });

/** Path of the checkpoint of a step. */
export const checkpointPath = (folder: string, step: number): string =>
  join(folder, `checkpoint-${String(step).padStart(10, "0")}.safetensors`);

/** Writes a checkpoint whole or not at all, and returns its path. */
export async function saveCheckpoint(
  folder: string,
  program: Program,
  checkpoint: Checkpoint,
): Promise<string> {
  const tensors = program.state.map(({ name, dtype, shape }, i) => {
    const words = checkpoint.state[i];
    if (words === undefined) throw new RangeError(`no state tensor ${i}`);
    return { name, dtype, shape, words };
  });
  const bytes = encodeSafetensors(tensors, {
    format: FORMAT,
    program: programRoot(nodeHasher, program),
    step: String(checkpoint.step),
    roots: checkpoint.roots.join(" "),
  });
  await mkdir(folder, { recursive: true });
  const path = checkpointPath(folder, checkpoint.step);
  const file = await open(`${path}.part`, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  return path;
}

/**
 * Reads a checkpoint and checks its state against the last of its roots. Throws ENGINE_CHECKPOINT_CORRUPT, or
 * ENGINE_CHECKPOINT_PROGRAM for a checkpoint of another program.
 */
export async function loadCheckpoint(path: string, program: Program): Promise<Checkpoint> {
  const corrupt = (message: string, cause?: unknown) =>
    failure("ENGINE_CHECKPOINT_CORRUPT", path, message, cause);
  const bytes = await readFile(path);
  const file = (() => {
    try {
      return decodeSafetensors(bytes, { maxHeaderBytes: HEADER_LIMIT });
    } catch (cause) {
      throw corrupt("is not whole", cause);
    }
  })();
  const { format, program: root, step = "", roots = "" } = file.metadata;
  if (format !== FORMAT || !/^\d+$/.test(step)) throw corrupt("is not a checkpoint");
  if (root !== programRoot(nodeHasher, program)) {
    throw failure("ENGINE_CHECKPOINT_PROGRAM", path, "belongs to another program");
  }
  const state = selectTensors(file.tensors, program.state).map((tensor) => tensor.words);
  const list = roots.split(" ") as Hex[];
  if (stateRoot(program, state) !== list.at(-1)) throw corrupt("does not have the root it claims");
  return { step: Number(step), roots: list, state };
}

/** The newest checkpoint of a folder, before step `below`, that is whole; undefined when there is none. Skips corrupt ones. */
export async function latestCheckpoint(
  folder: string,
  program: Program,
  below = Number.POSITIVE_INFINITY,
): Promise<Checkpoint | undefined> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  for (const name of names
    .filter((entry) => Number(NAME.exec(entry)?.[1] ?? Number.NaN) < below)
    .sort()
    .toReversed()) {
    try {
      return await loadCheckpoint(join(folder, name), program);
    } catch (error) {
      if (!(error instanceof AssayError && error.code === "ENGINE_CHECKPOINT_CORRUPT")) throw error;
    }
  }
  return undefined;
}
