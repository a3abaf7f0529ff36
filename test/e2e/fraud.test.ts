import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { createTestClient, http } from "viem";

const ROOT = join(import.meta.dirname, "..", "..");

/** Long enough for the busiest machine: the test lets the chain's time pass once nothing else is left to do. */
const CLOCK = 900;

/** Runs the demo to its end; its output. */
const tell = async (): Promise<string> => {
  const child = spawn(
    process.execPath,
    ["scripts/demo/demo.ts", "--fraud", "--clock", String(CLOCK)],
    { cwd: ROOT, timeout: 1_800_000, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exit = once(child, "exit");
  const lines: string[] = [];
  for await (const coloured of createInterface({ input: child.stdout })) {
    const line = stripVTControlCharacters(coloured);
    lines.push(line);
    const left = /what is left of it: (\d+) s/.exec(line)?.[1];
    if (left === undefined) continue;
    const url = /chain 31337 at (\S+)/.exec(lines.join("\n"))?.[1];
    const client = createTestClient({ mode: "hardhat", transport: http(url) });
    await client.increaseTime({ seconds: Number(left) });
    await client.mine({ blocks: 1 });
  }
  const [code] = (await exit) as [number | null];
  const told = lines.join("\n");
  assert.equal(code, 0, told);
  return told;
};

test("a provider that skips half of the training is caught, played down to one scalar, and slashed", async () => {
  const stdout = await tell();
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
