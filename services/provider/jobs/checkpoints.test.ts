import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { smallClassifier } from "@assay/engine/testing/small-classifier";
import { stateRoot } from "@assay/engine/trace/roots";
import type { Hex } from "viem";
import { checkpointFolder } from "./checkpoints.ts";

const program = smallClassifier({ steps: 40, interval: 1 });
const stateAt = (step: number) =>
  program.state.map(({ shape }) => new Uint32Array(shape.reduce((a, b) => a * b, 1)).fill(step));

test("checkpoints stay inside their space, the first and the latest always among them", async (t) => {
  const folder = join(await mkdtemp(join(tmpdir(), "assay-checkpoints-")), "job");
  t.after(() => rm(folder, { recursive: true, force: true }));
  const checkpoints = checkpointFolder(folder, 20_000);
  const roots: Hex[] = [];
  for (let step = 0; step <= 40; step++) {
    const state = stateAt(step);
    roots.push(stateRoot(program, state));
    await checkpoints.save(program, { step, roots: roots.slice(), state });
    const files = (await readdir(folder)).sort();
    assert.match(files[0] ?? "", /-0+\./);
    assert.match(files.at(-1) ?? "", new RegExp(`-0*${step}\\.`));
  }
  const files = await readdir(folder);
  assert.ok(files.length > 4 && files.length < 30, `${files.length} files`);
  const latest = await checkpoints.latest(program);
  assert.equal(latest?.step, 40);
  assert.deepEqual(latest?.state, stateAt(40));
  await checkpoints.remove();
  assert.equal(await checkpoints.latest(program), undefined);
});
