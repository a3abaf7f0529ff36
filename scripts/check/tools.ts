import { matchingFiles } from "./files.ts";
import type { Rule } from "./rule.ts";
import { findWithTool } from "./tool.ts";

export const types: Rule = {
  name: "types",
  remedy: "correct the types; `npx tsc` shows them again",
  find: (root) => findWithTool(root, "tsc", ["-p", ".", "--pretty", "false"]),
};

export const lint: Rule = {
  name: "lint",
  remedy: "correct the code; `npx oxlint --fix` corrects some of it",
  find: (root) => findWithTool(root, "oxlint", ["--deny-warnings", "--format", "unix"]),
};

export const lintSolidity: Rule = {
  name: "lint-solidity",
  remedy: "correct the contract; the rules are in .solhint.json",
  find: async (root) => {
    const files = matchingFiles(root, ["contracts/**/*.sol"]);
    return files.length === 0
      ? []
      : findWithTool(root, "solhint", [
          "--max-warnings",
          "0",
          "--noPoster",
          "--disc",
          "-f",
          "unix",
          ...files,
        ]);
  },
};

export const format: Rule = {
  name: "format",
  remedy: "run `npm run format`",
  find: (root) =>
    findWithTool(root, "prettier", [
      "--check",
      "--log-level=warn",
      "--cache",
      "--cache-location=.build/prettier",
      ".",
      "!**/generated/**",
    ]),
};

export const deadCode: Rule = {
  name: "dead-code",
  remedy: "delete it, or stop exporting it; `npx knip` shows it again",
  find: (root) => findWithTool(root, "knip", ["--no-progress", "--no-config-hints"]),
};
