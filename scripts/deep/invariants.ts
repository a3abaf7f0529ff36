/**
 * The numbered invariants of the market under at least a million random calls, with what they did. Needs compiled contracts
 * (`npx hardhat build`). `--calls N`: in all (default 1000000).
 */
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

// The settings of Hardhat read these when it is imported.
process.env["ASSAY_INVARIANT_RUNS"] = String(runs);
process.env["HARDHAT_NETWORK"] = "default";
process.chdir(ROOT);
const { default: hre } = await import("hardhat");

type Figures = { readonly calls: bigint; readonly reverts: bigint };
type Campaign = Figures & { readonly metrics: Readonly<Record<string, Figures>> };
type Outcome = {
  readonly success: boolean;
  readonly value?: Suites;
  readonly error?: Suites;
};
type Suites = {
  readonly suiteResults: readonly {
    readonly testResults: readonly { readonly name: string; readonly kind: object }[];
  }[];
};

const started = performance.now();
const outcome: Outcome = await hre.tasks
  .getTask(["test", "solidity"])
  .run({ testFiles: [FILE], grep: "invariant_" });
const { suiteResults } = outcome.value ?? outcome.error ?? { suiteResults: [] };
const seconds = ((performance.now() - started) / 1000).toFixed(0);

let [calls, reverts] = [0n, 0n];
const actions = new Map<string, { calls: bigint; done: bigint }>();
for (const { testResults } of suiteResults)
  for (const { kind } of testResults) {
    if (!("metrics" in kind)) continue;
    const campaign = kind as Campaign;
    calls += campaign.calls;
    reverts += campaign.reverts;
    for (const [name, figures] of Object.entries(campaign.metrics)) {
      const action = name.split(".").at(-1) ?? name;
      const known = actions.get(action) ?? { calls: 0n, done: 0n };
      known.calls += figures.calls;
      known.done += figures.calls - figures.reverts;
      actions.set(action, known);
    }
  }

const figure = (value: bigint): string => value.toLocaleString("en").padStart(11);
for (const [name, { calls: tried, done }] of [...actions].sort(([a], [b]) => a.localeCompare(b)))
  console.log(`${name.padEnd(16)} ${figure(tried)} calls, ${figure(done)} did something`);
console.log(
  `${campaigns} campaigns of ${runs} runs: ${figure(calls).trim()} calls, of which ${figure(calls - reverts).trim()} ` +
    `did something and ${figure(reverts).trim()} were refused or found nothing to do (${seconds} s)`,
);
if (!outcome.success || calls < BigInt(values.calls)) {
  console.error(outcome.success ? "fewer calls than asked" : "an invariant does not hold");
  process.exitCode = 1;
}
