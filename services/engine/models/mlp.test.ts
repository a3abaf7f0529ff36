import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { noise } from "../autodiff/finite-differences.ts";
import type { Backend, Words } from "../backend.ts";
import { checkProgram } from "../ir/check.ts";
import { referenceBackend } from "../reference/backend.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { mlp, type MlpOptions } from "./mlp.ts";

const ROWS = 96;
const HELD_OUT = 32;

const small: MlpOptions = {
  inputs: 6,
  hidden: [12],
  outputs: 3,
  activation: "tanh",
  optimizer: { kind: "sgd", learningRate: 0.2, momentum: 0.9 },
  batch: 8,
  epochs: 12,
  interval: 12,
  trainRows: ROWS,
  heldOutRows: HELD_OUT,
};

/** Rows whose class is the largest of three fixed linear functions of them. */
const columns = (): Words[] => {
  const directions = noise(18, 3);
  return [ROWS, HELD_OUT].flatMap((rows, part) => {
    const x = noise(rows * 6, 10 + part);
    const y = Array.from({ length: rows }, (_, r) => {
      const scores = [0, 1, 2].map((c) =>
        [0, 1, 2, 3, 4, 5].reduce(
          (sum, k) => sum + (x[r * 6 + k] ?? 0) * (directions[c * 6 + k] ?? 0),
          0,
        ),
      );
      return scores.indexOf(Math.max(...scores));
    });
    return [
      new Uint32Array(Float32Array.from(x).buffer),
      new Uint32Array(Int32Array.from(y).buffer),
    ];
  });
};

interface Result {
  readonly state: Words[];
  readonly correct: number;
  readonly accuracy: number;
  readonly heldOutLoss: number;
  readonly loss: number;
}

const train = async (backend: Backend, options: MlpOptions, steps?: number): Promise<Result> => {
  const program = mlp(options);
  const execution = await backend.prepare(program, { data: columns(), parent: [], seed: 11n });
  execution.init();
  execution.run(steps ?? program.steps);
  const state = execution.state();
  const [correct, accuracy, heldOut] = execution.evaluate();
  execution.close();
  const real = (words: Words | undefined): number =>
    Float32Array.from(words ? new Float32Array(words.buffer) : [])[0] ?? NaN;
  return {
    state,
    correct: correct?.[0] ?? NaN,
    accuracy: real(accuracy),
    heldOutLoss: real(heldOut),
    loss: real(state[program.state.findIndex((s) => s.name === "loss")]),
  };
};

describe("mlp", () => {
  it("is a valid program whose parameters and metrics are named", () => {
    const program = mlp(small);
    checkProgram(program);
    assert.deepEqual(
      program.state.filter((s) => s.parameter).map((s) => s.name),
      ["layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"],
    );
    assert.deepEqual(
      program.outputs.map((o) => o.name),
      ["correct", "accuracy", "loss", "confusion"],
    );
    assert.equal(program.steps, 12 * 12);
  });

  it("never computes the gradient of the rows", () => {
    const { batch, inputs } = small;
    const folds = mlp({ ...small, hidden: [7] }).step.filter(
      (op) => op.form === "fold" && op.out.shape.join() === [batch, inputs].join(),
    );
    assert.deepEqual(folds, []);
  });

  it("learns a linear rule, and tells what it got right", async () => {
    const { correct, accuracy, heldOutLoss, loss } = await train(wasmBackend, small);
    assert.ok(accuracy >= 0.8, `accuracy ${accuracy}`);
    assert.equal(Math.fround(correct / HELD_OUT), accuracy);
    assert.ok(heldOutLoss < 0.5 && loss < 0.5, `losses ${heldOutLoss}, ${loss}`);
  });

  for (const change of [
    { activation: "relu", dropout: 0.2 },
    { activation: "tanh", inputDropout: 0.3 },
    { activation: "gelu", optimizer: { kind: "adamw", learningRate: 0.01, clipNorm: 1 } },
    {
      activation: "silu",
      hidden: [9, 5],
      optimizer: { kind: "sgd", learningRate: 0.1, schedule: { kind: "cosine", warmup: 4 } },
    },
    {
      activation: "sigmoid",
      hidden: [],
      optimizer: {
        kind: "adamw",
        learningRate: 0.1,
        schedule: { kind: "step", every: 3, factor: 0.5 },
      },
    },
  ] as const satisfies readonly Partial<MlpOptions>[])
    it(`has the same bits on every back end: ${JSON.stringify(change)}`, async () => {
      const options = { ...small, ...change };
      const [a, b] = await Promise.all(
        [referenceBackend, wasmBackend].map((backend) => train(backend, options, 8)),
      );
      assert.deepEqual(a, b);
    });

  it("asks for steps or epochs, and for a batch that fits", () => {
    for (const wrong of [{ steps: 3 }, { epochs: undefined }, { batch: 97 }] as const)
      assert.throws(
        () => mlp({ ...small, ...wrong } as MlpOptions),
        (e) => isAssayError(e, "ENGINE_GRAPH"),
      );
  });
});
