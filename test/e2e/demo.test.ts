import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";

const ROOT = join(import.meta.dirname, "..", "..");

test("the README's demo ends well: trained, paid, proven, and a changed weight is found", async () => {
  const { stdout: coloured } = await promisify(execFile)(
    process.execPath,
    ["scripts/demo/demo.ts"],
    {
      cwd: ROOT,
      timeout: 900_000,
      maxBuffer: 2 ** 24,
    },
  );
  const stdout = stripVTControlCharacters(coloured);
  assert.match(stdout, /✓ settled \(window\)/);
  assert.match(stdout, /accuracy 9[5-9]\.\d+ %, .*as the provider committed/);
  assert.match(stdout, /✓ everything holds/);
  assert.match(stdout, /✗ this exact model is on the chain/);
  assert.match(stdout, /Done: trained, paid, and proven/);
});
