import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { noise } from "../autodiff/finite-differences.ts";
import type { Backend, Words } from "../backend.ts";
import { checkProgram } from "../ir/check.ts";
import type { Program } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import { wasmBackend } from "../wasm/backend.ts";
import { compile } from "../wasm/compile.ts";
import { NARROW_TILE } from "../wasm/microkernel.ts";
import { cnn, type CnnOptions, LENET, residualBlocks } from "./cnn.ts";
import { transformerLm, type TransformerOptions } from "./transformer.ts";

const f32 = (values: readonly number[]): Words => new Uint32Array(Float32Array.from(values).buffer);
const i32 = (values: readonly number[]): Words => new Uint32Array(Int32Array.from(values).buffer);

interface Result {
  readonly state: Words[];
  readonly metrics: Words[];
}

const run = async (backend: Backend, program: Program, data: Words[]): Promise<Result> => {
  const execution = await backend.prepare(program, { data, parent: [], seed: 3n });
  execution.init();
  execution.run(program.steps);
  const result = { state: execution.state(), metrics: execution.evaluate() };
  execution.close();
  return result;
};

const metric = (program: Program, result: Result, name: string): number => {
  const words = result.metrics[program.outputs.findIndex((o) => o.name === name)];
  return new Float32Array(words?.slice().buffer ?? new ArrayBuffer(4))[0] ?? NaN;
};

const sameOnAllBackEnds = async (program: Program, data: Words[]): Promise<void> => {
  checkProgram(program);
  const [a, b] = await Promise.all(
    [referenceBackend, wasmBackend].map((backend) => run(backend, program, data)),
  );
  assert.deepEqual(a, b);
};

const image = { height: 8, width: 8, channels: 1 };
const ROWS = 48;
const HELD_OUT = 24;

const small: CnnOptions = {
  image,
  blocks: [
    { kind: "convolution", filters: 4, size: 3, padding: 1 },
    { kind: "maxPool", size: 2 },
  ],
  hidden: [8],
  outputs: 2,
  activation: "relu",
  optimizer: { kind: "sgd", learningRate: 0.05, momentum: 0.9 },
  batch: 8,
  steps: 60,
  interval: 10,
  trainRows: ROWS,
  heldOutRows: HELD_OUT,
};

/** Noise with a bright bar that stands (class 0) or lies (class 1), somewhere. */
const bars = (): Words[] =>
  [ROWS, HELD_OUT].flatMap((rows, part) => {
    const x = noise(rows * 64, 20 + part).map((v) => 0.2 * v);
    const y = Array.from({ length: rows }, (_, row) => row % 2);
    for (let row = 0; row < rows; row++) {
      const place = ((row >> 1) * 5 + part) % 8;
      for (let k = 0; k < 8; k++)
        x[row * 64 + (row % 2 === 0 ? k * 8 + place : place * 8 + k)]! += 1;
    }
    return [f32(x), i32(y)];
  });

describe("cnn", () => {
  it("tells standing bars from lying ones, wherever they are", async () => {
    const program = cnn({ ...small, steps: 150 });
    const accuracy = metric(program, await run(wasmBackend, program, bars()), "accuracy");
    assert.ok(accuracy >= 0.9, `accuracy ${accuracy}`);
  });

  for (const [name, change] of [
    ["convolution and max pooling", { steps: 2 }],
    [
      "LeNet",
      { ...LENET, image: { height: 16, width: 16, channels: 1 }, hidden: [10], batch: 4, steps: 2 },
    ],
    [
      "a residual network with batch norm",
      { blocks: residualBlocks([4, 6], 1), hidden: [], steps: 2, dropout: 0.1 },
    ],
    [
      "groups, dilation and mean pooling",
      {
        blocks: [
          { kind: "convolution", filters: 4, size: 3, padding: 1, stride: 2 },
          { kind: "convolution", filters: 4, size: 3, padding: 2, dilation: 2, groups: 2 },
          { kind: "averagePool", size: 2 },
        ],
        activation: "gelu",
        steps: 2,
      },
    ],
  ] as const satisfies readonly (readonly [string, Partial<CnnOptions>])[])
    it(`has the same bits on every back end: ${name}`, async () => {
      const options = { ...small, ...change };
      const pixels = options.image.height * options.image.width;
      const data = [ROWS, HELD_OUT].flatMap((rows, part) => [
        f32(noise(rows * pixels, 30 + part)),
        i32(Array.from({ length: rows }, (_, row) => row % 2)),
      ]);
      await sameOnAllBackEnds(cnn(options), data);
    });
});

const language: TransformerOptions = {
  vocabulary: 7,
  context: 8,
  width: 16,
  layers: 2,
  heads: 2,
  optimizer: { kind: "adamw", learningRate: 0.01, clipNorm: 1 },
  batch: 8,
  steps: 150,
  interval: 50,
  trainTokens: 400,
  heldOutTokens: 101,
};

/** A text in which each token is one more than the one two before it, except for a few slips. */
const text = (length: number, slips: number): number[] => {
  const tokens = [1, 3];
  const chance = noise(length, slips);
  for (let k = 2; k < length; k++)
    tokens.push(((tokens[k - 2] ?? 0) + ((chance[k] ?? 0) > 0.9 ? 4 : 1)) % 7);
  return tokens;
};

describe("transformer-lm", () => {
  it("learns that a token follows from the one two before it", async () => {
    const program = transformerLm(language);
    const result = await run(wasmBackend, program, [i32(text(400, 1)), i32(text(101, 2))]);
    const perplexity = metric(program, result, "perplexity");
    assert.ok(perplexity < 2, `perplexity ${perplexity}`);
    assert.ok(Math.abs(Math.exp(metric(program, result, "loss")) - perplexity) < 1e-4);
  });

  it("has the same bits on every back end", async () => {
    const program = transformerLm({ ...language, steps: 2, interval: 1, dropout: 0.1 });
    await sameOnAllBackEnds(program, [i32(text(400, 1)), i32(text(101, 2))]);
  });

  it("refuses texts shorter than the context", () => {
    assert.throws(
      () => transformerLm({ ...language, heldOutTokens: 8 }),
      (e) => isAssayError(e, "ENGINE_GRAPH"),
    );
  });
});

describe("evaluation of some of the held-out data", () => {
  const metricsOn = async (program: Program, data: Words[]): Promise<Words[]> =>
    (await run(wasmBackend, program, data)).metrics;

  it("reads rows at equal distances, and takes less memory", async () => {
    const all = bars();
    const every = [0, 4, 8, 12, 16];
    const rowsOf = (words: Words | undefined, width: number): Words =>
      Uint32Array.from(
        every.flatMap((row) => Array.from((words ?? []).slice(row * width, (row + 1) * width))),
      );
    const few = [all[0], all[1], rowsOf(all[2], 64), rowsOf(all[3], 1)] as Words[];
    const options = { ...small, steps: 4 };
    const some = cnn({ ...options, evaluateAtMost: 5 });
    assert.deepEqual(
      await metricsOn(some, all),
      await metricsOn(cnn({ ...options, heldOutRows: 5 }), few),
    );
    const peak = (program: Program): number => compile(program, NARROW_TILE).report.peakBytes;
    const large = { ...small, heldOutRows: 4096 };
    assert.ok(peak(cnn({ ...large, evaluateAtMost: 8 })) < 0.6 * peak(cnn(large)));
  });

  it("reads runs of tokens at equal distances", async () => {
    const [train, heldOut] = [i32(text(400, 1)), i32(text(101, 2))];
    const options = { ...language, steps: 3 };
    const some = transformerLm({ ...options, evaluateAtMost: 1 });
    const short = transformerLm({ ...options, heldOutTokens: 9 });
    assert.deepEqual(
      await metricsOn(some, [train, heldOut]),
      await metricsOn(short, [train, heldOut.slice(0, 9)]),
    );
    const accuracy = async (most: number): Promise<number> =>
      metric(
        some,
        {
          state: [],
          metrics: await metricsOn(transformerLm({ ...options, evaluateAtMost: most }), [
            train,
            heldOut,
          ]),
        },
        "accuracy",
      );
    assert.equal(await accuracy(12), await accuracy(99));
  });

  it("wants at least one", () => {
    for (const evaluateAtMost of [0, 1.5])
      assert.throws(
        () => cnn({ ...small, evaluateAtMost }),
        (e) => isAssayError(e, "ENGINE_GRAPH"),
      );
  });
});
