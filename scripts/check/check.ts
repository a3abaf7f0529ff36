// Runs every rule, or those named: `npm run check`, `npm run check -- types layers`.
import { availableParallelism } from "node:os";

import { type Finding, type Rule, formatFinding } from "./rule.ts";
import { RULES } from "./rules.ts";
import { PROJECT } from "./tool.ts";

const SHOWN = 50;

/** True when the rule holds. A rule that cannot run does not hold. */
const apply = async ({ name, remedy, find }: Rule): Promise<boolean> => {
  const started = performance.now();
  const findings = await find(PROJECT).catch((error: unknown): Finding[] => [
    { message: error instanceof Error ? (error.stack ?? error.message) : String(error) },
  ]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (findings.length === 0) {
    console.log(`✓ ${name}  ${seconds} s`);
    return true;
  }
  const lines = findings
    .slice(0, SHOWN)
    .map((finding) => formatFinding(finding).replace(/^/gm, "    "));
  if (findings.length > SHOWN) lines.push(`    and ${findings.length - SHOWN} more`);
  console.log([`✗ ${name}  ${seconds} s`, ...lines, `  next: ${remedy}`].join("\n"));
  return false;
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !RULES.some((rule) => rule.name === name));
if (unknown.length > 0) {
  console.error(
    `no rule is called ${unknown.join(", ")}; there are ${RULES.map((rule) => rule.name).join(", ")}`,
  );
  process.exit(2);
}

const queue = RULES.filter((rule) => wanted.length === 0 || wanted.includes(rule.name));
let broken = 0;
const work = async (): Promise<void> => {
  for (let rule = queue.shift(); rule !== undefined; rule = queue.shift()) {
    if (!(await apply(rule))) broken += 1;
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (broken > 0) console.log(`\n${broken} rules do not hold`);
process.exitCode = broken > 0 ? 1 : 0;
