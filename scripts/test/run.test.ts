import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";

const RUNNER = fileURLToPath(new URL("run.ts", import.meta.url));

const run = (...args: string[]): { status: number | null; lines: string[] } => {
  // Node refuses a test run inside a test run unless this says that it is none.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, [RUNNER, ...args], {
    encoding: "utf8",
    env,
  });
  return { status, lines: stdout.trimEnd().split("\n") };
};

describe("npm test", () => {
  test("default: ends with the count that the runner reported", () => {
    const { status, lines } = run("--only", "unit", "scripts/test/options.test.ts");
    assert.equal(lines.at(-1), "3 passed, 0 failed");
    assert.equal(status, 0);
  });

  test("behavior: a run without tests is no success", () => {
    const { status, lines } = run("no/such/file");
    assert.equal(lines.at(-1), "0 passed, 0 failed");
    assert.equal(status, 1);
  });
});
