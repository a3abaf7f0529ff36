// Runs every test: `npm test`, or `npm test -- --only unit services/engine`.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { type Counts, NO_TESTS, addCounts, closingLine } from "./counts.ts";
import { testFiles } from "./files.ts";
import { runContractTests } from "./hardhat-tests.ts";
import { runNodeTests } from "./node-tests.ts";
import { type Options, readOptions } from "./options.ts";
import { startServers } from "./servers.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const TIMEOUT_MS = { unit: 5 * 60_000, integration: 10 * 60_000, e2e: 20 * 60_000 };

const runPhases = async (options: Options, signal: AbortSignal): Promise<Counts> => {
  const run = { root, verbose: options.verbose, signal };
  let total = NO_TESTS;
  let stopServers = async (): Promise<void> => undefined;
  try {
    for (const phase of options.phases) {
      const files = testFiles(root, phase, options.filters);
      if (signal.aborted) break;
      if (files.length === 0) {
        console.log(`${phase}: no test files`);
        continue;
      }
      console.log(`${phase}: ${files.length} files`);
      if (phase === "contracts") {
        total = addCounts(total, await runContractTests(files, run));
        continue;
      }
      if (process.env["ASSAY_TEST_SERVERS"] !== "started") {
        const servers = await startServers({
          databaseUrl: process.env["ASSAY_TEST_DATABASE_URL"],
          redisUrl: process.env["ASSAY_TEST_REDIS_URL"],
        });
        stopServers = servers.stop;
        // The processes of the tests inherit these.
        process.env["ASSAY_TEST_DATABASE_URL"] = servers.databaseUrl;
        process.env["ASSAY_TEST_REDIS_URL"] = servers.redisUrl;
        process.env["ASSAY_TEST_SERVERS"] = "started";
      }
      total = addCounts(total, await runNodeTests(files, { ...run, timeoutMs: TIMEOUT_MS[phase] }));
    }
  } finally {
    await stopServers();
  }
  return total;
};

// A red run must be repeatable by whoever sees it; another seed tries other cases.
process.env["ASSAY_TEST_SEED"] ??= "1";

const abort = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(name, () => abort.abort(new Error(name)));
}

let total = NO_TESTS;
let broken = false;
try {
  total = await runPhases(readOptions(process.argv.slice(2)), abort.signal);
} catch (error) {
  broken = true;
  console.error(error instanceof Error ? error.message : error);
}
if (abort.signal.aborted) console.error("interrupted");
if (total.passed + total.failed === 0 && !broken) console.error("no test ran");
console.log(`\n${closingLine(total)}`);
const green = total.failed === 0 && total.passed > 0 && !broken && !abort.signal.aborted;
process.exitCode = green ? 0 : 1;
