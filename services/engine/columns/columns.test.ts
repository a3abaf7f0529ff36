import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { isInFile } from "./column.ts";
import { stageProgram } from "./program.ts";
import { cnn } from "../models/cnn.ts";
import { mlp } from "../models/mlp.ts";
import { transformerLm } from "../models/transformer.ts";
import type { Program } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import { assertSameBits, compareRandomPrograms, PROGRAM_FAMILIES } from "../testing/compare.ts";
import { openDataFolder, type DataFolder } from "../testing/in-files.ts";
import { SMALL_PRESETS } from "../testing/small-presets.ts";
import { createWasmBackend, wasmBackend } from "../wasm/backend.ts";
import { compile } from "../wasm/compile.ts";
import { NARROW_TILE } from "../wasm/microkernel.ts";

let folder: DataFolder;
before(async () => {
  folder = await openDataFolder();
});
after(() => folder.close());

describe("a data set in a file", () => {
  for (const { what, options } of PROGRAM_FAMILIES)
    test(`gives the bits of one in memory: ${what}`, async () => {
      await compareRandomPrograms(folder.backend(wasmBackend), options, 0, 50);
      await compareRandomPrograms(folder.backend(referenceBackend), options, 0, 50);
      const some = folder.backend(wasmBackend, (column) => column % 2 === 0);
      await compareRandomPrograms(some, options, 100, 25);
    });

  test("gives them on two threads", async () => {
    const backend = folder.backend(
      createWasmBackend({ lanes: "narrow", threads: 2, leastWork: 1 }),
    );
    await compareRandomPrograms(backend, {}, 200, 10);
  });

  for (const [name, { program, data }] of Object.entries(SMALL_PRESETS))
    test(`trains a preset to the same bits: ${name}`, async () => {
      const inputs = { data, parent: [], seed: 5n };
      await assertSameBits(folder.backend(wasmBackend), program, inputs, name, program.steps);
    });

  test("that became shorter ends a run with ENGINE_COLUMN_UNREADABLE", async () => {
    const { program, data } = SMALL_PRESETS["mlp with dropout and momentum"];
    const inputs = await folder.inFile({ data, parent: [], seed: 5n });
    const execution = await wasmBackend.prepare(program, inputs);
    execution.init();
    const [column] = inputs.data;
    assert.ok(column !== undefined && isInFile(column));
    await truncate(column.path, column.begin);
    assert.throws(
      () => execution.run(1),
      (error) => isAssayError(error, "ENGINE_COLUMN_UNREADABLE") && error.retryable,
    );
    execution.close();
  });

  test("that is not there is refused with ENGINE_COLUMN_UNREADABLE", async () => {
    const { program, data } = SMALL_PRESETS["mlp with dropout and momentum"];
    const gone = data.map(({ length }) => ({ path: "/nowhere/data", begin: 0, length }));
    const inputs = { data: gone, parent: [], seed: 5n };
    for (const backend of [wasmBackend, referenceBackend])
      await assert.rejects(backend.prepare(program, inputs), (error) =>
        isAssayError(error, "ENGINE_COLUMN_UNREADABLE"),
      );
  });
});

describe("the memory of a job whose data set is in a file", () => {
  const training = { batch: 32, steps: 10, interval: 10, heldOutRows: 100_000 } as const;
  const sgd = { kind: "sgd", learningRate: 0.1 } as const;
  const evaluateAtMost = 100;
  const presets: Readonly<Record<string, (rows: number) => Program>> = {
    mlp: (trainRows) =>
      mlp({
        ...training,
        evaluateAtMost,
        trainRows,
        inputs: 784,
        outputs: 10,
        hidden: [64],
        activation: "relu",
        optimizer: sgd,
      }),
    cnn: (trainRows) =>
      cnn({
        ...training,
        evaluateAtMost,
        trainRows,
        outputs: 10,
        image: { height: 28, width: 28, channels: 1 },
        blocks: [{ kind: "convolution", filters: 4, size: 3, padding: 1 }],
        hidden: [],
        activation: "relu",
        optimizer: sgd,
      }),
    "transformer-lm": (trainRows) =>
      transformerLm({
        vocabulary: 64,
        context: 32,
        width: 16,
        layers: 1,
        heads: 2,
        steps: 10,
        interval: 10,
        batch: 4,
        trainTokens: 784 * trainRows,
        heldOutTokens: 10_000_000,
        evaluateAtMost: 8,
        optimizer: sgd,
      }),
  };
  for (const [name, make] of Object.entries(presets))
    test(`does not grow with the data set: ${name}`, () => {
      const memoryOf = (program: Program): number =>
        compile(stageProgram(program, () => true).program, NARROW_TILE).report.peakBytes;
      const [small, large] = [make(10_000), make(300_000)];
      assert.equal(memoryOf(large), memoryOf(small));
      assert.ok(memoryOf(large) < 32 * 2 ** 20, `${memoryOf(large)} bytes`);
      assert.ok(compile(large, NARROW_TILE).report.peakBytes > 800 * 2 ** 20);
    });
});
