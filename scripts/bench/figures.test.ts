import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const FIGURES = new URL("figures.ts", import.meta.url).href;

const run = (notes: string, ...args: readonly string[]) => {
  const code = `import { createFigures } from ${JSON.stringify(FIGURES)};
const { note, finish } = createFigures();
${notes}
finish();`;
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--input-type=module", "-e", code, "--", ...args],
    { encoding: "utf8" },
  );
  return { status, lines: stdout.trim().split("\n") };
};

test("every figure is an object of the last line, with its ratio and whether it reaches its goal", () => {
  const { status, lines } = run(
    `note("gas", 300, "gas", { baseline: 400, goal: { most: 1 } });
note("speed", 12, "1/s", { goal: { least: 10 } });
note("bytes", 5, "B");`,
    "--json",
  );
  assert.equal(status, 0);
  assert.equal(lines.length, 4);
  assert.deepEqual(JSON.parse(lines.at(-1) ?? ""), {
    gas: { value: 300, unit: "gas", baseline: 400, ratio: 0.75, goal: { most: 1 }, ok: true },
    speed: { value: 12, unit: "1/s", baseline: null, ratio: null, goal: { least: 10 }, ok: true },
    bytes: { value: 5, unit: "B", baseline: null, ratio: null, goal: null, ok: null },
  });
});

test("a goal that is missed fails the benchmark, on either side of it", () => {
  for (const goal of ["{ most: 0.99 }", "{ least: 1.01 }"]) {
    const { status, lines } = run(`note("gas", 400, "gas", { baseline: 400, goal: ${goal} });`);
    assert.equal(status, 1);
    assert.match(lines.at(-1) ?? "", /✗$/);
  }
  const met = run(`note("gas", 400, "gas", { baseline: 400, goal: { least: 1, most: 1 } });`);
  assert.equal(met.status, 0);
  assert.match(met.lines.at(-1) ?? "", /✓$/);
});
