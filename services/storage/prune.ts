/** Keeps a folder of blocks within its space. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Removes the blocks that were written longest ago until the folder holds at most `maxBytes`, and returns how many bytes are
 * left. Blocks come back from the gateway when they are needed again. Safe while others read and write.
 */
export const pruneBlocks = async (folder: string, maxBytes: number): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => undefined);
    if (found) files.push({ path, bytes: found.size, at: found.mtimeMs });
  }
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of files.sort((a, b) => a.at - b.at)) {
    if (total <= maxBytes) break;
    await rm(path, { force: true });
    total -= bytes;
  }
  return total;
};
