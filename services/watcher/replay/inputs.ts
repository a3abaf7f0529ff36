/** Fetches what a job was made from, from the content store alone, and holds it against the roots on chain. */
import type { Words } from "@assay/engine/backend";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { readColumns } from "@assay/engine/data/stream";
import { checkProgram } from "@assay/engine/ir/check";
import { parseProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { elements } from "@assay/engine/ir/shape";
import type { Program, Shape } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoot } from "@assay/engine/trace/roots";
import type { StartState } from "@assay/engine/trace/run";
import { decodeStateFile, parametersOf } from "@assay/engine/trace/state-file";
import { memoryOf, type EngineSettings } from "@assay/engine/wasm/settings";
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
  /** One per `program.data`. */
  readonly data: readonly Words[];
  /** One per `program.parent`. */
  readonly parent: readonly Words[];
  readonly seed: bigint;
  /** The state that the request starts from; undefined for a job that begins with `init`. */
  readonly start: StartState | undefined;
}

/** Which file holds the model or the state that a request starts from: what the job before it submitted. */
export type FindParent = (terms: Pick<Terms, "parentRoot" | "parentIndex">) => Promise<Hex>;

export interface ReplayLimits {
  readonly maxDataBytes: number;
  /** Bytes that one run may use. */
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
 * Program, data and start state of a job. Throws REPLAY_INPUT_MISMATCH, REPLAY_TOO_LARGE, the engine's ENGINE_*, and
 * the store's CONTENT_*, BLOCK_CORRUPT, GATEWAY_*.
 */
export const fetchReplayInputs = async (
  store: ContentStore,
  { job: { terms }, programCid, dataCid }: Pick<ChainJob, "job" | "programCid" | "dataCid">,
  limits: ReplayLimits,
  findParent: FindParent,
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
  checkMemory(program, limits);
  const data = await fetchData(store, program, dataCid, terms.dataRoot, limits, signal);
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

const fetchData = async (
  store: ContentStore,
  program: Program,
  dataCid: ChainJob["dataCid"],
  dataRoot: string,
  limits: ReplayLimits,
  signal: AbortSignal | undefined,
): Promise<readonly Words[]> => {
  if (program.data.length === 0) return [];
  const most = Math.min(limits.maxDataBytes, tensorBytes(program.data) + DATA_EXTRA_BYTES);
  const columns = await readColumns(
    store.getFile(cidOfDigest(dataCid), { maxBytes: most, signal }),
    program.data,
    { maxHeaderBytes: DATA_EXTRA_BYTES },
  );
  const root = tensorListRoot(nodeHasher, columns);
  if (root !== dataRoot) throw mismatch("data set", dataRoot, root);
  return columns.map(({ words }) => words);
};

const tensorBytes = (tensors: readonly { readonly shape: Shape }[]): number =>
  tensors.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

const checkMemory = (program: Program, { memoryBytes, engine }: ReplayLimits): void => {
  const needed =
    memoryOf(program, engine) + 2 * tensorBytes(program.data) + 2 * tensorBytes(program.state);
  if (needed <= memoryBytes) return;
  throw new AssayError(
    "REPLAY_TOO_LARGE",
    `the job needs ${needed} bytes of memory, ${memoryBytes} are granted`,
    {
      remedy: "Raise ASSAY_WATCHER_MEMORY_MIB, or leave jobs of this size to others.",
      details: { needed, memoryBytes },
    },
  );
};
