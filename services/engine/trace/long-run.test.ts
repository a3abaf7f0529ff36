import assert from "node:assert/strict";
import { it } from "node:test";
import { noise } from "../autodiff/finite-differences.ts";
import { mlp } from "../models/mlp.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { runJob } from "./run.ts";

const STEPS = 20_000;
const program = mlp({
  inputs: 4,
  hidden: [8],
  outputs: 3,
  activation: "tanh",
  dropout: 0.1,
  optimizer: { kind: "adamw", learningRate: 0.01, schedule: { kind: "cosine", warmup: 100 } },
  batch: 4,
  steps: STEPS,
  interval: 2000,
  trainRows: 40,
  heldOutRows: 10,
});

const columns = [40, 10].flatMap((rows, part) => [
  new Uint32Array(Float32Array.from(noise(rows * 4, part + 1)).buffer),
  Uint32Array.from({ length: rows }, (_, row) => row % 3),
]);

it("a run of 20,000 steps has the same trace twice, and stays finite", async () => {
  const run = () =>
    runJob({ backend: wasmBackend, program, inputs: { data: columns, parent: [], seed: 5n } });
  const [first, second] = [await run(), await run()];
  assert.equal(first.step, STEPS);
  assert.deepEqual(second.checkpointRoots, first.checkpointRoots);
  assert.equal(second.traceRoot, first.traceRoot);
  assert.equal(new Set(first.checkpointRoots).size, 11);
  const loss = first.evaluation[program.outputs.findIndex(({ name }) => name === "loss")];
  assert.ok(Number.isFinite(new Float32Array(loss?.slice().buffer ?? new ArrayBuffer(4))[0]));
});
