/** A local store in front of a gateway: what was fetched once stays, so an interrupted download goes on where it stopped. */
import { isAssayError } from "@assay/protocol/errors";
import { matches, type BlockStore } from "./blocks.ts";

/** Reads locally first; writes to both, so a file that was put can be fetched by others. A damaged local block is dropped and fetched again. */
export const cachedBlocks = (local: BlockStore, remote: BlockStore): BlockStore => ({
  has: async (cid, options) => (await local.has(cid, options)) || (await remote.has(cid, options)),
  get: async (cid, options) => {
    try {
      const bytes = await local.get(cid, options);
      if (matches(cid, bytes)) return bytes;
      await local.delete(cid, options);
    } catch (error) {
      if (!isAssayError(error, "CONTENT_NOT_FOUND")) throw error;
    }
    const bytes = await remote.get(cid, options);
    await local.put(cid, bytes, options);
    return bytes;
  },
  put: async (cid, bytes, options) => {
    await local.put(cid, bytes, options);
    await remote.put(cid, bytes, options);
  },
  delete: (cid, options) => local.delete(cid, options),
});
