/**
 * The numbered invariants of the market under at least a million random calls. Needs compiled contracts
 * (`npx hardhat build`). `--calls N`: in all (default 1000000).
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
const FILE = "test/contracts/invariant/market.t.sol";
/** As in hardhat.config.ts. */
const DEPTH = 64;

const { values } = parseArgs({ options: { calls: { type: "string", default: "1000000" } } });
const campaigns = readFileSync(join(ROOT, FILE), "utf8").match(/function invariant_/g)?.length ?? 0;
const runs = Math.ceil(Number(values.calls) / (campaigns * DEPTH));

const started = performance.now();
const { status } = spawnSync("hardhat", ["--network", "default", "test", "solidity", FILE], {
  cwd: ROOT,
  env: { ...process.env, ASSAY_INVARIANT_RUNS: String(runs) },
  stdio: ["ignore", "inherit", "inherit"],
});
if (status !== 0) process.exit(status ?? 1);
const calls = (campaigns * runs * DEPTH).toLocaleString("en");
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `${campaigns} campaigns of ${runs} runs: ${calls} calls, every invariant held (${seconds} s)`,
);
