/** A data set on its way into a file, or read from there again: checked while it passes, and never in memory as a whole. */
import { open } from "node:fs/promises";
import type { Hex } from "@assay/protocol/commitments/hash";
import { AssayError } from "@assay/protocol/errors";
import type { FileColumn } from "../backend.ts";
import { selectTensors } from "../data/dataset.ts";
import type { DecodeOptions } from "../data/safetensors.ts";
import { type FileSummary, scanTensors, summaryRoot } from "../data/stream.ts";
import { elements } from "../ir/shape.ts";
import type { NamedTensor } from "../ir/types.ts";

/** A safetensors file on this machine, and its bytes: those that are there, or those that get there as they are read. */
export interface DataFile {
  readonly path: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

const unwritable = (path: string, cause: unknown): AssayError =>
  new AssayError("ENGINE_DATA_UNWRITABLE", `the data set cannot be written to ${path}`, {
    remedy: "Make room on the disk: a data set that does not fit into memory lies there.",
    retryable: true,
    cause,
  });

async function* written(path: string, pieces: AsyncIterable<Uint8Array>) {
  const failed = (cause: unknown): never => {
    throw unwritable(path, cause);
  };
  const file = await open(path, "w").catch(failed);
  try {
    for await (const piece of pieces) {
      await file.appendFile(piece).catch(failed);
      yield piece;
    }
  } finally {
    await file.close();
  }
}

/** A file that is written with the bytes that pass. It counts once all of them have passed. They throw ENGINE_DATA_UNWRITABLE. */
export const newDataFile = (path: string, pieces: AsyncIterable<Uint8Array>): DataFile => ({
  path,
  pieces: written(path, pieces),
});

/** Where the declared columns are in the file at `path`, which holds what `summary` says. Throws ENGINE_DATA_COLUMN. */
export const columnsAt = (
  path: string,
  { tensors }: FileSummary,
  declared: readonly NamedTensor[],
): FileColumn[] =>
  selectTensors(tensors, declared).map(({ begin, shape }) => ({
    path,
    begin,
    length: elements(shape),
  }));

export interface PlacedColumns {
  /** Data root of the columns, as they really are. */
  readonly root: Hex;
  readonly columns: readonly FileColumn[];
}

/** The declared columns of a file, all of which is read once. Throws ENGINE_SAFETENSORS_INVALID, ENGINE_DATA_COLUMN. */
export const placeColumns = async (
  { path, pieces }: DataFile,
  declared: readonly NamedTensor[],
  options?: DecodeOptions,
): Promise<PlacedColumns> => {
  const summary = await scanTensors(pieces, options);
  return { root: summaryRoot(summary, declared), columns: columnsAt(path, summary, declared) };
};
