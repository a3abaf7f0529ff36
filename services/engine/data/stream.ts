/**
 * Safetensors files that pass piece by piece, from a disk or a content store: no more of them is in memory than is asked for.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Hex } from "@assay/protocol/commitments/hash";
import { TensorRootBuilder } from "@assay/protocol/commitments/tensor";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { DTYPE, type NamedTensor } from "../ir/types.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { selectTensors } from "./dataset.ts";
import { ByteReader } from "./import/source.ts";
import {
  checkBody,
  type DecodeOptions,
  excess,
  headerBytes,
  layoutOf,
  LENGTH_BYTES,
  type NamedWords,
  type PlacedTensor,
  safetensorsHeader,
  type TensorLayout,
} from "./safetensors.ts";

type Pieces = AsyncIterable<Uint8Array>;

const NOTHING = new Uint8Array();

/** A layout, and the byte of the file at which its elements begin. */
interface PlacedLayout extends TensorLayout {
  readonly bodyBegin: number;
}

const takeLayout = async (reader: ByteReader, options?: DecodeOptions): Promise<PlacedLayout> => {
  const length = headerBytes((await reader.take(LENGTH_BYTES)) ?? NOTHING, options);
  const layout = layoutOf((await reader.take(length)) ?? NOTHING);
  return { ...layout, bodyBegin: LENGTH_BYTES + length };
};

/**
 * Hands on the elements of each tensor in pieces, in file order; a piece may end amid an element. Throws ENGINE_SAFETENSORS_INVALID
 * as soon as the bytes cannot be a file any more.
 */
const visitTensors = async (
  source: Pieces,
  visit: (tensor: PlacedTensor, bytes: Uint8Array) => void,
  options?: DecodeOptions,
): Promise<PlacedLayout> => {
  const reader = new ByteReader(source);
  try {
    const layout = await takeLayout(reader, options);
    let at = 0;
    let index = 0;
    for await (const piece of reader.rest()) {
      let rest = piece;
      while (rest.length > 0) {
        const tensor = layout.tensors[index];
        if (tensor === undefined) throw excess(rest.length);
        const bytes = rest.subarray(0, tensor.end - at);
        visit(tensor, bytes);
        rest = rest.subarray(bytes.length);
        at += bytes.length;
        if (at === tensor.end) index++;
      }
    }
    checkBody(layout, at);
    return layout;
  } finally {
    await reader.close();
  }
};

/** The largest word among bytes that come in pieces, as u32: a negative i32 counts as a huge one. */
class LargestWord {
  value = 0;
  #rest: Uint8Array = NOTHING;

  append(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const words = new Uint32Array(all.buffer, 0, all.length >> 2);
    for (const word of words) if (word > this.value) this.value = word;
    this.#rest = all.subarray(words.byteLength);
  }
}

/** A tensor of a file without its elements. */
export interface TensorSummary extends NamedTensor {
  readonly root: Hex;
  /** Byte of the file at which its elements begin. */
  readonly begin: number;
  /** The largest element of an i32 tensor, negative ones counted as huge; 0 for f32. */
  readonly largest: number;
}

export interface FileSummary {
  readonly tensors: readonly TensorSummary[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a file holds, with the roots, in one pass and without keeping any of it. Throws ENGINE_SAFETENSORS_INVALID. */
export const scanTensors = async (
  source: Pieces,
  options?: DecodeOptions,
): Promise<FileSummary> => {
  const parts = new Map<string, { root: TensorRootBuilder; largest: LargestWord }>();
  const partOf = ({ name, dtype }: NamedTensor) => {
    const known = parts.get(name);
    if (known !== undefined) return known;
    const part = {
      root: new TensorRootBuilder(nodeHasher, DTYPE[dtype]),
      largest: new LargestWord(),
    };
    parts.set(name, part);
    return part;
  };
  const { tensors, metadata, bodyBegin } = await visitTensors(
    source,
    (tensor, bytes) => {
      const { root, largest } = partOf(tensor);
      root.append(bytes);
      if (tensor.dtype === "i32") largest.append(bytes);
    },
    options,
  );
  return {
    tensors: tensors.map((tensor) => {
      const { name, dtype, shape } = tensor;
      const { root, largest } = partOf(tensor);
      const begin = bodyBegin + tensor.begin;
      return { name, dtype, shape, root: root.finish(shape), begin, largest: largest.value };
    }),
    metadata,
  };
};

/** What stands at the beginning of a file; the rest is not read. Throws ENGINE_SAFETENSORS_INVALID. */
export const readLayout = async (
  source: Pieces,
  options?: DecodeOptions,
): Promise<TensorLayout> => {
  const reader = new ByteReader(source);
  try {
    return await takeLayout(reader, options);
  } finally {
    await reader.close();
  }
};

/** The data root of columns: over the roots of the declared tensors in their order. Throws ENGINE_DATA_COLUMN. */
export const summaryRoot = ({ tensors }: FileSummary, declared: readonly NamedTensor[]): Hex =>
  treeRoot(
    nodeHasher,
    selectTensors(tensors, declared).map(({ root }) => root),
  );

/**
 * The declared tensors of a file, in the declared order; they are in memory once, the rest of the file passes by. Throws
 * ENGINE_SAFETENSORS_INVALID, ENGINE_DATA_COLUMN.
 */
export const readColumns = async (
  source: Pieces,
  declared: readonly NamedTensor[],
  options?: DecodeOptions,
): Promise<NamedWords[]> => {
  const wanted = new Map(declared.map((tensor) => [tensor.name, tensor]));
  const found = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; used: number }>();
  const { tensors } = await visitTensors(
    source,
    (tensor, bytes) => {
      const like = wanted.get(tensor.name);
      if (like === undefined) return;
      let column = found.get(tensor.name);
      if (column === undefined) {
        // Before its bytes are there: what a header claims is only believed where the program wants as much.
        selectTensors([tensor], [like]);
        column = { bytes: new Uint8Array(tensor.end - tensor.begin), used: 0 };
        found.set(tensor.name, column);
      }
      column.bytes.set(bytes, column.used);
      column.used += bytes.length;
    },
    options,
  );
  const complete = tensors.map(({ name, dtype, shape }): NamedWords => {
    const bytes = found.get(name)?.bytes;
    return { name, dtype, shape, words: new Uint32Array(bytes?.buffer ?? new ArrayBuffer(0)) };
  });
  return selectTensors(complete, declared);
};

/** Writes a file tensor by tensor, without putting it together in memory first. */
export const writeTensors = async (
  path: string,
  tensors: readonly NamedWords[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => {
  const file: FileHandle = await open(path, "w");
  try {
    await file.appendFile(safetensorsHeader(tensors, metadata));
    for (const { words } of tensors)
      await file.appendFile(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  } finally {
    await file.close();
  }
};
