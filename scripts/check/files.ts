import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const LEFT_OUT = new Set(["node_modules", "generated", ".build", "dist"]);

/** Sorted paths under `root` that match; installed and generated folders are left out. */
export const matchingFiles = (root: string, patterns: readonly string[]): string[] =>
  globSync([...patterns], { cwd: root, exclude: (name) => LEFT_OUT.has(basename(name)) }).sort();

/** The text of a file under `root`. */
export const readText = (root: string, file: string): string =>
  readFileSync(join(root, file), "utf8");

/** The line (from 1) of an offset in a text. */
export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split("\n").length;

export type Manifest = {
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
};

/** The package.json in a folder; an empty one when there is none. */
export const readManifest = (root: string, folder: string): Manifest => {
  const file = join(folder, "package.json");
  return existsSync(join(root, file)) ? (JSON.parse(readText(root, file)) as Manifest) : {};
};

/** The names of everything that a manifest lets its code import. */
export const declaredNames = (manifest: Manifest): Set<string> =>
  new Set(
    [
      manifest.dependencies,
      manifest.devDependencies,
      manifest.optionalDependencies,
      manifest.peerDependencies,
    ].flatMap((list) => Object.keys(list ?? {})),
  );
