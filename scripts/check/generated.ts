import { matchingFiles } from "./files.ts";
import type { Rule } from "./rule.ts";
import { runProgram } from "./tool.ts";

const RUNNER = "scripts/generate/generate.ts";

/** The scripts that each write something from sources; they take `--check` to only compare. */
export const generators = (root: string): string[] =>
  matchingFiles(root, ["scripts/generate/*.ts"]).filter(
    (file) => file !== RUNNER && !file.endsWith(".test.ts"),
  );

export const generated: Rule = {
  name: "generated",
  remedy: "run `npm run generate` and commit what changes",
  find: async (root) => {
    const runs = generators(root).map(async (file) => {
      const { exitCode, output } = await runProgram(root, process.execPath, [file, "--check"]);
      return exitCode === 0 ? [] : [{ file, message: output || "finds its output stale" }];
    });
    return (await Promise.all(runs)).flat();
  },
};
