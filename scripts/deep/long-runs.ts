/**
 * Long runs of small presets: the same trace twice, numbers that stay finite, and memory that does not grow with the steps.
 * `--steps N` (default 20000).
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { noise } from "@assay/engine/autodiff/finite-differences";
import type { Words } from "@assay/engine/backend";
import { elements } from "@assay/engine/ir/shape";
import type { Program } from "@assay/engine/ir/types";
import { cnn, LENET } from "@assay/engine/models/cnn";
import { mlp } from "@assay/engine/models/mlp";
import { transformerLm } from "@assay/engine/models/transformer";
import { runJob } from "@assay/engine/trace/run";
import { createWasmBackend, wasmBackend } from "@assay/engine/wasm/backend";

const { values } = parseArgs({ options: { steps: { type: "string", default: "20000" } } });
const steps = Number(values.steps);
const MIB = 2 ** 20;
/** What a process's memory may differ by between two moments of a run that keeps nothing. */
const MOST_GROWTH = 24 * MIB;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const length = { steps, interval: Math.max(1, steps / 10) };
const training = { ...length, batch: 4, trainRows: 40, heldOutRows: 10, outputs: 3 };
const optimizer = {
  kind: "adamw",
  learningRate: 0.001,
  clipNorm: 1,
  schedule: { kind: "cosine", warmup: 100 },
} as const;

const PRESETS: Readonly<Record<string, Program>> = {
  mlp: mlp({
    ...training,
    inputs: 64,
    hidden: [32],
    activation: "tanh",
    dropout: 0.1,
    optimizer,
  }),
  cnn: cnn({
    ...training,
    ...LENET,
    image: { height: 16, width: 16, channels: 1 },
    activation: "relu",
    optimizer,
  }),
  "transformer-lm": transformerLm({
    ...length,
    vocabulary: 20,
    context: 8,
    width: 16,
    layers: 1,
    heads: 2,
    dropout: 0.1,
    optimizer,
    batch: 2,
    trainTokens: 200,
    heldOutTokens: 100,
  }),
};

const columnsOf = (program: Program): Words[] =>
  program.data.map(({ dtype, shape }, k) => {
    const numbers = noise(elements(shape), k + 1);
    return dtype === "f32"
      ? new Uint32Array(Float32Array.from(numbers).buffer)
      : Uint32Array.from(numbers, (v) => Math.floor(1.4 * (v + 1)));
  });

/** Bytes that the process holds once the garbage is collected. */
const held = (): number => {
  collect();
  return process.memoryUsage().rss;
};

for (const backend of [wasmBackend, createWasmBackend({ lanes: "narrow", threads: 2 })]) {
  for (const [name, program] of Object.entries(PRESETS)) {
    const inputs = { data: columnsOf(program), parent: [], seed: 5n };
    const run = async () => {
      const memory: number[] = [];
      const result = await runJob({
        backend,
        program,
        inputs,
        onCheckpoint: () => void memory.push(held()),
      });
      return { result, memory };
    };
    const [first, second] = [await run(), await run()];
    assert.equal(first.result.step, steps);
    assert.equal(second.result.traceRoot, first.result.traceRoot, `${name}: another trace`);
    const loss = first.result.evaluation[program.outputs.findIndex((o) => o.name === "loss")];
    const value = new Float32Array((loss ?? new Uint32Array([0x7fc00000])).slice().buffer)[0];
    assert.ok(Number.isFinite(value), `${name}: a loss of ${value}`);
    // The second run's first checkpoint has seen everything that is made once.
    const [begun = 0, ...later] = second.memory.slice(1);
    const growth = Math.max(...later) - begun;
    assert.ok(growth < MOST_GROWTH, `${name}: memory grew by ${(growth / MIB).toFixed(1)} MiB`);
    console.log(
      `${backend.name} ${name}: ${steps} steps twice, one trace, loss ${value?.toFixed(3)}, memory grew by ${(growth / MIB).toFixed(1)} MiB`,
    );
  }
}
process.exit(0);
