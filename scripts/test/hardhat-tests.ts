import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { startAnvil } from "../../test/support/anvil.ts";
import {
  type Counts,
  NO_TESTS,
  addCounts,
  parseForgeSummary,
  parseHardhatSummary,
} from "./counts.ts";

const FORGE = join(
  dirname(createRequire(import.meta.url).resolve("@foundry-rs/forge-linux-amd64/package.json")),
  "bin/forge",
);

export type ContractRun = { root: string; verbose: boolean; signal: AbortSignal };

type Tool = {
  /** As in the line that is printed. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly parse: (output: string, exitCode: number) => Counts;
};

/** Runs a test tool to its end and reads what it counted. */
export const runTool = async (
  tool: Tool,
  files: readonly string[],
  { root, verbose, signal }: ContractRun,
): Promise<Counts> => {
  const started = performance.now();
  const child = spawn(tool.command, tool.args, {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0", ...tool.env },
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

  const counts = tool.parse(output, exitCode);
  if (counts.failed > 0 && !verbose) console.log(output.trimEnd());
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const mark = counts.failed > 0 ? "✗" : "✓";
  console.log(
    `  ${mark} ${tool.name}: ${files.length} files, ${counts.passed} tests  ${seconds} s`,
  );
  return counts;
};

export const hardhat = (args: readonly string[]) => ({
  command: "hardhat",
  args,
  parse: parseHardhatSummary,
});

/**
 * Solidity tests: first on Hardhat's EVM, then, with the code that it compiled, on Foundry's, which is anvil's with cheat codes.
 * Naming the network makes them run under its hard fork instead of Hardhat's newest.
 */
const runSolidity = async (files: readonly string[], run: ContractRun): Promise<Counts> => {
  if (files.length === 0) return NO_TESTS;
  const name = "Solidity on Hardhat's EVM";
  const args = ["--network", "default", "test", "solidity", ...files];
  const first = await runTool({ name, ...hardhat(args) }, files, run);
  if (first.failed > 0 || run.signal.aborted) return first;
  const forge: Tool = {
    name: "Solidity on anvil's EVM",
    command: FORGE,
    args: ["test", "--force", "--root", run.root, "--match-path", `{${files.join(",")}}`],
    env: { FOUNDRY_CONFIG: join(run.root, "test/contracts/foundry.toml") },
    parse: parseForgeSummary,
  };
  const second = await runTool(forge, files, run);
  if (second.failed === 0 && second.passed !== first.passed) {
    console.log(`forge ran ${second.passed} of the ${first.passed} tests that Hardhat ran`);
    return addCounts(first, { ...second, failed: 1 });
  }
  return addCounts(first, second);
};

/** Contract tests in TypeScript on an anvil of their own. They are built already. */
export const runOnAnvil = async (files: readonly string[], run: ContractRun): Promise<Counts> => {
  if (files.length === 0) return NO_TESTS;
  // A call to the referee may take more than anvil's usual block; Hardhat's chain gives as much.
  // Without pruning anvil keeps the state after each block on disk: gigabytes of them, with so many deployments.
  const anvil = await startAnvil(["--gas-limit", "60000000", "--prune-history"]);
  try {
    // Time by the block and not by the clock, as deadlines in the tests are counted.
    await rpc(anvil.url, "anvil_setBlockTimestampInterval", [1]);
    const args = ["--network", "anvil", "test", "nodejs", "--no-compile", ...files];
    const env = { ASSAY_ANVIL_URL: anvil.url };
    return await runTool({ name: "TypeScript on anvil", env, ...hardhat(args) }, files, run);
  } finally {
    await anvil.close();
  }
};

const rpc = async (url: string, method: string, params: readonly unknown[]): Promise<void> => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer = (await response.json()) as { error?: { message: string } };
  if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
};

/** Deployment tests start the chain that they need. */
export const bringsItsChain = (file: string): boolean => file.startsWith("test/contracts/deploy/");

/** What takes minutes on anvil stays with Hardhat's EVM in `npm test`; on anvil `npm run test:deep` runs it. */
export const isLongOnAnvil = (file: string): boolean =>
  /^test\/contracts\/(fuzz\/|unit\/Disputes\/(accumulators|attacks|auditors|audits|draws|limits|moves|operands|refusals|wide)\.)/.test(
    file,
  );

/** Runs Solidity tests and contract tests in TypeScript on both EVMs, one after the other: both use all cores. */
export const runContractTests = async (
  files: readonly string[],
  run: ContractRun,
): Promise<Counts> => {
  const solidity = files.filter((file) => file.endsWith(".sol"));
  const typescript = files.filter((file) => file.endsWith(".ts"));
  let counts = await runSolidity(solidity, run);
  if (typescript.length === 0 || run.signal.aborted) return counts;
  const name = "TypeScript on Hardhat's EVM";
  const args = ["--network", "default", "test", "nodejs", ...typescript];
  counts = addCounts(counts, await runTool({ name, ...hardhat(args) }, typescript, run));
  if (run.signal.aborted) return counts;
  const onBoth = typescript.filter((file) => !isLongOnAnvil(file) && !bringsItsChain(file));
  return addCounts(counts, await runOnAnvil(onBoth, run));
};
