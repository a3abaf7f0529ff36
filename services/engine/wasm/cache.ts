/** Compiled programs of this process, the latest few: a program that ran before starts again at once. */
import { programRoot } from "../ir/root.ts";
import type { Program } from "../ir/types.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { compile, type Compiled } from "./compile.ts";
import type { Tile } from "./microkernel.ts";
import type { Division } from "./parallel.ts";
import { compileModule, type WasmModule } from "./runtime.ts";

export interface CachedProgram extends Compiled {
  readonly module: WasmModule;
}

/** Programs that are kept. */
const MOST = 8;
const cache = new Map<string, Promise<CachedProgram>>();

const made = async (program: Program, tile: Tile, division: Division): Promise<CachedProgram> => {
  const compiled = compile(program, tile, division);
  return { ...compiled, module: await compileModule(compiled.bytes) };
};

/** {@link compile} and the engine's own compilation, once for the same program, tile and number of threads. */
export const compileCached = async (
  program: Program,
  tile: Tile,
  division: Division,
): Promise<CachedProgram> => {
  const key = `${programRoot(nodeHasher, program)} ${tile.columns} ${division.count} ${division.leastWork}`;
  const known = cache.get(key) ?? made(program, tile, division);
  cache.delete(key);
  cache.set(key, known);
  for (const oldest of cache.keys()) {
    if (cache.size <= MOST) break;
    cache.delete(oldest);
  }
  try {
    return await known;
  } catch (error) {
    cache.delete(key);
    throw error;
  }
};
