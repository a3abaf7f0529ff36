import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkGradients, noise } from "../autodiff/finite-differences.ts";
import { Sketch } from "../builder/evaluate.ts";
import { mul } from "../builder/elementwise.ts";
import { crossEntropy, meanSquaredError, softmax } from "./losses.ts";

const close = (a: readonly number[] | undefined, b: readonly number[], tolerance = 1e-6): void => {
  assert.equal(a?.length, b.length);
  b.forEach((v, k) =>
    assert.ok(Math.abs((a?.[k] ?? NaN) - v) <= tolerance, `${a?.join()} ≠ ${b.join()}`),
  );
};

const exactSoftmax = (row: readonly number[]): number[] => {
  const top = Math.max(...row);
  const e = row.map((v) => Math.exp(v - top));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / total);
};

describe("softmax", () => {
  it("sums to one and stands large inputs", async () => {
    const rows = [
      [1, 2, 3],
      [1000, 1001, 900],
      [-5, -5, -5],
    ];
    const sketch = new Sketch();
    const x = sketch.column("f32", [3, 3], rows.flat());
    const [y] = await sketch.run([softmax(x)]);
    close(y, rows.flatMap(exactSoftmax));
  });

  it("has the gradient that finite differences have", async () => {
    await checkGradients([[2, 4]], ([x]) => softmax(mul(x!, 2)));
  });
});

describe("cross-entropy", () => {
  it("is the negative log-probability of the label, stable for large logits", async () => {
    const rows = [
      [1, 2, 3],
      [300, -300, 0],
      [0, 0, 0],
    ];
    const labels = [2, 1, 0];
    const sketch = new Sketch();
    const x = sketch.column("f32", [3, 3], rows.flat());
    const y = sketch.column("i32", [3], labels);
    const [loss] = await sketch.run([crossEntropy(x, y)]);
    close(loss, [-Math.log(exactSoftmax([1, 2, 3])[2] ?? 0), 600, Math.log(3)], 1e-4);
  });

  it("has the gradient that finite differences have", async () => {
    await checkGradients([[3, 4]], ([x], sketch) =>
      crossEntropy(mul(x!, 2), sketch.column("i32", [3], [3, 0, 1])),
    );
  });
});

describe("mean squared error", () => {
  it("has its value and gradient", async () => {
    const sketch = new Sketch();
    const [x, y] = [
      [1, 2, 3, 5],
      [1, 1, 1, 1],
    ].map((v) => sketch.column("f32", [2, 2], v));
    const [loss] = await sketch.run([meanSquaredError(x!, y!)]);
    close(loss, [21 / 4]);
    await checkGradients(
      [
        [2, 3],
        [2, 3],
      ],
      ([a, b]) => meanSquaredError(a!, b!),
      {
        values: [noise(6, 5), noise(6, 6)],
      },
    );
  });
});
