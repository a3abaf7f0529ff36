import assert from "node:assert/strict";
import { it } from "node:test";
import { workUnits } from "../ir/units.ts";
import { mlp } from "../models/mlp.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { estimateJob, jobCounts } from "./estimate.ts";

const program = mlp({
  inputs: 10,
  hidden: [6],
  outputs: 3,
  activation: "relu",
  optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0.9 },
  batch: 4,
  steps: 25,
  interval: 10,
  trainRows: 8,
  heldOutRows: 4,
});

it("counts are exact: units, checkpoints, bytes", () => {
  const { init, step, eval: evaluation } = workUnits(program);
  const parameters = 10 * 6 + 6 + 6 * 3 + 3;
  assert.deepEqual(jobCounts(program), {
    units: init + 25n * step + evaluation,
    checkpoints: 3,
    checkpointBytes: 4 * (2 * parameters + 1),
    modelBytes: 4 * parameters,
  });
});

it("the estimate is the sum of its parts, for jobs of few and of many steps", async () => {
  const inputs = {
    data: program.data.map(({ shape }) => new Uint32Array(shape.reduce((a, b) => a * b, 1))),
    parent: [],
    seed: 1n,
  };
  for (const steps of [1, 25, 1_000_000]) {
    const job = { ...program, steps, interval: steps };
    const estimate = await estimateJob(wasmBackend, job, inputs, 30);
    assert.ok(estimate.stepSeconds > 0 && estimate.checkpointSeconds > 0);
    assert.ok(estimate.totalSeconds > steps * estimate.stepSeconds);
    assert.ok(estimate.speed.memoryBytes >= estimate.checkpointBytes);
    assert.equal(estimate.checkpoints, 1);
  }
});
