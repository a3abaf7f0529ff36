import { parseArgs } from "node:util";

export const PHASES = ["contracts", "unit", "integration", "e2e"] as const;
export type Phase = (typeof PHASES)[number];

export type Options = {
  phases: readonly Phase[];
  /** Parts of paths; a file runs when it contains any of them. Empty: every file runs. */
  filters: readonly string[];
  /** Show the whole output of each runner, not only of what failed. */
  verbose: boolean;
};

const isPhase = (name: string): name is Phase => PHASES.some((phase) => phase === name);

/** Reads `npm test -- [--only PHASE]… [--verbose] [part of a path]…`. */
export const readOptions = (args: readonly string[]): Options => {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { only: { type: "string", multiple: true }, verbose: { type: "boolean" } },
    allowPositionals: true,
  });
  const only = values.only ?? [];
  const unknown = only.find((name) => !isPhase(name));
  if (unknown !== undefined) {
    throw new Error(`no phase is called ${unknown}; there are ${PHASES.join(", ")}`);
  }
  return {
    phases: only.length === 0 ? PHASES : PHASES.filter((phase) => only.includes(phase)),
    filters: positionals.map((part) => part.replace(/^\.\//, "")),
    verbose: values.verbose ?? false,
  };
};
