/** Blocks as files under one folder, in the layout of `blockstore-fs`. Several processes may share the folder. */
import { AssayError } from "@assay/protocol/errors";
import { FsBlockstore } from "blockstore-fs";
import { notFound, type BlockStore, type CallOptions } from "./blocks.ts";

/** Creates the folder if need be. */
export const fileSystemBlocks = async (folder: string): Promise<BlockStore> => {
  const store = new FsBlockstore(folder);
  await store.open();
  const source = `the local store ${folder}`;
  return {
    has: (cid, options) => store.has(cid, given(options)),
    get: async (cid, options) => {
      const parts: Uint8Array[] = [];
      try {
        for await (const part of store.get(cid, given(options))) parts.push(part);
      } catch (cause) {
        options?.signal?.throwIfAborted();
        throw notFound(cid, source, cause);
      }
      return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
    },
    put: async (cid, bytes, options) => {
      try {
        await store.put(cid, bytes, given(options));
      } catch (cause) {
        throw new AssayError(
          "STORE_WRITE_FAILED",
          `cannot write block ${cid.toString()} to ${source}`,
          {
            remedy: "Free some disk space or check the folder's permissions.",
            retryable: true,
            details: { cid: cid.toString(), folder },
            cause,
          },
        );
      }
    },
    delete: async (cid, options) => {
      await store.delete(cid, given(options));
    },
  };
};

const given = (options: CallOptions | undefined): { signal?: AbortSignal } =>
  options?.signal === undefined ? {} : { signal: options.signal };
