/** Files over blocks. The same bytes have the same CID for everyone, because the importer's settings are fixed here. */
import { AssayError } from "@assay/protocol/errors";
import { importFile } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import type { CID } from "multiformats/cid";
import type { BlockStore, CallOptions } from "./blocks.ts";
import { DAG_PB, checked } from "./cid.ts";
import { readFile, type ReadOptions } from "./read.ts";

/** Bytes of a leaf block. Part of every CID: never change it. */
export const CHUNK_BYTES = 1024 * 1024;
/** Links of an inner node. Part of every CID: never change it. */
const LINKS = 1024;
/** Blocks in flight when uploading one file. */
const CONCURRENCY = 8;
/** A store of files named by what is in them. */
export interface ContentStore {
  /** Stores a file and returns its CID, the same for the same bytes everywhere: a dag-pb sha2-256 CIDv1. */
  putFile(source: AsyncIterable<Uint8Array> | Uint8Array, options?: CallOptions): Promise<CID>;
  /** The file's bytes in order, each block checked against its hash before it is passed on. */
  getFile(cid: CID, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Whether the root block is there. */
  has(cid: CID, options?: CallOptions): Promise<boolean>;
}

export const contentStore = (blocks: BlockStore): ContentStore => ({
  putFile: async (source, options = {}) => {
    const { cid } = await importFile(
      { content: source },
      {
        put: async (key, value) => {
          await blocks.put(key, await collect(value), options);
          return key;
        },
      },
      {
        cidVersion: 1,
        rawLeaves: true,
        reduceSingleLeafToSelf: false,
        chunker: fixedSize({ chunkSize: CHUNK_BYTES }),
        layout: balanced({ maxChildrenPerNode: LINKS }),
        blockWriteConcurrency: CONCURRENCY,
      },
    );
    if (cid.code !== DAG_PB)
      throw new AssayError(
        "CID_UNSUPPORTED",
        `imported file has no dag-pb root: ${cid.toString()}`,
      );
    return cid;
  },
  getFile: (cid, options) => readFile(blocks, cid, options),
  has: (cid, options) => blocks.has(checked(cid), options),
});

/** The whole file in memory. Throws as `getFile` does. */
export const readAll = async (
  store: ContentStore,
  cid: CID,
  options?: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of store.getFile(cid, options)) {
    parts.push(part);
    size += part.length;
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

const collect = async (
  value: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<Uint8Array> => {
  if (value instanceof Uint8Array) return value;
  const parts: Uint8Array[] = [];
  for await (const part of value) parts.push(part);
  return Buffer.concat(parts);
};
