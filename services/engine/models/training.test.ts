import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkGradients, noise } from "../autodiff/finite-differences.ts";
import { Sketch } from "../builder/evaluate.ts";
import { mul } from "../builder/elementwise.ts";
import { dropout } from "../builder/random.ts";
import { argmax } from "../builder/reduce.ts";
import { confusionMatrix } from "./training.ts";

describe("confusion matrix", () => {
  it("counts each class by what it was taken for", async () => {
    const [rows, classes] = [200, 5];
    const predicted = noise(rows, 1).map((v) => Math.floor(2.5 * (v + 1)));
    const labels = noise(rows, 2).map((v) => Math.floor(2.5 * (v + 1)));
    const sketch = new Sketch();
    const matrix = confusionMatrix(
      sketch.column("i32", [rows], predicted),
      sketch.column("i32", [rows], labels),
      classes,
    );
    const [counts] = await sketch.run([matrix]);
    const wanted = Array.from({ length: classes * classes }, () => 0);
    labels.forEach((label, row) => (wanted[label * classes + (predicted[row] ?? 0)]! += 1));
    assert.deepEqual(counts, wanted);
  });

  it("leaves out labels that are no class, and rows whose logits are NaN", async () => {
    const sketch = new Sketch();
    const logits = sketch.column("f32", [3, 2], [1, 0, 0, 1, Number.NaN, 1]);
    const labels = sketch.column("i32", [3], [0, 7, 1]);
    const [counts] = await sketch.run([confusionMatrix(argmax(logits), labels, 2)]);
    assert.deepEqual(counts, [1, 0, 0, 0]);
  });
});

describe("dropout", () => {
  it("has the gradient that finite differences have", async () => {
    await checkGradients([[4, 6]], ([x]) => dropout(9, mul(x!, x!), 0.4));
  });
});
