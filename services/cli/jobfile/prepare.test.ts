import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { isInFile, wholeColumn } from "@assay/engine/columns/column";
import { column } from "@assay/engine/data/dataset";
import { encodeSafetensors, type NamedWords } from "@assay/engine/data/safetensors";
import { mlp } from "@assay/engine/models/mlp";
import { isAssayError } from "@assay/protocol/errors";
import { ownGrant } from "./grant.ts";
import { checkMemory, jobColumns, prepareJob } from "./prepare.ts";
import { jobFileTemplate } from "./template.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-prepare-"));
after(() => rmSync(folder, { recursive: true }));

const TOKEN = { symbol: "tUSD", decimals: 6 };

const columns = (): Record<string, NamedWords> => ({
  "train.x": column("train.x", { dtype: "f32", shape: [12, 2] }, Array(24).fill(0.5)),
  "train.y": column(
    "train.y",
    { dtype: "i32", shape: [12] },
    Array.from({ length: 12 }, (_, row) => row % 3),
  ),
  "heldout.x": column("heldout.x", { dtype: "f32", shape: [3, 2] }, Array(6).fill(0.5)),
  "heldout.y": column("heldout.y", { dtype: "i32", shape: [3] }, [0, 1, 2]),
});

const dataFile = join(folder, "data.safetensors");
const jobFile = join(folder, "job.yaml");

/** Prepares a job of batch 4 on these columns, or these bytes. */
const prepare = (data: Uint8Array | Record<string, NamedWords>, maximum = "1.20") => {
  const bytes = data instanceof Uint8Array ? data : encodeSafetensors(Object.values(data));
  writeFileSync(dataFile, bytes);
  writeFileSync(
    jobFile,
    jobFileTemplate({
      name: "small",
      data: "data.safetensors",
      preset: "mlp",
      hidden: [4],
      batch: 4,
      epochs: 5,
      checkpointEvery: 100,
      learningRate: 0.01,
      maximum,
    }),
  );
  return prepareJob(jobFile, TOKEN);
};

const refused = (
  code: string,
  data: Uint8Array | Record<string, NamedWords>,
  maximum?: string,
): Promise<void> => assert.rejects(prepare(data, maximum), (error) => isAssayError(error, code));

const replaced = (name: string, tensor: NamedWords): Record<string, NamedWords> => ({
  ...columns(),
  [name]: tensor,
});

describe("prepareJob", () => {
  test("default: sizes follow from the data, work from the program, amounts from the token", async () => {
    const { program, units, maximum, seed } = await prepare(columns());
    assert.equal(program.steps, 15);
    assert.equal(program.interval, 15, "no longer than the job");
    assert.equal(units.total, units.init + 15n * units.step + units.eval);
    assert.equal(maximum, 1_200_000n);
    assert.equal(seed, 7n);
    const shapes = program.state.filter(({ parameter }) => parameter).map(({ shape }) => shape);
    assert.deepEqual(
      shapes.map((shape) => [...shape]),
      [[2, 4], [4], [4, 3], [3]],
    );
  });

  test("behavior: the same files give the same roots, another value another", async () => {
    const first = await prepare(columns());
    const second = await prepare(columns());
    assert.equal(first.programRoot, second.programRoot);
    assert.equal(first.dataRoot, second.dataRoot);
    const other = columns();
    const words = other["train.x"]?.words;
    if (words) words[3] = 1;
    assert.notEqual((await prepare(other)).dataRoot, first.dataRoot);
  });

  test("error: data that is missing, broken, or lacks a column", async () => {
    await refused("ENGINE_SAFETENSORS_INVALID", new TextEncoder().encode("not a tensor file"));
    await refused("ENGINE_SAFETENSORS_INVALID", new Uint8Array());
    await refused(
      "ENGINE_SAFETENSORS_INVALID",
      encodeSafetensors(Object.values(columns())).subarray(0, -4),
    );
    for (const name of Object.keys(columns())) {
      const { [name]: _gone, ...rest } = columns();
      await refused("DATA_COLUMN_MISSING", rest);
    }
    rmSync(dataFile);
    await assert.rejects(prepareJob(jobFile, TOKEN), (error) =>
      isAssayError(error, "DATA_UNREADABLE"),
    );
  });

  test("error: columns that do not go together", async () => {
    const x = (shape: readonly number[]): NamedWords =>
      column("train.x", { dtype: "f32", shape }, Array(shape.reduce((a, b) => a * b, 1)).fill(0.5));
    await refused("DATA_COLUMN_MISSING", replaced("train.x", x([12, 2, 1])));
    await refused("ENGINE_DATA_COLUMN", replaced("train.x", x([11, 2])));
    await refused("ENGINE_DATA_COLUMN", replaced("train.x", x([12, 3])));
    const whole = column("train.x", { dtype: "i32", shape: [12, 2] }, Array(24).fill(1));
    await refused("ENGINE_DATA_COLUMN", replaced("train.x", whole));
  });

  test("error: labels that are not classes", async () => {
    const labels = (values: readonly number[]): NamedWords =>
      column("train.y", { dtype: "i32", shape: [12] }, values);
    await refused("DATA_LABELS_INVALID", replaced("train.y", labels(Array(12).fill(-1))));
    await refused("DATA_LABELS_INVALID", replaced("train.y", labels(Array(12).fill(70_000))));
    const real = column("train.y", { dtype: "f32", shape: [12] }, Array(12).fill(1));
    await refused("DATA_LABELS_INVALID", replaced("train.y", real));
  });

  test("error: fewer rows than a batch; more decimals than the token has", async () => {
    const few = {
      ...columns(),
      "train.x": column("train.x", { dtype: "f32", shape: [3, 2] }, Array(6).fill(0.5)),
      "train.y": column("train.y", { dtype: "i32", shape: [3] }, [0, 1, 2]),
    };
    await refused("DATA_TOO_FEW_ROWS", few);
    await refused("USAGE_BAD_AMOUNT", columns(), "0.0000001");
  });

  test("behavior: a job is run here on its columns in memory, and where there is no room for them on those in the file", async () => {
    const prepared = await prepare(columns());
    assert.equal(prepared.dataPlace, "memory");
    const data = await jobColumns(prepared);
    assert.deepEqual(
      data,
      prepared.program.data.map(({ name }) => columns()[name]?.words),
    );
    const placed = await jobColumns(prepared, { ...ownGrant(), memoryBytes: 0 });
    assert.ok(placed.every((one) => isInFile(one) && one.path === dataFile));
    assert.deepEqual(placed.map(wholeColumn), data);
  });

  test("error: a program that no WebAssembly memory holds is refused before it is posted", () => {
    const programOf = (trainRows: number, heldOutRows: number) =>
      mlp({
        inputs: 200,
        hidden: [1200],
        outputs: 10,
        activation: "relu",
        optimizer: { kind: "sgd", learningRate: 0.1 },
        batch: 64,
        steps: 10,
        interval: 10,
        trainRows,
        heldOutRows,
      });
    assert.equal(checkMemory(programOf(2 ** 20, 2 ** 16)), "memory");
    // Of training rows a step reads few: those beyond what a memory holds stay on disk.
    assert.equal(checkMemory(programOf(6 * 2 ** 20, 2 ** 16)), "file");
    assert.throws(
      () => checkMemory(programOf(2 ** 20, 2 ** 20)),
      (error) =>
        isAssayError(error, "ENGINE_MEMORY_LIMIT") && /evaluateAtMost/.test(error.remedy ?? ""),
    );
  });
});
