/** Files that are either the old or the new one, whatever ends the process. */
import { open, rename } from "node:fs/promises";

/** Replaces a file by `content`; it is on disk when this resolves. Only its owner may read it. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  const file = await open(`${path}.part`, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
};
