import assert from "node:assert/strict";
import { it } from "node:test";
import { readMnist } from "../datasets/mnist.ts";
import { trainMnist } from "./mnist-mlp.ts";

it("the split is 8,000 to 2,000 and keeps every fifth row of file order", () => {
  const columns = readMnist();
  assert.deepEqual(
    columns.map(({ name, shape }) => [name, ...shape]),
    [
      ["train.x", 8000, 784],
      ["train.y", 8000],
      ["heldout.x", 2000, 784],
      ["heldout.y", 2000],
    ],
  );
  const [, train, , heldOut] = columns.map(({ words }) => words);
  assert.deepEqual([train?.[800], train?.[801], heldOut?.[199], heldOut?.[200]], [0, 1, 0, 1]);
});

it("the demo's model reaches 95 % of the held-out digits", async () => {
  const { accuracy } = await trainMnist(readMnist(), 1n);
  assert.ok(accuracy >= 0.95, `accuracy ${accuracy}`);
});
