import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { Finding, Rule } from "./rule.ts";
import { PROJECT } from "./tool.ts";

/** The settings that the tools read; a small tree gets the project's own, so that these are tested too. */
const SETTINGS = [
  "package.json",
  "tsconfig.json",
  ".oxlintrc.json",
  ".solhint.json",
  ".editorconfig",
];

/** Applies a rule to a tree of the given files, in a temporary folder with the project's tools and settings. */
export const findIn = async (
  rule: Rule,
  files: Readonly<Record<string, string>>,
): Promise<Finding[]> => {
  const root = mkdtempSync(join(tmpdir(), "assay-check-"));
  try {
    for (const name of SETTINGS) copyFileSync(join(PROJECT, name), join(root, name));
    symlinkSync(join(PROJECT, "node_modules"), join(root, "node_modules"));
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return await rule.find(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

/** All messages in one text, to match against. */
export const messages = (findings: readonly Finding[]): string =>
  findings.map(({ message }) => message).join("\n");
