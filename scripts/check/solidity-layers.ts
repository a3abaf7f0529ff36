import { join, normalize } from "node:path";

import { lineAt, matchingFiles, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";

const OPEN_ZEPPELIN = "@openzeppelin/contracts";

/** What the shared folders import; every other folder is a domain and imports all of these, and itself. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  types: ["types"],
  libraries: ["types", "libraries", "interfaces"],
  interfaces: ["types", "interfaces"],
};
/** Test doubles may reach anything, and nothing but tests may reach them. */
const MOCKS = "mocks";

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
const IMPORT = /\bimport\s+(?:[^"';]*?\bfrom\s+)?["']([^"']+)["']/g;

const folderOf = (file: string): string => file.split("/")[1] ?? "";

const judgeImport = (file: string, path: string): string | undefined => {
  const own = folderOf(file);
  if (own === MOCKS) return undefined;
  if (path.startsWith(`${OPEN_ZEPPELIN}/`)) return undefined;
  const target = path.startsWith(".") ? normalize(join(file, "..", path)) : path;
  if (!target.startsWith("contracts/"))
    return `imports ${path}, which is neither ours nor OpenZeppelin's`;
  const other = folderOf(target);
  const allowed = SHARED[own] ?? [...Object.keys(SHARED), own];
  return allowed.includes(other)
    ? undefined
    : `${own}/ imports ${other}/; it may import ${allowed.join(", ")} and OpenZeppelin`;
};

const judge = (root: string, file: string): Finding[] => {
  const text = readText(root, file).replaceAll(COMMENT, (comment) =>
    comment.replaceAll(/[^\n]/g, " "),
  );
  return [...text.matchAll(IMPORT)].flatMap((match) => {
    const message = judgeImport(file, match[1] ?? "");
    return message === undefined ? [] : [{ file, line: lineAt(text, match.index), message }];
  });
};

export const solidityLayers: Rule = {
  name: "solidity-layers",
  remedy: "meet the other domain through an interface in contracts/interfaces",
  find: async (root) =>
    matchingFiles(root, ["contracts/**/*.sol"]).flatMap((file) => judge(root, file)),
};
