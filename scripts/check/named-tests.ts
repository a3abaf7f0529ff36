import { existsSync } from "node:fs";
import { join } from "node:path";

import { lineAt, matchingFiles, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";

/** A test that a README names: its file, and words of its name between quotes, as ``[`file`] "name"``. */
const NAMED = /\[`([^`\n]+)`\] "([^"\n]+)"/g;

/** The words as a source may hold them: over line ends, and with quotes escaped or template holes filled. */
const normal = (text: string): string => text.replace(/\\(["'`])/g, "$1").replace(/\s+/g, " ");

const judge = (root: string, file: string): Finding[] => {
  const text = readText(root, file);
  return [...text.matchAll(NAMED)].flatMap(({ 1: path = "", 2: name = "", index }) => {
    const line = lineAt(text, index);
    if (!existsSync(join(root, path))) return [{ file, line, message: `names ${path}: no file` }];
    if (normal(readText(root, path)).includes(normal(name))) return [];
    return [{ file, line, message: `names a test that ${path} does not have: ${name}` }];
  });
};

export const namedTests: Rule = {
  name: "named-tests",
  remedy: "write the test's file and name as they are now, or bring the test back",
  find: async (root) =>
    matchingFiles(root, ["test/**/README.md"]).flatMap((file) => judge(root, file)),
};
