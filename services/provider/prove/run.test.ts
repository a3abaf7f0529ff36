import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { printProgram } from "@assay/engine/ir/json";
import { smallClassifier } from "@assay/engine/testing/small-classifier";
import { saveCheckpoint } from "@assay/engine/trace/checkpoints";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { createLogger } from "@assay/runtime/logger";
import { zeroHash, type Hex } from "viem";
import { checkpointFolder } from "../jobs/checkpoints.ts";
import { openSubmittedRun } from "./run.ts";
import { gameAt } from "./testing.ts";
import { openWitness } from "./witness.ts";

const program = smallClassifier({ steps: 12 });
const data = () =>
  program.data.map(({ shape }) => new Uint32Array(shape.reduce((a, b) => a * b, 1)).fill(1));
const NO_CLAIMS = { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 } as const;
const OTHER: Hex = `0x${"0a".repeat(32)}`;

/** A job's folder after a run whose files name these roots, and what a game about it is bound to. */
const ranWith = async (t: TestContext, change: (roots: readonly Hex[]) => readonly Hex[]) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-prove-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { checkpointRoots } = await runJob({
    backend: wasmBackend,
    program,
    inputs: { data: data(), parent: [], seed: 3n },
    onCheckpoint: async ({ step, roots, state }) => {
      await saveCheckpoint(folder, program, { step, roots: change(roots), state });
    },
  });
  const roots = change(checkpointRoots);
  const bound = {
    checkpoints: roots.length - 1,
    prefixRoot: treeRoot(nodeHasher, roots.slice(0, -1)),
    stateRoot: roots.at(-1) ?? zeroHash,
  };
  const parts = {
    jobId: zeroHash,
    request: { seed: 3n, startRoot: zeroHash, startStep: 0 },
    folder,
    checkpoints: checkpointFolder(folder, 2 ** 30),
    inputs: () =>
      Promise.resolve({
        program,
        programText: printProgram(program),
        data: data(),
        parent: [],
        start: undefined,
      }),
    engine: PLAIN_ENGINE,
    logger: createLogger({ name: "test", level: "silent" }),
    signal: new AbortController().signal,
  };
  return { folder, roots, bound, parts };
};

const opened = async (t: TestContext, ran: Awaited<ReturnType<typeof ranWith>>) => {
  const { data: run, load } = await openSubmittedRun(ran.parts, ran.bound);
  const witness = openWitness(run, load);
  t.after(() => witness.close());
  return { run, witness };
};

const second = (node: Hex) =>
  gameAt("checkpoint", "cross", { position: { node, index: 2, height: 0, count: 3 } }).position;

test("a run answers from its folder, and from a folder that lost its files", async (t) => {
  const ran = await ranWith(t, (roots) => roots);
  const { witness } = await opened(t, ran);
  const move = await witness.answer(second(ran.roots[2] ?? zeroHash), NO_CLAIMS);
  assert.equal(move.move, "crossSteps");
  const chunk = await witness.modelChunk(0, 0);

  for (const name of await readdir(ran.folder)) await rm(join(ran.folder, name));
  const again = await opened(t, ran);
  assert.deepEqual(again.run.roots, ran.roots);
  assert.deepEqual(await again.witness.answer(second(ran.roots[2] ?? zeroHash), NO_CLAIMS), move);
  assert.deepEqual(await again.witness.modelChunk(0, 0), chunk);
  assert.equal((await readdir(ran.folder)).length, ran.roots.length);
});

test("a folder with other checkpoints than were submitted is refused before anything is sent", async (t) => {
  const { parts, bound } = await ranWith(t, (roots) => roots);
  await assert.rejects(openSubmittedRun(parts, { ...bound, prefixRoot: OTHER }), {
    code: "PROVER_RUN_DIFFERS",
  });
});

test("a submission that this machine got wrong is found out where its own run differs", async (t) => {
  const ran = await ranWith(t, (roots) => roots.map((root, i) => (i === 2 ? OTHER : root)));
  const { witness } = await opened(t, ran);
  await assert.rejects(witness.answer(second(OTHER), NO_CLAIMS), { code: "ENGINE_GAME_MISMATCH" });
});

test("a question that the run cannot answer fails, and the next one is answered", async (t) => {
  const ran = await ranWith(t, (roots) => roots);
  const { witness } = await opened(t, ran);
  await assert.rejects(witness.modelChunk(99, 0), { code: "PROVER_CRASHED", retryable: true });
  assert.equal((await witness.modelChunk(0, 0)).rank, program.state[0]?.shape.length);
  await witness.close();
  await assert.rejects(witness.modelChunk(0, 0), { code: "PROVER_CRASHED" });
});
