/** Blocks in memory: for tests, and for checking a file's CID without writing it anywhere. */
import type { CID } from "multiformats/cid";
import { notFound, type BlockStore } from "./blocks.ts";

export const memoryBlocks = (): BlockStore => {
  const blocks = new Map<string, Uint8Array>();
  return {
    has: (cid) => Promise.resolve(blocks.has(cid.toString())),
    get: (cid) => {
      const bytes = blocks.get(cid.toString());
      return bytes === undefined ? Promise.reject(notFound(cid, "memory")) : Promise.resolve(bytes);
    },
    put: (cid: CID, bytes) => {
      blocks.set(cid.toString(), bytes);
      return Promise.resolve();
    },
    delete: (cid) => {
      blocks.delete(cid.toString());
      return Promise.resolve();
    },
  };
};
