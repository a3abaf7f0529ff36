import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout that generators read from and write into. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Writes a generated file, or, with `--check` on the command line, only compares: the process then ends with
 * status 1 when the file on disk is another.
 */
export const emit = (file: string, text: string): void => {
  const path = join(ROOT, file);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  if (process.argv.includes("--check")) {
    console.error(`${file} is stale`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`wrote ${file}`);
};
