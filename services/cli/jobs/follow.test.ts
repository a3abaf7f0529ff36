import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { engineLines } from "./follow.ts";

const report = { memoryBytes: 14_880_000, fileBytes: 0, slowShare: 0.2, slowCount: 3 };
const slow = ["step[4]: op 4: permute lane by lane", "step[9]: one element at a time"];
const lines = (...given: Parameters<typeof engineLines>): string[] =>
  engineLines(...given).map(stripVTControlCharacters);

test("says that a program runs at full speed, and in how much memory", () => {
  assert.deepEqual(lines({ ...report, slowShare: 0, slowCount: 0, slow: [] }), [
    "compiled: 14.9 MB of memory, every op at full speed",
  ]);
});

test("says that the data set is read from disk, where it is", () => {
  const onDisk = { ...report, fileBytes: 5_000_000_000 };
  const [, file] = lines({ ...onDisk, slowShare: 0, slowCount: 0, slow: [] });
  assert.match(file ?? "", /^the data set \(5(\.00?)? GB\) has no room there: /);
  assert.equal(lines({ ...onDisk, slow }).at(-1), file);
});

test("names the ops below full speed where they cost time, else one of them", () => {
  const [head, ...named] = lines({ ...report, slow });
  assert.match(head ?? "", /20 % of a step, first of 3:$/);
  assert.deepEqual(
    named,
    slow.map((one) => `  ${one}`),
  );
  assert.equal(lines({ ...report, slowShare: 0.001, slow }).length, 2);
  assert.equal(lines({ ...report, slowCount: 9, slow: [...slow, ...slow, ...slow] }).length, 5);
});
