/** Fetches what a job was made from, from the content store alone, and holds it against the roots on chain. */
import { createReadStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Column, Words } from "@assay/engine/backend";
import { newDataFile, placeColumns } from "@assay/engine/columns/data-file";
import { type DataPlace, placeData, tensorBytes } from "@assay/engine/columns/place";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { readColumns } from "@assay/engine/data/stream";
import { checkProgram } from "@assay/engine/ir/check";
import { parseProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoot } from "@assay/engine/trace/roots";
import type { StartState } from "@assay/engine/trace/run";
import { decodeStateFile, parametersOf } from "@assay/engine/trace/state-file";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import type { Terms } from "@assay/protocol/domain/messages";
import { AssayError } from "@assay/protocol/errors";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll, type ContentStore } from "@assay/storage/content";
import { zeroHash, type Hex } from "viem";

export interface ReplayInputs {
  readonly program: Program;
  /** As it was fetched: threads parse it again. */
  readonly programText: string;
  /** One per `program.data`: all in memory, or all in a file. */
  readonly data: readonly Column[];
  /** One per `program.parent`. */
  readonly parent: readonly Words[];
  readonly seed: bigint;
  /** The state that the request starts from; undefined for a job that begins with `init`. */
  readonly start: StartState | undefined;
}

/** Which file holds the model or the state that a request starts from: what the job before it submitted. */
export type FindParent = (terms: Pick<Terms, "parentRoot" | "parentIndex">) => Promise<Hex>;

export interface ReplayLimits {
  /** Bytes of a data set, on disk where there is not enough memory for it. */
  readonly maxDataBytes: number;
  /** Bytes of memory that one run may use, its data included where that fits. */
  readonly memoryBytes: number;
  /** How the job will be run: its memory depends on that. */
  readonly engine: EngineSettings;
}

/** Largest program that providers take too. */
const PROGRAM_BYTES = 16 * 2 ** 20;
/** Beside the elements that the program reads a data file may hold a header. */
const DATA_EXTRA_BYTES = 2 ** 20;

const mismatch = (what: string, signed: string, found: string): AssayError =>
  new AssayError("REPLAY_INPUT_MISMATCH", `${what}: signed ${signed}, found ${found}`, {
    remedy: "Use another content source; what this one gives is not what the requester signed.",
    details: { what, signed, found },
  });

/**
 * Program, data and start state of a job; a data set that does not fit into memory is in a file in `dataDir`, from before or fetched
 * now. Throws REPLAY_INPUT_MISMATCH, REPLAY_TOO_LARGE, the engine's ENGINE_*, and
 * the store's CONTENT_*, BLOCK_CORRUPT, GATEWAY_*.
 */
export const fetchReplayInputs = async (
  store: ContentStore,
  { job: { terms }, programCid, dataCid }: Pick<ChainJob, "job" | "programCid" | "dataCid">,
  limits: ReplayLimits,
  findParent: FindParent,
  dataDir: string,
  signal?: AbortSignal,
): Promise<ReplayInputs> => {
  const bytes = await readAll(store, cidOfDigest(programCid), { maxBytes: PROGRAM_BYTES, signal });
  const programText = new TextDecoder().decode(bytes);
  const program = parseProgram(programText);
  checkProgram(program);
  const root = programRoot(nodeHasher, program);
  if (root !== terms.programRoot) throw mismatch("program", terms.programRoot, root);
  if (program.steps !== terms.steps || program.interval !== terms.interval)
    throw mismatch(
      "steps and interval",
      `${terms.steps}/${terms.interval}`,
      `${program.steps}/${program.interval}`,
    );
  const place = placeOf(program, limits);
  const most = Math.min(limits.maxDataBytes, tensorBytes(program.data) + DATA_EXTRA_BYTES);
  const pieces = () => store.getFile(cidOfDigest(dataCid), { maxBytes: most, signal });
  const columns = place === "file" ? columnsInFile(dataDir) : columnsInMemory;
  const data = program.data.length === 0 ? [] : await columns(pieces, program.data, terms.dataRoot);
  const parent = await fetchParent(store, program, terms, findParent, signal);
  const start = await fetchStart(store, program, terms, findParent, signal);
  return { program, programText, data, parent, seed: terms.seed, start };
};

/** A file of the model may hold the optimizer's state beside it: two moments a parameter at most, and some scalars. */
const MOST_STATE = 4;

const fetchParent = async (
  store: ContentStore,
  { parent }: Program,
  terms: Terms,
  find: FindParent,
  signal: AbortSignal | undefined,
): Promise<readonly Words[]> => {
  if (parent.length === 0) return [];
  const most = MOST_STATE * tensorBytes(parent) + DATA_EXTRA_BYTES;
  const bytes = await readAll(store, cidOfDigest(await find(terms)), { maxBytes: most, signal });
  const file = parametersOf(decodeSafetensors(bytes, { maxHeaderBytes: DATA_EXTRA_BYTES }));
  const tensors = selectTensors(file, parent);
  const root = tensorListRoot(nodeHasher, tensors);
  if (root !== terms.parentRoot) throw mismatch("parent model", terms.parentRoot, root);
  return tensors.map(({ words }) => words);
};

const fetchStart = async (
  store: ContentStore,
  program: Program,
  terms: Terms,
  find: FindParent,
  signal: AbortSignal | undefined,
): Promise<StartState | undefined> => {
  if (terms.startRoot === zeroHash) return undefined;
  const most = tensorBytes(program.state) + DATA_EXTRA_BYTES;
  const bytes = await readAll(store, cidOfDigest(await find(terms)), { maxBytes: most, signal });
  const state = decodeStateFile(bytes, program);
  const root = stateRoot(program, state);
  if (root !== terms.startRoot) throw mismatch("start state", terms.startRoot, root);
  return { step: terms.startStep, state };
};

type FetchColumns = (
  pieces: () => AsyncIterable<Uint8Array>,
  declared: Program["data"],
  root: Hex,
) => Promise<readonly Column[]>;

const HEADER = { maxHeaderBytes: DATA_EXTRA_BYTES };

const columnsInMemory: FetchColumns = async (pieces, declared, root) => {
  const columns = await readColumns(pieces(), declared, HEADER);
  const found = tensorListRoot(nodeHasher, columns);
  if (found !== root) throw mismatch("data set", root, found);
  return columns.map(({ words }) => words);
};

/** A file that has the name is whole, and is checked again all the same. */
const columnsInFile =
  (folder: string): FetchColumns =>
  async (pieces, declared, root) => {
    const path = join(folder, "data.safetensors");
    const there = { path, pieces: createReadStream(path, { highWaterMark: 2 ** 20 }) };
    const kept = await placeColumns(there, declared, HEADER).catch(() => undefined);
    if (kept?.root === root) return kept.columns;
    await mkdir(folder, { recursive: true });
    const part = newDataFile(`${path}.part`, pieces());
    const fetched = await placeColumns(part, declared, HEADER);
    if (fetched.root !== root) throw mismatch("data set", root, fetched.root);
    await rename(part.path, path);
    return fetched.columns.map((column) => ({ ...column, path }));
  };

const placeOf = (program: Program, limits: ReplayLimits): DataPlace => {
  const { memoryBytes } = limits;
  const { place, needed } = placeData(program, limits);
  if (place !== undefined) return place;
  throw new AssayError(
    "REPLAY_TOO_LARGE",
    `the job needs ${needed} bytes of memory, ${memoryBytes} are granted`,
    {
      remedy: "Raise ASSAY_WATCHER_MEMORY_MIB, or leave jobs of this size to others.",
      details: { needed, memoryBytes },
    },
  );
};
