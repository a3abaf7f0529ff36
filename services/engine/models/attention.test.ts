import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkGradients, noise } from "../autodiff/finite-differences.ts";
import { at } from "../builder/access.ts";
import { add, mul } from "../builder/elementwise.ts";
import { Sketch } from "../builder/evaluate.ts";
import { gather } from "../builder/views.ts";
import { attend } from "./attention.ts";
import { normalize } from "./normalization.ts";

const SHAPE = [2, 3, 2, 2] as const;
const COUNT = 24;

/** Attention of one token by the definition, in double precision. */
const attendExactly = ([q, k, v]: readonly (readonly number[])[], causal: boolean): number[] => {
  const [n, tokens, heads, d] = SHAPE;
  const read = (
    x: readonly number[] | undefined,
    b: number,
    t: number,
    h: number,
    c: number,
  ): number => x?.[((b * tokens + t) * heads + h) * d + c] ?? NaN;
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  return range(n).flatMap((b) =>
    range(tokens).flatMap((t) =>
      range(heads).flatMap((h) => {
        const seen = range(causal ? t + 1 : tokens);
        const e = seen.map((s) =>
          Math.exp(
            range(d).reduce((sum, c) => sum + read(q, b, t, h, c) * read(k, b, s, h, c), 0) /
              Math.sqrt(d),
          ),
        );
        const total = e.reduce((x, y) => x + y, 0);
        return range(d).map((c) =>
          seen.reduce((sum, s) => sum + (at(e, s) / total) * read(v, b, s, h, c), 0),
        );
      }),
    ),
  );
};

describe("attention", () => {
  for (const causal of [true, false])
    it(`${causal ? "causal" : "full"}: value and gradients`, async () => {
      const values = [1, 2, 3].map((seed) => noise(COUNT, seed));
      const sketch = new Sketch();
      const [q, k, v] = values.map((x) => sketch.column("f32", SHAPE, x));
      const [y = []] = await sketch.run([attend(q!, k!, v!, causal)]);
      attendExactly(values, causal).forEach((wanted, i) =>
        assert.ok(Math.abs(wanted - (y[i] ?? NaN)) < 1e-6),
      );
      await checkGradients(
        [SHAPE, SHAPE, SHAPE],
        ([a, b, c]) => attend(mul(a!, 2), b!, c!, causal),
        { values },
      );
    });
});

describe("embedding", () => {
  it("adds up the gradients of a token that occurs more than once", async () => {
    await checkGradients(
      [
        [5, 3],
        [2, 3],
      ],
      ([table, positions], sketch) => {
        const tokens = sketch.column("i32", [2, 2], [4, 1, 1, 1]);
        const x = add(gather(table!, tokens), positions!);
        return mul(x, x);
      },
    );
  });
});

describe("normalisation", () => {
  it("has mean 0, variance 1", async () => {
    const sketch = new Sketch();
    const x = sketch.column(
      "f32",
      [2, 50],
      noise(100).map((v) => 5 + 3 * v),
    );
    const [y = []] = await sketch.run([normalize(x, [1]).y]);
    const row = y.slice(50);
    assert.ok(Math.abs(row.reduce((a, b) => a + b, 0)) < 1e-3);
    assert.ok(Math.abs(row.reduce((a, b) => a + b * b, 0) / 50 - 1) < 1e-4);
  });

  for (const axes of [[2], [0, 1], [0, 1, 2]])
    it(`gradients along axes ${axes.join()}`, async () => {
      await checkGradients([[2, 3, 4]], ([x]) => normalize(x!, axes).y);
    });
});
