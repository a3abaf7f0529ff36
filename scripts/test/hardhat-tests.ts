import { spawn } from "node:child_process";

import { type Counts, NO_TESTS, addCounts, parseHardhatSummary } from "./counts.ts";

type HardhatRun = { root: string; verbose: boolean; signal: AbortSignal };

const runHardhat = async (
  runner: "solidity" | "nodejs",
  files: readonly string[],
  { root, verbose, signal }: HardhatRun,
): Promise<Counts> => {
  if (files.length === 0) return NO_TESTS;
  const started = performance.now();
  // Naming the network makes Solidity tests run under its hard fork instead of Hardhat's newest.
  const child = spawn("hardhat", ["--network", "default", "test", runner, ...files], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
    signal,
  });
  let output = "";
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
    if (verbose) process.stdout.write(chunk);
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const exitCode = await new Promise<number>((resolve) => {
    child.on("error", (error) => {
      output += error.message;
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });

  const counts = parseHardhatSummary(output, exitCode);
  if (counts.failed > 0 && !verbose) console.log(output.trimEnd());
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const mark = counts.failed > 0 ? "✗" : "✓";
  console.log(
    `  ${mark} hardhat ${runner}: ${files.length} files, ${counts.passed} tests  ${seconds} s`,
  );
  return counts;
};

/** Runs Solidity tests and contract tests in TypeScript, one after the other: both compile. */
export const runContractTests = async (
  files: readonly string[],
  run: HardhatRun,
): Promise<Counts> => {
  const solidity = files.filter((file) => file.endsWith(".sol"));
  const typescript = files.filter((file) => file.endsWith(".ts"));
  const first = await runHardhat("solidity", solidity, run);
  return addCounts(first, await runHardhat("nodejs", typescript, run));
};
