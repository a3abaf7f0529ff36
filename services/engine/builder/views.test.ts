import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { elements } from "./access.ts";
import { add } from "./elementwise.ts";
import { Sketch } from "./evaluate.ts";
import { type F32, iota, type Tensor } from "./graph.ts";
import { broadcastTo, diagonal, gather, pad, reshape, slice, transpose, windows } from "./views.ts";

const count = (n: number): number[] => Array.from({ length: n }, (_, k) => k + 1);

const look = async (shape: readonly number[], view: (x: F32) => Tensor): Promise<number[]> => {
  const sketch = new Sketch();
  const x = sketch.column("f32", shape, count(elements(shape)));
  const [result] = await sketch.run([view(x)]);
  return result as number[];
};

describe("views", () => {
  it("transpose permutes axes", async () => {
    assert.deepEqual(await look([2, 3], (x) => transpose(x)), [1, 4, 2, 5, 3, 6]);
  });

  it("slice runs backwards with a negative stride", async () => {
    assert.deepEqual(await look([5], (x) => slice(x, 0, 4, 3, -2)), [5, 3, 1]);
  });

  it("broadcast repeats along new and unit axes", async () => {
    assert.deepEqual(
      await look([2, 1], (x) => broadcastTo(x, [2, 2, 2])),
      [1, 1, 2, 2, 1, 1, 2, 2],
    );
  });

  it("pad reads zeros outside", async () => {
    assert.deepEqual(
      await look([2, 2], (x) => pad(pad(x, 0, 1, 0), 1, 0, 1)),
      [0, 0, 0, 1, 2, 0, 3, 4, 0],
    );
  });

  it("windows slide with stride, dilation and padding", async () => {
    assert.deepEqual(
      await look([5], (x) =>
        windows(x, 0, { size: 2, stride: 2, dilation: 2, before: 1, after: 1 }),
      ),
      [0, 2, 2, 4, 4, 0],
    );
  });

  it("gather reads rows, and zeros for rows that are not there", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [3, 2], count(6));
    const rows = sketch.column("i32", [4], [2, 0, 3, -1]);
    const [direct, sliced, viewed] = await sketch.run([
      gather(x, rows),
      slice(gather(x, rows), 1, 1, 1),
      gather(transpose(x), slice(rows, 0, 1, 2)),
    ]);
    assert.deepEqual(direct, [5, 6, 1, 2, 0, 0, 0, 0]);
    assert.deepEqual(sliced, [6, 2, 0, 0]);
    assert.deepEqual(viewed, [1, 3, 5, 0, 0, 0]);
  });

  it("gather of a padded or gathered tensor, by computed rows", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [3], [1, 2, 3]);
    const rows = sketch.column("i32", [2], [2, 1]);
    const [padded, twice] = await sketch.run([
      gather(pad(x, 0, 1, 0), iota([4])),
      gather(gather(x, rows), slice(iota([2]), 0, 1, 2, -1)),
    ]);
    assert.deepEqual(padded, [0, 1, 2, 3]);
    assert.deepEqual(twice, [2, 3]);
  });

  it("gather of windows reads runs from given starts, without a copy", async () => {
    const sketch = new Sketch();
    const x = sketch.column("i32", [6], [10, 11, 12, 13, 14, 15]);
    const runs = gather(windows(x, 0, { size: 3 }), sketch.column("i32", [3], [3, 0, 4]));
    assert.equal(runs.node, x.node);
    assert.deepEqual(await sketch.run([runs]), [[13, 14, 15, 10, 11, 12, 0, 0, 0]]);
  });

  it("diagonal of a gather picks one element a row", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [2, 3], count(6));
    const labels = sketch.column("i32", [2], [2, 0]);
    const [chosen] = await sketch.run([diagonal(gather(transpose(x), labels))]);
    assert.deepEqual(chosen, [3, 4]);
  });

  it("reshape keeps row-major order through any view", async () => {
    const all = count(24);
    for (const shape of [[24], [4, 6], [6, -1], [2, 2, 3, 2], [1, 24, 1], [3, 8]])
      assert.deepEqual(await look([2, 3, 4], (x) => reshape(x, shape)), all);
    const swapped = await look([4, 6], (x) => transpose(x));
    for (const shape of [[24], [3, 8], [2, 3, 4]])
      assert.deepEqual(await look([4, 6], (x) => reshape(transpose(x), shape)), swapped);
    assert.deepEqual(
      await look([2, 3], (x) => reshape(pad(x, 1, 1, 0), [4, 2])),
      [0, 1, 2, 3, 0, 4, 5, 6],
    );
  });

  it("a view of more than four dimensions lowers when axes merge", async () => {
    assert.deepEqual(
      await look([2, 2, 2, 2], (x) => {
        const deep = reshape(x, [2, 2, 1, 2, 1, 2]);
        return reshape(add(deep, deep), [16]);
      }),
      count(16).map((v) => 2 * v),
    );
  });

  it("rejects shapes that do not fit", () => {
    const x = iota([2, 3]);
    for (const wrong of [
      () => broadcastTo(x, [3, 2]),
      () => reshape(x, [4, 2]),
      () => slice(x, 1, 2, 2),
      () => transpose(x, [0, 0]),
      () => windows(x, 0, { size: 3 }),
    ])
      assert.throws(wrong, (e) => isAssayError(e, "ENGINE_GRAPH"));
  });
});
