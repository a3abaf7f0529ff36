import { existsSync } from "node:fs";
import { join } from "node:path";

import { lineAt, matchingFiles, readText } from "./files.ts";
import type { Finding, Rule } from "./rule.ts";

/** Vectors of arithmetic are lists of bits: they have no given, when and it. */
const WITHOUT = "test/contracts/unit/Float32/";

const ERROR = /\b(?:Market|Ledger|Staking|Parameters|Provenance|Reputation|StoredCode)[A-Z]\w+/g;
const ASSERTED = /\bI?[A-Z]\w*\.([A-Z]\w+)\.selector/g;

const SOLIDITY_TEST = /\.t\.sol$/;
const treeOf = (file: string): string => file.replace(SOLIDITY_TEST, ".tree");
const testOf = (file: string): string => file.replace(/\.tree$/, ".t.sol");

/** Contracts' errors that a test file asserts: what it calls by selector, where the name is an error's. */
const assertedIn = (text: string): Map<string, number> =>
  new Map(
    [...text.matchAll(ASSERTED)]
      .filter((match) => new RegExp(`^${ERROR.source}$`).test(match[1] ?? ""))
      .map((match) => [match[1] ?? "", lineAt(text, match.index)]),
  );

const compare = (root: string, file: string): Finding[] => {
  const tree = treeOf(file);
  if (!existsSync(join(root, tree))) return [{ file, message: `has no ${tree} beside it` }];
  const text = readText(root, tree);
  const told = new Map([...text.matchAll(ERROR)].map(({ 0: name, index }) => [name, index]));
  const asserted = assertedIn(readText(root, file));
  return [
    ...[...asserted]
      .filter(([name]) => !told.has(name))
      .map(([name, line]) => ({
        file,
        line,
        message: `asserts ${name}; its tree does not say so`,
      })),
    ...[...told]
      .filter(([name]) => !asserted.has(name))
      .map(([name, at]) => ({
        file: tree,
        line: lineAt(text, at),
        message: `says ${name}; its test does not assert it`,
      })),
  ];
};

export const trees: Rule = {
  name: "trees",
  remedy: "say in the .tree beside a Solidity test what the test does, error by error",
  find: async (root) => {
    const folders = ["test/contracts/unit/**/", "test/contracts/findings/**/"];
    const tests = matchingFiles(
      root,
      folders.map((folder) => `${folder}*.t.sol`),
    ).filter((file) => !file.startsWith(WITHOUT));
    const orphans = matchingFiles(
      root,
      folders.map((folder) => `${folder}*.tree`),
    ).filter((file) => !existsSync(join(root, testOf(file))));
    return [
      ...tests.flatMap((file) => compare(root, file)),
      ...orphans.map((file) => ({ file, message: "has no test beside it" })),
    ];
  },
};
