import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { elements } from "../builder/access.ts";
import { Sketch } from "../builder/evaluate.ts";
import { type F32, materialise } from "../builder/graph.ts";
import {
  broadcastTo,
  gather,
  pad,
  reshape,
  slice,
  transpose,
  unsqueeze,
  windows,
} from "../builder/views.ts";
import { transposeAccess } from "./transpose.ts";

type Change = (x: F32, sketch: Sketch, pick: (n: number) => number) => F32;

/** One random access pattern on top of another; `pick(n)` is a choice from 0 to n − 1. */
const changes: readonly Change[] = [
  (x, _, pick) => {
    const first = pick(x.shape.length);
    const rest = x.shape.map((__, k) => k).filter((k) => k !== first);
    return transpose(x, [first, ...rest]);
  },
  (x, _, pick) => {
    const axis = pick(x.shape.length);
    const size = x.shape[axis] ?? 1;
    const stride = 1 + pick(3);
    const count = 1 + pick(Math.ceil(size / stride));
    const start = pick(size - stride * (count - 1));
    return pick(2) === 0
      ? slice(x, axis, start, count, stride)
      : slice(x, axis, start + stride * (count - 1), count, -stride);
  },
  (x, _, pick) => pad(x, pick(x.shape.length), pick(3), pick(3)),
  (x, _, pick) => broadcastTo(unsqueeze(x, 0), [1 + pick(3), ...x.shape]),
  (x, _, pick) => {
    const axis = pick(x.shape.length);
    const options = {
      size: 1 + pick(3),
      stride: 1 + pick(3),
      dilation: 1 + pick(2),
      before: pick(3),
      after: pick(3),
    };
    const span = options.dilation * (options.size - 1) + 1;
    return (x.shape[axis] ?? 1) + options.before + options.after < span
      ? x
      : windows(x, axis, options);
  },
  (x, _, pick) => {
    const axis = pick(x.shape.length);
    const size = x.shape[axis] ?? 1;
    const part = [2, 3].find((p) => size % p === 0 && pick(2) === 0) ?? 1;
    return reshape(x, x.shape.toSpliced(axis, 1, part, size / part));
  },
  (x) =>
    x.shape.length > 1
      ? reshape(x, [(x.shape[0] ?? 1) * (x.shape[1] ?? 1), ...x.shape.slice(2)])
      : x,
  (x, sketch, pick) => {
    const rows = 1 + pick(4);
    const values = Array.from({ length: rows }, () => pick((x.shape[0] ?? 1) + 2) - 1);
    return gather(x, sketch.column("i32", [rows], values));
  },
];

const integers = (count: number, salt: number): number[] =>
  Array.from({ length: count }, (_, k) => ((k * 7 + salt * 5) % 11) - 5);

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, k) => sum + v * (b[k] ?? 0), 0);

describe("transposing an access", () => {
  it("is its adjoint, exactly, for random chains of access patterns", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(1 << 20), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (shape, choices, twoFactors) => {
          const sketch = new Sketch();
          const values = integers(elements(shape), 1);
          const x = sketch.column("f32", shape, values);
          let view: F32 = x;
          for (const choice of choices) {
            let rest = Math.floor(choice / changes.length);
            const next = changes[choice % changes.length]?.(view, sketch, (n) => {
              const picked = rest % n;
              rest = Math.floor(rest / n);
              return picked;
            });
            if (!next || next.shape.length > 4 || elements(next.shape) > 500) break;
            view = next;
          }
          if (view.node !== x.node) return;
          const count = elements(view.shape);
          const factors = [integers(count, 2), integers(count, 3)].slice(0, twoFactors ? 2 : 1);
          const gradient = transposeAccess(
            view,
            factors.map((f) => sketch.column("f32", view.shape, f)),
          );
          const [read, back] = await sketch.run([materialise(view), gradient]);
          const product = (factors[0] ?? []).map((f, k) => f * (factors[1]?.[k] ?? 1));
          assert.equal(dot(read ?? [], product), dot(values, back ?? []));
          compared++;
        },
      ),
      { numRuns: 400, seed: 20_26 },
    );
    assert.ok(compared > 200, `only ${compared} chains were affine`);
  });
});
