/** Jobs whose data set lies in a file, for tests: the bits have to be those of the same job in memory. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend, FileColumn, Inputs, Words } from "../backend.ts";
import { isInFile } from "../columns/column.ts";

export interface DataFolder {
  /** The columns that `which` wants, in a file; the others as they are. */
  inFile(inputs: Inputs, which?: (column: number) => boolean): Promise<Inputs>;
  /** A back end that is given its data so. */
  backend(backend: Backend, which?: (column: number) => boolean): Backend;
  close(): Promise<void>;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Words): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** A folder of its own in the system's temporary one. */
export const openDataFolder = async (): Promise<DataFolder> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-columns-"));
  let files = 0;
  const inFile: DataFolder["inFile"] = async (inputs, which = () => true) => {
    const path = join(folder, String(files++));
    const pieces: Uint8Array[] = [];
    // A column begins anywhere in a file.
    let begin = 0;
    const data = inputs.data.map((column, i): Words | FileColumn => {
      if (isInFile(column) || !which(i)) return column;
      pieces.push(Uint8Array.of(i), bytesOf(column));
      const place = { path, begin: begin + 1, length: column.length };
      begin += 1 + column.byteLength;
      return place;
    });
    await writeFile(path, Buffer.concat(pieces));
    return { ...inputs, data };
  };
  return {
    inFile,
    backend: (backend, which) => ({
      name: `${backend.name} on files`,
      prepare: async (program, inputs) => backend.prepare(program, await inFile(inputs, which)),
    }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
};
