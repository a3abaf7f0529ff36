/** Checks gradients against central differences on the reference back end. */
import assert from "node:assert/strict";
import { at, elements } from "../builder/access.ts";
import { mul } from "../builder/elementwise.ts";
import { Sketch } from "../builder/evaluate.ts";
import type { F32 } from "../builder/graph.ts";
import type { Shape } from "../ir/types.ts";
import { gradients } from "./gradients.ts";

/** Numbers in (−1, 1) that look random and are the same on every machine (Park and Miller's generator). */
export const noise = (count: number, seed = 1): number[] => {
  let state = seed * 7919 + 17;
  return Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return Math.fround((state / 2147483647) * 2 - 1);
  });
};

export interface CheckOptions {
  /** Values of the inputs; {@link noise} where none are given. */
  readonly values?: readonly (readonly number[])[];
  /** Half the distance between the two points. */
  readonly h?: number;
  /** Largest difference, relative to the largest gradient of the same input (at least 1). */
  readonly tolerance?: number;
  readonly seed?: bigint;
}

/**
 * Asserts that for every element of every input, the gradient of `Σ w·f(inputs)` with fixed weights `w` is what the
 * function does when that element moves by ±h. The weighted sum is taken in double precision.
 */
export const checkGradients = async (
  shapes: readonly Shape[],
  f: (inputs: readonly F32[], sketch: Sketch) => F32,
  options: CheckOptions = {},
): Promise<void> => {
  const { h = 2 ** -6, tolerance = 4e-3 } = options;
  const sketch = new Sketch();
  const values = shapes.map((shape, k) => options.values?.[k] ?? noise(elements(shape), k + 1));
  const inputs = shapes.map((shape, k) => sketch.column("f32", shape, at(values, k)));
  const output = f(inputs, sketch);
  const weights = noise(elements(output.shape), 99);
  const weight = sketch.column("f32", output.shape, weights);
  const found = gradients(mul(output, weight), inputs);
  const run = sketch.compile([output, ...found], options.seed);
  const weigh = (out: readonly number[]): number =>
    out.reduce((sum, v, k) => sum + v * at(weights, k), 0);
  const results = await run();
  for (const [k, input] of inputs.entries()) {
    const gradient = at(results, k + 1);
    const scale = Math.max(1, ...gradient.map(Math.abs));
    for (const [e, start] of at(values, k).entries()) {
      const moved = async (by: number): Promise<number> => {
        const changed = at(values, k).with(e, start + by);
        const [out] = await run(new Map([[input, changed]]));
        return weigh(out as number[]);
      };
      const slope = ((await moved(h)) - (await moved(-h))) / (2 * h);
      assert.ok(
        Math.abs(slope - at(gradient, e)) <= tolerance * scale,
        `input ${k}, element ${e}: gradient ${at(gradient, e)}, differences ${slope}`,
      );
    }
  }
};
