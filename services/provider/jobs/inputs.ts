/** Fetches what a request names and checks that it is what the requester signed. */
import type { Words } from "@assay/engine/backend";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { readColumns } from "@assay/engine/data/stream";
import { parseProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoot } from "@assay/engine/trace/roots";
import type { StartState } from "@assay/engine/trace/run";
import { decodeStateFile, parametersOf } from "@assay/engine/trace/state-file";
import { memoryOf, type EngineSettings } from "@assay/engine/wasm/settings";
import type { Request } from "@assay/protocol/domain/messages";
import { AssayError } from "@assay/protocol/errors";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll, type ContentStore } from "@assay/storage/content";
import { zeroHash, type Hex } from "viem";

/**
 * Largest `program.json`. A transformer of thousands of ops takes 2 MiB; what parsing such a text can take stays far below
 * a training thread's heap.
 */
const PROGRAM_BYTES = 16 * 2 ** 20;

/** Beside the elements that the program reads a data file may hold a header, and no more of other columns. */
const DATA_EXTRA_BYTES = 2 ** 20;

/** A job that was handed over left its whole state: with AdamW's moments three times its parameters. */
const MOST_STATE = 4;

export interface InputLimits {
  readonly maxDataBytes: number;
  /** Bytes one job may use, its data included. */
  readonly memoryBytes: number;
  /** How the job will be run: its memory depends on that. */
  readonly engine: EngineSettings;
}

export interface JobInputs {
  readonly program: Program;
  readonly programText: string;
  /** One per `program.data`. */
  readonly data: readonly Words[];
}

/** What of a request names its inputs. */
export type NamedInputs = Pick<
  Request,
  | "programRoot"
  | "programCid"
  | "dataRoot"
  | "dataCid"
  | "steps"
  | "interval"
  | "initUnits"
  | "stepUnits"
  | "evalUnits"
  | "startRoot"
  | "startStep"
>;

/** Where the files of a request are read from. */
export interface InputFiles {
  program(maxBytes: number): Promise<Uint8Array>;
  /** In pieces: the columns are in memory once, and nothing else of the file is. */
  data(maxBytes: number): AsyncIterable<Uint8Array>;
}

/**
 * Program and data of a request, checked. Throws PROGRAM_ROOT_MISMATCH, PROGRAM_HEADER_MISMATCH, UNITS_MISMATCH,
 * MEMORY_TOO_LARGE, DATA_ROOT_MISMATCH, the engine's ENGINE_PROGRAM_*, ENGINE_SAFETENSORS_INVALID and
 * ENGINE_DATA_COLUMN, and the store's CONTENT_*, BLOCK_CORRUPT, GATEWAY_*.
 */
export const fetchInputs = (
  store: ContentStore,
  request: NamedInputs,
  limits: InputLimits,
  signal?: AbortSignal,
): Promise<JobInputs> =>
  readInputs(
    {
      program: (maxBytes) => readAll(store, cidOfDigest(request.programCid), { maxBytes, signal }),
      data: (maxBytes) => store.getFile(cidOfDigest(request.dataCid), { maxBytes, signal }),
    },
    request,
    limits,
  );

/** As {@link fetchInputs}, from any files. */
export const readInputs = async (
  files: InputFiles,
  request: NamedInputs,
  limits: InputLimits,
): Promise<JobInputs> => {
  const programText = new TextDecoder().decode(await files.program(PROGRAM_BYTES));
  const program = parseProgram(programText);
  checkProgramOf(request, program);
  checkParentOf(request, program);
  checkMemory(program, limits);
  if (program.data.length === 0) return { program, programText, data: [] };
  const columns = await readColumns(
    files.data(
      Math.min(limits.maxDataBytes, limits.memoryBytes, dataBytes(program) + DATA_EXTRA_BYTES),
    ),
    program.data,
    { maxHeaderBytes: DATA_EXTRA_BYTES },
  );
  const root = tensorListRoot(nodeHasher, columns);
  if (root !== request.dataRoot)
    throw mismatch("DATA_ROOT_MISMATCH", "the data set", request.dataRoot, root);
  return { program, programText, data: columns.map(({ words }) => words) };
};

/** Which file holds the model of a record: the digest that its job submitted. */
export type FindParent = (request: Pick<Request, "parentRoot" | "parentIndex">) => Promise<Hex>;

/**
 * The parent model's tensors that a program reads, all of them, checked against their root; none where it reads none. Throws
 * PARENT_ROOT_MISMATCH, ENGINE_SAFETENSORS_INVALID, ENGINE_DATA_COLUMN, and the store's codes.
 */
export const fetchParent = async (
  store: ContentStore,
  request: Pick<Request, "parentRoot" | "parentIndex">,
  { parent }: Program,
  find: FindParent,
  signal?: AbortSignal,
): Promise<readonly Words[]> => {
  if (parent.length === 0) return [];
  const bytes = await readAll(store, cidOfDigest(await find(request)), {
    maxBytes: MOST_STATE * tensorBytes(parent) + DATA_EXTRA_BYTES,
    signal,
  });
  return checkedParent(bytes, request, parent);
};

/** The parent's tensors in a model file. Throws as {@link fetchParent}. */
export const checkedParent = (
  bytes: Uint8Array,
  { parentRoot }: Pick<Request, "parentRoot">,
  declared: Program["parent"],
): readonly Words[] => {
  const file = parametersOf(decodeSafetensors(bytes, { maxHeaderBytes: DATA_EXTRA_BYTES }));
  const tensors = selectTensors(file, declared);
  const root = tensorListRoot(nodeHasher, tensors);
  if (root === parentRoot) return tensors.map(({ words }) => words);
  throw mismatch("PARENT_ROOT_MISMATCH", "the parent model", parentRoot, root);
};

/** Which file holds the state that a request starts from: the digest that the job before it submitted. */
export type FindStart = (request: Pick<Request, "parentRoot" | "parentIndex">) => Promise<Hex>;

/**
 * The state that a request goes on from, checked against its root; undefined where it starts from scratch. Throws
 * START_ROOT_MISMATCH, ENGINE_SAFETENSORS_INVALID, ENGINE_DATA_COLUMN, and the store's codes.
 */
export const fetchStart = async (
  store: ContentStore,
  request: Pick<Request, "startRoot" | "startStep" | "parentRoot" | "parentIndex">,
  program: Program,
  find: FindStart,
  signal?: AbortSignal,
): Promise<StartState | undefined> => {
  if (request.startRoot === zeroHash) return undefined;
  const bytes = await readAll(store, cidOfDigest(await find(request)), {
    maxBytes: stateBytes(program) + DATA_EXTRA_BYTES,
    signal,
  });
  return checkedStart(bytes, request, program);
};

/** The state in a state file. Throws as {@link fetchStart}. */
export const checkedStart = (
  bytes: Uint8Array,
  request: Pick<Request, "startRoot" | "startStep">,
  program: Program,
): StartState => {
  const state = decodeStateFile(bytes, program);
  const root = stateRoot(program, state);
  if (root === request.startRoot) return { step: request.startStep, state };
  throw new AssayError(
    "START_ROOT_MISMATCH",
    `the state to go on from: signed ${request.startRoot}, found ${root}`,
    {
      remedy: "Continue from a checkpoint whose state its provider has published, or start anew.",
      details: { signed: request.startRoot, found: root },
    },
  );
};

const checkProgramOf = (request: NamedInputs, program: Program): void => {
  const root = programRoot(nodeHasher, program);
  if (root !== request.programRoot)
    throw mismatch("PROGRAM_ROOT_MISMATCH", "the program", request.programRoot, root);
  if (program.steps !== request.steps || program.interval !== request.interval)
    throw mismatch(
      "PROGRAM_HEADER_MISMATCH",
      "steps and interval",
      `${request.steps}/${request.interval}`,
      `${program.steps}/${program.interval}`,
    );
  const units = workUnits(program);
  const asked = [request.initUnits, request.stepUnits, request.evalUnits].join("/");
  // A job that goes on from a state does not run the init ops.
  const init = request.startRoot === zeroHash ? units.init : 0n;
  const counted = [init, units.step, units.eval].join("/");
  if (asked !== counted) throw mismatch("UNITS_MISMATCH", "the work units", asked, counted);
};

/** A job that goes on from a state names the record of that state, and so cannot name the parent model beside it. */
const checkParentOf = (request: Pick<Request, "startRoot">, program: Program): void => {
  const reads = [...program.step, ...program.eval].some((op) =>
    op.operands.some(
      ({ source, indirection }) =>
        source.kind === "parent" || indirection?.source.kind === "parent",
    ),
  );
  if (request.startRoot !== zeroHash && reads)
    throw new AssayError(
      "PARENT_UNSUPPORTED",
      "a job that reads its parent model at every step cannot go on elsewhere",
      { remedy: "Run it again from its start, or let its provider finish it." },
    );
};

const checkMemory = (program: Program, { memoryBytes, engine }: InputLimits): void => {
  const state = stateBytes(program);
  const data = dataBytes(program);
  // Beside what the program runs in: the data as columns here and on their way to the thread, and two copies of the state on
  // their way to a checkpoint.
  const needed = memoryOf(program, engine) + 2 * data + 2 * state;
  if (needed <= memoryBytes) return;
  throw new AssayError(
    "MEMORY_TOO_LARGE",
    `the job needs ${needed} bytes of memory, ${memoryBytes} are granted`,
    {
      remedy: "Choose a provider with more memory, or a smaller model, batch or data set.",
      details: { needed, memoryBytes },
    },
  );
};

const stateBytes = (program: Program): number =>
  program.state.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

const dataBytes = (program: Program): number =>
  program.data.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const tensorBytes = (tensors: Program["parent"]): number =>
  tensors.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

const mismatch = (code: string, what: string, signed: string, found: string): AssayError =>
  new AssayError(code, `${what}: signed ${signed}, found ${found}`, {
    remedy: "Sign the request again with the roots and units of the files that were uploaded.",
    details: { signed, found },
  });
