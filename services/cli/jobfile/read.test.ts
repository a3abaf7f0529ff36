import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { parse } from "yaml";
import { readJobFile } from "./read.ts";
import { jobFileTemplate } from "./template.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-jobfile-"));
after(() => rmSync(folder, { recursive: true }));

const TEMPLATE = jobFileTemplate({
  name: "spirals",
  data: "spirals.safetensors",
  preset: "mlp",
  hidden: [8],
  batch: 4,
  epochs: 2,
  checkpointEvery: 10,
  learningRate: 0.01,
  maximum: "1.20",
});

let files = 0;
const write = (text: string): string => {
  const file = join(folder, `${files++}.yaml`);
  writeFileSync(file, text);
  return file;
};

/** The template with the value at this path replaced; undefined leaves it out. */
const changed = (path: string, value: unknown): string => {
  const job = parse(TEMPLATE) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const place = keys.reduce<Record<string, unknown>>(
    (at, key) => (at[key] ??= /^[0-9]+$/.test(last) ? [] : {}) as Record<string, unknown>,
    job,
  );
  place[last] = value;
  return write(JSON.stringify(job));
};

/** Places that the error names. */
const placesOf = (file: string): string[] => {
  try {
    readJobFile(file);
  } catch (error) {
    assert.ok(isAssayError(error, "JOB_FILE_INVALID"), String(error));
    assert.ok(error.remedy);
    return (error.details["places"] as string[]).map((place) => place.split(":")[0] ?? "");
  }
  return assert.fail("was taken");
};

const WRONG: readonly (readonly [path: string, ...values: unknown[]])[] = [
  ["name", undefined, "", 7, "x".repeat(65)],
  ["model", undefined, "mlp", []],
  ["model.preset", undefined, "mpl"],
  ["model.hidden", undefined, [], 32, Array(17).fill(4)],
  ["model.hidden.0", 0, -3, 1.5, 8193, "32", null],
  ["model.activation", "reLU", 1],
  ["model.dropout", 1, -0.1, "half"],
  ["model.initialScale", 0, 11],
  ["optimizer", undefined, "adamw"],
  ["optimizer.kind", undefined, "adam"],
  ["optimizer.learningRate", undefined, 0, -1, 11, Number.NaN, "fast"],
  ["optimizer.beta1", 1, -0.1],
  ["optimizer.epsilon", 0],
  ["optimizer.weightDecay", -1, 2],
  ["optimizer.clipNorm", 0],
  ["optimizer.schedule.kind", "linear"],
  ["batch", undefined, 0, 1.5, 65_537, "32"],
  ["epochs", undefined, 0, -1, 10_001],
  ["checkpointEvery", undefined, 0, 0.5],
  ["seed", undefined, -1, 0.5, 2 ** 53, "7"],
  ["data", undefined, "", 7],
  ["limits", undefined, "1.20"],
  ["limits.maximum", undefined, 1.2, "1,20", "-1", "", "1.20 tUSD"],
  ["limits.runTime", undefined, 0, 1.5, 2_592_001],
  ["limits.patience", 0, 2_592_001],
  ["limits.minCollateral", 2, "two"],
  ["limits.statedLoss", "-2"],
  ["constraints.regions", "eu-west"],
  ["constraints.minCpuCores", 0, "4"],
  ["constraints.minReputation", 10_001],
  ["constraints.maxSeconds", 0],
  ["constraints.allow.0", "harbor", "0x12"],
  ["constraints.weights.price", 2, -1],
];

describe("readJobFile", () => {
  test("default: reads what `assay init` writes, and finds the data beside it", () => {
    const { job, dataFile } = readJobFile(write(TEMPLATE));
    assert.equal(job.name, "spirals");
    assert.equal(job.limits.maximum, "1.20");
    assert.equal(dataFile, join(folder, "spirals.safetensors"));
  });

  for (const [path, ...values] of WRONG) {
    test(`error: names ${path} where it is wrong`, () => {
      for (const value of values)
        assert.deepEqual(placesOf(changed(path, value)), [path], JSON.stringify(value));
    });
  }

  test("error: refuses fields it does not know, in every room", () => {
    const rooms = ["", "model.", "optimizer.", "limits.", "constraints.", "constraints.weights."];
    for (const room of rooms) {
      const [place] = placesOf(changed(`${room}surprise`, 1));
      assert.equal(place, room === "" ? "(top)" : room.slice(0, -1));
    }
  });

  test("error: momentum is for sgd and betas for adamw", () => {
    assert.deepEqual(placesOf(changed("optimizer.momentum", 0.9)), ["optimizer"]);
    assert.deepEqual(
      placesOf(changed("optimizer", { kind: "sgd", learningRate: 0.1, beta1: 0.9 })),
      ["optimizer"],
    );
  });

  test("error: names every wrong field at once", () => {
    const file = write(JSON.stringify({ name: 1, batch: 0, epochs: "two" }));
    assert.deepEqual(placesOf(file), [
      "name",
      "model",
      "optimizer",
      "batch",
      "epochs",
      "checkpointEvery",
      "seed",
      "data",
      "limits",
    ]);
  });

  test("error: says where the file is not YAML, and what to do where there is none", () => {
    assert.throws(
      () => readJobFile(write("name: [unclosed")),
      (error) => isAssayError(error, "JOB_FILE_INVALID") && /line 1/.test(error.message),
    );
    assert.throws(
      () => readJobFile(join(folder, "none.yaml")),
      (error) =>
        isAssayError(error, "JOB_FILE_UNREADABLE") && /assay init/.test(error.remedy ?? ""),
    );
    assert.deepEqual(placesOf(write("")), ["(top)"]);
  });
});
