/**
 * `npm run coverage`: lines and branches of `contracts/` that the contract tests reach on Hardhat's EVM. Exits with 1 when a test
 * fails, when a gap is not explained in `test/contracts/README.md`, or when an explanation has no gap any more. `--last`: compares
 * what the last run counted, for writing explanations.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { NO_TESTS, addCounts, closingLine, type Counts } from "../test/counts.ts";
import { testFiles } from "../test/files.ts";
import { bringsItsChain, hardhat, runTool } from "../test/hardhat-tests.ts";
import type { Counter } from "./instrument.ts";
import {
  compareWithExplanations,
  coverageOf,
  formatCoverage,
  gapsOf,
  readExplanations,
  type Hits,
} from "./report.ts";
import { measuredFiles, writeTree } from "./tree.ts";

const ROOT = join(import.meta.dirname, "../..");
const TREE = join(ROOT, ".build/coverage");
/** Where Hardhat leaves what it has collected: a file for each run, with hits by number in hexadecimal. */
const DATA = join(TREE, "coverage/data");
const COUNTERS = join(ROOT, ".build/coverage-counters.json");
const EXPLAINED = "test/contracts/README.md";

/** The random cases of `npm test`, so that a run can be compared with the table. */
const SEED = { ASSAY_TEST_SEED: "1" };

const runTests = async (): Promise<Counts> => {
  const files = testFiles(ROOT, "contracts", []).filter((file) => !bringsItsChain(file));
  const suites = [
    { name: "Solidity", verb: ["solidity"], files: files.filter((file) => file.endsWith(".sol")) },
    // Built already.
    {
      name: "TypeScript",
      verb: ["nodejs", "--no-compile"],
      files: files.filter((file) => file.endsWith(".ts")),
    },
  ];
  let counts = NO_TESTS;
  for (const { name, verb, files: own } of suites) {
    const args = ["--coverage", "--network", "default", "test", ...verb, ...own];
    const run = { root: TREE, verbose: false, signal: new AbortController().signal };
    counts = addCounts(counts, await runTool({ name, env: SEED, ...hardhat(args) }, own, run));
  }
  return counts;
};

const readHits = (): Hits => {
  const hits = new Map<number, number>();
  for (const file of globSync("*/*.json", { cwd: DATA })) {
    const counted = JSON.parse(readFileSync(join(DATA, file), "utf8")) as Record<string, number>;
    for (const [tag, times] of Object.entries(counted)) {
      const id = Number(BigInt(`0x${tag}`));
      hits.set(id, (hits.get(id) ?? 0) + times);
    }
  }
  return hits;
};

const { values } = parseArgs({ options: { last: { type: "boolean", default: false } } });
if (!values.last) {
  rmSync(DATA, { recursive: true, force: true });
  mkdirSync(TREE, { recursive: true });
  writeFileSync(COUNTERS, JSON.stringify(writeTree(ROOT, TREE)));
}
const counters = JSON.parse(readFileSync(COUNTERS, "utf8")) as readonly Counter[];
const counts = values.last ? NO_TESTS : await runTests();
const hits = readHits();
const sources = Object.fromEntries(
  measuredFiles(ROOT).map((file) => [file, readFileSync(join(ROOT, file), "utf8")]),
);
const gaps = gapsOf(counters, hits, sources);
const explanations = readExplanations(readFileSync(join(ROOT, EXPLAINED), "utf8"));
const { unexplained, stale } = compareWithExplanations(gaps, explanations);
console.log(`\n${formatCoverage(coverageOf(counters, hits))}\n`);
console.log(`${gaps.length} gaps, ${gaps.length - unexplained.length} explained in ${EXPLAINED}`);
for (const { file, line, text, never } of unexplained)
  console.log(`  ✗ ${file}:${line} never ${never}: ${text}`);
for (const { file, text, never } of stale)
  console.log(`  ✗ ${EXPLAINED} explains what is no gap: ${file} never ${never}: ${text}`);
if (!values.last) console.log(closingLine(counts));
const ran = values.last || (counts.failed === 0 && counts.passed > 0);
const good = ran && unexplained.length + stale.length === 0;
process.exitCode = good ? 0 : 1;
