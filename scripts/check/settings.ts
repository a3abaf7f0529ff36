import { matchingFiles, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";
import { parseSource } from "./source.ts";

const isConfig = (file: string): boolean => /^services\/[^/]+\/config\.ts$/.test(file);
const SCHEMA = /export const environment\b/;

const judge = (root: string, file: string): Finding[] => {
  const text = readText(root, file);
  const reads = parseSource(file, text).environmentReads;
  if (!isConfig(file)) {
    return reads.map((line) => ({ file, line, message: "reads process.env outside config.ts" }));
  }
  return reads.length > 0 && !SCHEMA.test(text)
    ? [{ file, message: "reads process.env but exports no `environment` schema" }]
    : [];
};

export const settings: Rule = {
  name: "settings",
  remedy:
    "add the key to `environment` in the package's config.ts and pass its value on as an argument",
  find: async (root) =>
    matchingFiles(root, ["services/*/**/*.{ts,tsx,mts,mjs}"])
      .filter((file) => !/\.test\.tsx?$/.test(file))
      .flatMap((file) => judge(root, file)),
};
