import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sketch } from "./evaluate.ts";
import { exp, gelu, log, relu, sigmoid, silu, sinPi, tanh } from "./functions.ts";
import type { F32 } from "./graph.ts";

/** Distance between binary32 neighbours at `value`. */
const ulpAt = (value: number): number => {
  const magnitude = Math.abs(value);
  return magnitude < 2 ** -126 ? 2 ** -149 : 2 ** (Math.floor(Math.log2(magnitude)) - 23);
};

const apply = async (f: (x: F32) => F32, xs: readonly number[]): Promise<number[]> => {
  const sketch = new Sketch();
  const x = sketch.column("f32", [xs.length], xs);
  const [result] = await sketch.run([f(x)]);
  return result as number[];
};

/** Largest error in ulps of the exact result over `count` inputs spread evenly (or by ratio) from `low` to `high`. */
const worst = async (
  f: (x: F32) => F32,
  exact: (x: number) => number,
  low: number,
  high: number,
  count = 20_000,
): Promise<number> => {
  const xs = Array.from({ length: count }, (_, k) =>
    Math.fround(
      low > 0 ? low * (high / low) ** (k / (count - 1)) : low + ((high - low) * k) / (count - 1),
    ),
  );
  const ys = await apply(f, xs);
  return Math.max(
    ...ys.map((y, k) => {
      const wanted = exact(xs[k] as number);
      return Math.abs(y - wanted) / ulpAt(wanted);
    }),
  );
};

const exactTanhGelu = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

describe("elementary functions stay within their documented error", () => {
  it("exp, normal results", async () => {
    assert.ok((await worst(exp, Math.exp, -87.3, 88.7)) <= 1);
  });

  it("exp, subnormal results", async () => {
    assert.ok((await worst(exp, Math.exp, -104, -87.3)) <= 1.5);
  });

  it("log, from the smallest subnormal to the largest number", async () => {
    assert.ok((await worst(log, Math.log, 2 ** -126, 3.4e38)) <= 1);
    assert.ok((await worst(log, Math.log, 0.5, 2)) <= 1);
    assert.ok((await worst(log, Math.log, 2 ** -149, 2 ** -126)) <= 2);
  });

  it("tanh", async () => {
    assert.ok((await worst(tanh, Math.tanh, 1e-20, 20)) <= 6.5);
    assert.ok((await worst(tanh, Math.tanh, -10, 10)) <= 6.5);
    const ys = await apply(tanh, [-90, -8.7, -8.5, 8.5, 8.7, 1e30]);
    assert.ok(ys.every((y) => Math.abs(y) <= 1));
  });

  it("sigmoid", async () => {
    assert.ok((await worst(sigmoid, (x) => 1 / (1 + Math.exp(-x)), -80, 80)) <= 3);
  });

  it("sinPi", async () => {
    assert.ok((await worst(sinPi, (x) => Math.sin(Math.PI * x), 1e-6, 0.5)) <= 3);
  });

  it("gelu and silu to 1e-6 of their largest term", async () => {
    const xs = Array.from({ length: 2001 }, (_, k) => (k - 1000) / 100);
    const gelus = await apply(gelu, xs);
    const silus = await apply(silu, xs);
    xs.forEach((x, k) => {
      const scale = 1e-6 * Math.max(1, Math.abs(x));
      assert.ok(Math.abs((gelus[k] as number) - exactTanhGelu(x)) <= scale);
      assert.ok(Math.abs((silus[k] as number) - x / (1 + Math.exp(-x))) <= scale);
    });
  });
});

describe("elementary functions at the edges", () => {
  const edges = [0, -0, Infinity, -Infinity, NaN, -1, 1, 200, -200];

  it("exp", async () => {
    assert.deepEqual(
      (await apply(exp, edges)).map((y, k) => (k === 5 || k === 6 ? 0 : y)),
      [1, 1, Infinity, 0, NaN, 0, 0, Infinity, 0],
    );
  });

  it("log", async () => {
    assert.deepEqual(await apply(log, edges.slice(0, 7)), [
      -Infinity,
      -Infinity,
      Infinity,
      NaN,
      NaN,
      NaN,
      0,
    ]);
  });

  it("tanh, sigmoid and relu", async () => {
    assert.deepEqual((await apply(tanh, edges)).slice(2, 5), [1, -1, NaN]);
    assert.deepEqual((await apply(sigmoid, edges)).slice(2, 5), [1, 0, NaN]);
    assert.deepEqual(await apply(relu, [-1, 2, NaN, Infinity]), [0, 2, NaN, Infinity]);
  });
});
