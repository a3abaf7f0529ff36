import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noise } from "../../autodiff/finite-differences.ts";
import type { Words } from "../../backend.ts";
import { elements, terms } from "../../ir/shape.ts";
import type { Program } from "../../ir/types.ts";
import { cnn } from "../../models/cnn.ts";
import { mlp } from "../../models/mlp.ts";
import { transformerLm } from "../../models/transformer.ts";
import { playFault } from "../../testing/games.ts";
import type { RandomCase } from "../../testing/program.ts";
import { honestRun } from "../../testing/runs.ts";
import { wasmBackend } from "../../wasm/backend.ts";

const f32 = (values: readonly number[]): Words => new Uint32Array(Float32Array.from(values).buffer);
const i32 = (values: readonly number[]): Words => new Uint32Array(Int32Array.from(values).buffer);

const labels = (rows: number) => i32(Array.from({ length: rows }, (_, row) => row % 3));
const rows = (width: number): Words[] => [
  f32(noise(16 * width, 1)),
  labels(16),
  f32(noise(8 * width, 2)),
  labels(8),
];
const tokens = (length: number) => i32(noise(length, 3).map((v) => Math.floor(3.5 * (v + 1))));

const training = { batch: 4, steps: 2, interval: 2, trainRows: 16, heldOutRows: 8, outputs: 3 };
const adamw = { kind: "adamw", learningRate: 0.01, clipNorm: 1 } as const;

const presets: readonly (readonly [string, Program, readonly Words[]])[] = [
  [
    "mlp with dropout and momentum",
    mlp({
      ...training,
      inputs: 12,
      hidden: [9],
      activation: "gelu",
      dropout: 0.2,
      optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0.9 },
    }),
    rows(12),
  ],
  [
    "cnn with AdamW",
    cnn({
      ...training,
      image: { height: 6, width: 6, channels: 1 },
      blocks: [
        { kind: "convolution", filters: 3, size: 3, padding: 1 },
        { kind: "maxPool", size: 2 },
      ],
      hidden: [],
      activation: "relu",
      optimizer: adamw,
    }),
    rows(36),
  ],
  [
    "transformer-lm with AdamW",
    transformerLm({
      vocabulary: 7,
      context: 6,
      width: 8,
      layers: 1,
      heads: 2,
      optimizer: adamw,
      batch: 2,
      steps: 2,
      interval: 2,
      trainTokens: 60,
      heldOutTokens: 20,
    }),
    [tokens(60), tokens(20)],
  ],
];

describe("a fault in a training step", () => {
  for (const [name, program, data] of presets) {
    it(`is found in any op that matters: ${name}`, async () => {
      const job: RandomCase = { program, inputs: { data, parent: [], seed: 5n } };
      const run = await honestRun(job, { backend: wasmBackend });
      let found = 0;
      const stride = Math.ceil(program.step.length / 30);
      for (let op = program.step.length % stride; op < program.step.length; op += stride) {
        const { out } = program.step[op]!;
        const element = Math.floor(elements(out.shape) / 2);
        const term = Math.floor(terms(program.step[op]!) / 2);
        const flip = { list: "step", step: 1, op, element, term } as const;
        const verdict = await playFault(job, run, { flip });
        if (verdict === undefined) continue;
        found++;
        assert.equal(verdict.winner, "challenger");
        assert.equal(verdict.reason, "scalar");
        const section = { list: "step", interval: 1, step: 1 };
        assert.deepEqual(verdict.position, { kind: "scalar", section, op, element, term });
      }
      assert.ok(found >= 12, `only ${found} faults had an effect`);
      await run.descent.close();
    });
  }
});
