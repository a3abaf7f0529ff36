import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { checkGradients, noise } from "../autodiff/finite-differences.ts";
import { elements } from "../builder/access.ts";
import { Sketch } from "../builder/evaluate.ts";
import { constant } from "../builder/graph.ts";
import {
  averagePool2d,
  conv2d,
  type Conv2dOptions,
  globalAveragePool,
  maxPool2d,
  type PoolOptions,
} from "./convolution.ts";

type Shape4 = readonly [number, number, number, number];

/** The definition, in double precision. */
const convolve = (
  x: readonly number[],
  [n, h, w, c]: Shape4,
  filters: readonly number[],
  [kh, kw, width, count]: Shape4,
  { stride = 1, padding = 0, dilation = 1, groups = 1 }: Conv2dOptions,
): number[] => {
  const out = (size: number, k: number): number =>
    Math.floor((size + 2 * padding - dilation * (k - 1) - 1) / stride) + 1;
  const result: number[] = [];
  for (let b = 0; b < n; b++)
    for (let oy = 0; oy < out(h, kh); oy++)
      for (let ox = 0; ox < out(w, kw); ox++)
        for (let f = 0; f < count; f++) {
          let sum = 0;
          const group = Math.floor(f / (count / groups));
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++)
              for (let ch = 0; ch < width; ch++) {
                const y = oy * stride + i * dilation - padding;
                const z = ox * stride + j * dilation - padding;
                if (y < 0 || y >= h || z < 0 || z >= w) continue;
                sum +=
                  (x[((b * h + y) * w + z) * c + group * width + ch] ?? NaN) *
                  (filters[((i * kw + j) * width + ch) * count + f] ?? NaN);
              }
          result.push(sum);
        }
  return result;
};

const CASES: readonly (readonly [string, Shape4, Shape4, Conv2dOptions])[] = [
  ["plain", [2, 4, 5, 2], [3, 2, 2, 3], {}],
  ["padded", [1, 4, 4, 2], [3, 3, 2, 2], { padding: 1 }],
  ["strided", [1, 6, 7, 2], [3, 3, 2, 2], { stride: 2, padding: 1 }],
  ["strided without overlap", [1, 5, 5, 1], [2, 2, 1, 2], { stride: 3 }],
  ["strided 1×1", [2, 4, 5, 2], [1, 1, 2, 3], { stride: 2 }],
  ["dilated", [1, 6, 6, 1], [2, 3, 1, 2], { dilation: 2, padding: 1 }],
  ["strided and dilated", [1, 7, 7, 1], [3, 3, 1, 1], { stride: 2, dilation: 2, padding: 2 }],
  ["in groups", [1, 4, 4, 4], [3, 3, 2, 6], { groups: 2, padding: 1, stride: 2 }],
  ["depthwise", [1, 4, 4, 3], [3, 3, 1, 3], { groups: 3, padding: 1 }],
  ["the whole image", [2, 3, 3, 2], [3, 3, 2, 2], {}],
];

describe("convolution", () => {
  for (const [name, shape, filterShape, options] of CASES)
    it(`${name}: value and gradients`, async () => {
      const values = [noise(elements(shape), 1), noise(elements(filterShape), 2)] as const;
      const sketch = new Sketch();
      const [y = []] = await sketch.run([
        conv2d(
          sketch.column("f32", shape, values[0]),
          sketch.column("f32", filterShape, values[1]),
          options,
        ),
      ]);
      const wanted = convolve(values[0], shape, values[1], filterShape, options);
      assert.equal(y.length, wanted.length);
      wanted.forEach((v, k) => assert.ok(Math.abs(v - (y[k] ?? NaN)) < 1e-5));
      await checkGradients([shape, filterShape], ([x, f]) => conv2d(x!, f!, options), { values });
    });

  it("refuses filters that do not fit the channels", () => {
    assert.throws(
      () => conv2d(constant(0, [1, 4, 4, 3]), constant(0, [3, 3, 2, 4])),
      (e) => isAssayError(e, "ENGINE_GRAPH"),
    );
  });
});

/** Distinct values, further apart than the differences step. */
const shuffledRamp = (count: number): number[] =>
  Array.from({ length: count }, (_, k) => (((k * 37) % count) - count / 2) / 16 - 0.01);

describe("pooling", () => {
  const options: readonly PoolOptions[] = [
    { size: 2 },
    { size: 3, stride: 2, padding: 1 },
    { size: 3, stride: 1 },
    { size: 2, stride: 3 },
  ];
  for (const option of options) {
    it(`largest of ${JSON.stringify(option)}: gradients`, async () => {
      await checkGradients([[2, 5, 5, 2]], ([x]) => maxPool2d(x!, option), {
        values: [shuffledRamp(100)],
        h: 2 ** -8,
      });
    });
    it(`mean of ${JSON.stringify(option)}: gradients`, async () => {
      await checkGradients([[1, 5, 6, 2]], ([x]) => averagePool2d(x!, option));
    });
  }

  it("padding never wins over negative values, and counts as zero in a mean", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [1, 2, 2, 1], [-1, -2, -3, -4]);
    const option = { size: 2, stride: 2, padding: 1 };
    const [largest, mean, all] = await sketch.run([
      maxPool2d(x, option),
      averagePool2d(x, option),
      globalAveragePool(x),
    ]);
    assert.deepEqual(largest, [-1, -2, -3, -4]);
    assert.deepEqual(mean, [-0.25, -0.5, -0.75, -1]);
    assert.deepEqual(all, [-2.5]);
  });
});
