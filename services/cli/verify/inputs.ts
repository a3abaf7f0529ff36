/** Fetches what a job was made from and checks it against the roots on chain. */
import type { Inputs } from "@assay/engine/backend";
import { newDataFile, type PlacedColumns, placeColumns } from "@assay/engine/columns/data-file";
import { type MemoryGrant, placeData, tensorBytes } from "@assay/engine/columns/place";
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
import { AssayError } from "@assay/protocol/errors";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { cidOfDigest, type Hex } from "@assay/storage/cid";
import { readAll, type ContentStore } from "@assay/storage/content";

export interface JobInputs {
  readonly program: Program;
  readonly inputs: Inputs;
  /** Recomputed from what was fetched. */
  readonly programRoot: string;
  readonly dataRoot: string;
  /** Of the tensors that the program reads of its parent; zero where it reads none. */
  readonly parentRoot: string;
}

/** What a run here may use. */
export interface Room extends MemoryGrant {
  /** File for a data set that does not fit into memory. */
  readonly dataPath: string;
}

/** Beside the elements that the program reads a data file may hold a header. */
const DATA_EXTRA_BYTES = 2 ** 20;

/** With their root; on disk where there is not enough memory. */
const fetchColumns = async (
  content: ContentStore,
  dataCid: Hex,
  program: Program,
  room: Room,
): Promise<Pick<Inputs, "data"> & Pick<PlacedColumns, "root">> => {
  const maxBytes = tensorBytes(program.data) + DATA_EXTRA_BYTES;
  const pieces = content.getFile(cidOfDigest(dataCid), { maxBytes });
  if (program.data.length > 0 && placeData(program, room).place !== "memory") {
    const { root, columns } = await placeColumns(newDataFile(room.dataPath, pieces), program.data);
    return { root, data: columns };
  }
  const columns = await readColumns(pieces, program.data);
  return { root: tensorListRoot(nodeHasher, columns), data: columns.map(({ words }) => words) };
};

/** Program, data and parent model of a job (`findParent`: the digest of its file), with their roots as they really are. @throws `CONTENT_…`, `ENGINE_…` */
export const fetchInputs = async (
  content: ContentStore,
  { job, programCid, dataCid }: ChainJob,
  room: Room,
  findParent: () => Promise<Hex> = () => Promise.reject(new RangeError("no parent to find")),
): Promise<JobInputs> => {
  const text = new TextDecoder().decode(await readAll(content, cidOfDigest(programCid)));
  const program = parseProgram(text);
  checkProgram(program);
  const { root: dataRoot, data } = await fetchColumns(content, dataCid, program, room);
  const parent =
    program.parent.length === 0
      ? []
      : selectTensors(
          parametersOf(decodeSafetensors(await readAll(content, cidOfDigest(await findParent())))),
          program.parent,
        );
  return {
    program,
    parentRoot: tensorListRoot(nodeHasher, parent),
    inputs: {
      data,
      parent: parent.map(({ words }) => words),
      seed: job.terms.seed,
    },
    programRoot: programRoot(nodeHasher, program),
    dataRoot,
  };
};

/**
 * The state that a job went on from (`findStart`: the digest of its file), checked against its root; undefined where it ran from
 * scratch. @throws `START_MISMATCH`, `CONTENT_…`, `ENGINE_…`
 */
export const fetchStart = async (
  content: ContentStore,
  { terms }: ChainJob["job"],
  program: Program,
  findStart: () => Promise<Hex>,
): Promise<StartState | undefined> => {
  if (/^0x0*$/.test(terms.startRoot)) return undefined;
  const bytes = await readAll(content, cidOfDigest(await findStart()));
  const state = decodeStateFile(bytes, program);
  const root = stateRoot(program, state);
  if (root === terms.startRoot) return { step: terms.startStep, state };
  throw new AssayError(
    "START_MISMATCH",
    `the state fetched has root ${root}, the chain says ${terms.startRoot}`,
    {
      remedy: "fetch it from another content store: --content",
      details: { expected: terms.startRoot, found: root },
    },
  );
};
