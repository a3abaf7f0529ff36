/** Fetches what a request names and checks that it is what the requester signed. */
import type { Column, Words } from "@assay/engine/backend";
import { type DataFile, newDataFile, placeColumns } from "@assay/engine/columns/data-file";
import { type DataPlace, placeData, tensorBytes } from "@assay/engine/columns/place";
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
import type { EngineSettings } from "@assay/engine/wasm/settings";
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
  /** Bytes of a data set, on disk where there is not enough memory for it. */
  readonly maxDataBytes: number;
  /** Bytes of memory one job may use, its data included where that fits. */
  readonly memoryBytes: number;
  /** How the job will be run: its memory depends on that. */
  readonly engine: EngineSettings;
}

export interface JobProgram {
  readonly program: Program;
  readonly programText: string;
}

export interface JobInputs extends JobProgram {
  /** One per `program.data`: all in memory, or all in a file. */
  readonly data: readonly Column[];
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
  /** The same for a data set that stays on disk. */
  dataFile(maxBytes: number): DataFile;
}

const storedProgram =
  (store: ContentStore, { programCid }: NamedInputs, signal: AbortSignal | undefined) =>
  (maxBytes: number): Promise<Uint8Array> =>
    readAll(store, cidOfDigest(programCid), { maxBytes, signal });

/**
 * Program and data of a request, checked; a data set that does not fit into memory is written to `dataPath`. Throws PROGRAM_ROOT_MISMATCH, PROGRAM_HEADER_MISMATCH, UNITS_MISMATCH,
 * MEMORY_TOO_LARGE, DATA_ROOT_MISMATCH, the engine's ENGINE_PROGRAM_*, ENGINE_SAFETENSORS_INVALID and
 * ENGINE_DATA_COLUMN, and the store's CONTENT_*, BLOCK_CORRUPT, GATEWAY_*.
 */
export const fetchInputs = (
  store: ContentStore,
  request: NamedInputs,
  limits: InputLimits,
  dataPath: string,
  signal?: AbortSignal,
): Promise<JobInputs> => {
  const data = (maxBytes: number) =>
    store.getFile(cidOfDigest(request.dataCid), { maxBytes, signal });
  return readInputs(
    {
      program: storedProgram(store, request, signal),
      data,
      dataFile: (maxBytes) => newDataFile(dataPath, data(maxBytes)),
    },
    request,
    limits,
  );
};

/** The program alone, checked. Throws as {@link fetchInputs}. */
export const fetchProgram = (
  store: ContentStore,
  request: NamedInputs,
  signal?: AbortSignal,
): Promise<JobProgram> => readProgram({ program: storedProgram(store, request, signal) }, request);

/** As {@link fetchProgram}, from any files. */
export const readProgram = async (
  files: Pick<InputFiles, "program">,
  request: NamedInputs,
): Promise<JobProgram> => {
  const programText = new TextDecoder().decode(await files.program(PROGRAM_BYTES));
  const program = parseProgram(programText);
  checkProgramOf(request, program);
  checkParentOf(request, program);
  return { program, programText };
};

/** As {@link fetchInputs}, from any files. */
export const readInputs = async (
  files: InputFiles,
  request: NamedInputs,
  limits: InputLimits,
): Promise<JobInputs> => {
  const { program, programText } = await readProgram(files, request);
  const place = placeOf(program, limits);
  if (program.data.length === 0) return { program, programText, data: [] };
  const { root, columns } = await readData(files, program, limits, place);
  if (root !== request.dataRoot)
    throw mismatch("DATA_ROOT_MISMATCH", "the data set", request.dataRoot, root);
  return { program, programText, data: columns };
};

const readData = async (
  files: InputFiles,
  { data }: Program,
  { maxDataBytes, memoryBytes }: InputLimits,
  place: DataPlace,
): Promise<{ readonly root: Hex; readonly columns: readonly Column[] }> => {
  const most = Math.min(maxDataBytes, tensorBytes(data) + DATA_EXTRA_BYTES);
  const options = { maxHeaderBytes: DATA_EXTRA_BYTES };
  if (place === "file") return placeColumns(files.dataFile(most), data, options);
  const columns = await readColumns(files.data(Math.min(most, memoryBytes)), data, options);
  return { root: tensorListRoot(nodeHasher, columns), columns: columns.map(({ words }) => words) };
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
    maxBytes: tensorBytes(program.state) + DATA_EXTRA_BYTES,
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

const placeOf = (program: Program, limits: InputLimits): DataPlace => {
  const { memoryBytes } = limits;
  const { place, needed } = placeData(program, limits);
  if (place !== undefined) return place;
  throw new AssayError(
    "MEMORY_TOO_LARGE",
    `the job needs ${needed} bytes of memory, ${memoryBytes} are granted`,
    {
      remedy:
        "Choose a provider with more memory, or a smaller model or batch, or evaluate fewer held-out rows.",
      details: { needed, memoryBytes },
    },
  );
};

const mismatch = (code: string, what: string, signed: string, found: string): AssayError =>
  new AssayError(code, `${what}: signed ${signed}, found ${found}`, {
    remedy: "Sign the request again with the roots and units of the files that were uploaded.",
    details: { signed, found },
  });
