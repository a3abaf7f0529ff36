import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify, stripVTControlCharacters } from "node:util";

const ROOT = join(import.meta.dirname, "..", "..");

test("a provider that skips half of the training is caught, played down to one scalar, and slashed", async () => {
  const { stdout: coloured } = await promisify(execFile)(
    process.execPath,
    ["scripts/demo/demo.ts", "--fraud"],
    { cwd: ROOT, timeout: 1_800_000, maxBuffer: 2 ** 24 },
  );
  const stdout = stripVTControlCharacters(coloured);
  // The demo holds every amount against the chain itself and fails where one is not as it should be.
  assert.match(stdout, /✓ challenged: dispute 1, bond /);
  for (const level of ["checkpoint", "step", "state", "op", "chunk"])
    assert.match(stdout, new RegExp(`^ {2}${level} +\\S.*moves?$`, "m"));
  const claimed = /claimed +(0x[0-9a-f]{8})/.exec(stdout)?.[1];
  const computed = /computed +(0x[0-9a-f]{8})/.exec(stdout)?.[1];
  assert.ok(claimed !== undefined && computed !== undefined);
  assert.notEqual(claimed, computed);
  assert.match(stdout, /the watcher called it: provider lost/);
  assert.match(stdout, /the requester has its whole escrow back/);
  assert.match(stdout, /Done: caught, slashed, and paid for by the cheat/);
});
