import { globSync } from "node:fs";

import type { Phase } from "./options.ts";

const PATTERNS: Record<Phase, readonly string[]> = {
  contracts: ["test/contracts/**/*.t.sol", "test/contracts/**/*.test.ts"],
  unit: ["services/**/*.test.ts", "services/**/*.test.tsx", "scripts/**/*.test.ts"],
  integration: ["test/integration/**/*.test.ts"],
  e2e: ["test/e2e/**/*.test.ts"],
};

const isForeign = (name: string): boolean => name === "node_modules" || name === ".build";

/** The test files of a phase, as sorted paths from the root, that the filters let through. */
export const testFiles = (root: string, phase: Phase, filters: readonly string[]): string[] =>
  globSync([...PATTERNS[phase]], { cwd: root, exclude: isForeign })
    .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
    .sort();
