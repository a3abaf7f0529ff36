/** Fetches what a request names and checks that it is what the requester signed. */
import type { Words } from "@assay/engine/backend";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { parseProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { compile } from "@assay/engine/wasm/compile";
import { NARROW_TILE } from "@assay/engine/wasm/microkernel";
import type { Request } from "@assay/protocol/domain/messages";
import { AssayError } from "@assay/protocol/errors";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll, type ContentStore } from "@assay/storage/content";

/**
 * Largest `program.json`. A transformer of thousands of ops takes 2 MiB; what parsing such a text can take stays far below
 * a training thread's heap.
 */
const PROGRAM_BYTES = 16 * 2 ** 20;

/** Beside the elements that the program reads a data file may hold a header, and no more of other columns. */
const DATA_EXTRA_BYTES = 2 ** 20;

export interface InputLimits {
  readonly maxDataBytes: number;
  /** Bytes one job may use, its data included. */
  readonly memoryBytes: number;
}

export interface JobInputs {
  readonly program: Program;
  readonly programText: string;
  /** One per `program.data`. */
  readonly data: readonly Words[];
}

type Named = Pick<
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
>;

/**
 * Program and data of a request, checked. Throws PROGRAM_ROOT_MISMATCH, PROGRAM_HEADER_MISMATCH, UNITS_MISMATCH,
 * PARENT_UNSUPPORTED, MEMORY_TOO_LARGE, DATA_ROOT_MISMATCH, the engine's ENGINE_PROGRAM_*, ENGINE_SAFETENSORS_INVALID and
 * ENGINE_DATA_COLUMN, and the store's CONTENT_*, BLOCK_CORRUPT, GATEWAY_*.
 */
export const fetchInputs = async (
  store: ContentStore,
  request: Named,
  limits: InputLimits,
  signal?: AbortSignal,
): Promise<JobInputs> => {
  const programBytes = await readAll(store, cidOfDigest(request.programCid), {
    maxBytes: PROGRAM_BYTES,
    signal,
  });
  const programText = new TextDecoder().decode(programBytes);
  const program = parseProgram(programText);
  checkProgramOf(request, program);
  checkMemory(program, limits);
  if (program.data.length === 0) return { program, programText, data: [] };
  const file = decodeSafetensors(
    await readAll(store, cidOfDigest(request.dataCid), {
      maxBytes: Math.min(
        limits.maxDataBytes,
        limits.memoryBytes,
        dataBytes(program) + DATA_EXTRA_BYTES,
      ),
      signal,
    }),
    { maxHeaderBytes: DATA_EXTRA_BYTES },
  );
  const columns = selectTensors(file.tensors, program.data);
  const root = tensorListRoot(nodeHasher, columns);
  if (root !== request.dataRoot)
    throw mismatch("DATA_ROOT_MISMATCH", "the data set", request.dataRoot, root);
  return { program, programText, data: columns.map(({ words }) => words) };
};

const checkProgramOf = (request: Named, program: Program): void => {
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
  const counted = [units.init, units.step, units.eval].join("/");
  if (asked !== counted) throw mismatch("UNITS_MISMATCH", "the work units", asked, counted);
  if (program.parent.length > 0)
    throw new AssayError("PARENT_UNSUPPORTED", "the program reads a parent model", {
      remedy: "Train from the start; fine-tuning is not served by this agent yet.",
    });
};

const checkMemory = (program: Program, { memoryBytes }: InputLimits): void => {
  const { peakBytes } = compile(program, NARROW_TILE).report;
  const state = program.state.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);
  const data = dataBytes(program);
  // Beside the program's own memory: the data as fetched and as columns, and two copies of the state on their way to a checkpoint.
  const needed = peakBytes + 2 * data + 2 * state;
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

const dataBytes = (program: Program): number =>
  program.data.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const mismatch = (code: string, what: string, signed: string, found: string): AssayError =>
  new AssayError(code, `${what}: signed ${signed}, found ${found}`, {
    remedy: "Sign the request again with the roots and units of the files that were uploaded.",
    details: { signed, found },
  });
