import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import {
  abs,
  add,
  div,
  less,
  maximum,
  minimum,
  mul,
  neg,
  select,
  sqrt,
  sub,
} from "../builder/elementwise.ts";
import { Sketch } from "../builder/evaluate.ts";
import { exp, gelu, log, relu, sigmoid, silu, tanh } from "../builder/functions.ts";
import { constant, iota } from "../builder/graph.ts";
import { contract, largest, matmul, mean, smallest, sum } from "../builder/reduce.ts";
import {
  broadcastTo,
  diagonal,
  gather,
  pad,
  pick,
  reshape,
  slice,
  transpose,
  windows,
} from "../builder/views.ts";
import { checkGradients, noise } from "./finite-differences.ts";
import { gradients } from "./gradients.ts";

/** Away from 0, so that kinks and poles are never within h. */
const clear = (count: number, seed = 1): number[] =>
  noise(count, seed).map((v) => Math.sign(v) * (0.5 + Math.abs(v)));
const positive = (count: number, seed = 1): number[] => clear(count, seed).map(Math.abs);

describe("gradients of maps agree with finite differences", () => {
  it("add, sub, mul, neg with broadcasting", async () => {
    await checkGradients([[2, 3], [3], [2, 1], []], ([a, b, c, d]) =>
      mul(sub(add(a!, b!), mul(b!, c!)), neg(add(c!, d!))),
    );
  });

  it("div and sqrt, with a broadcast denominator", async () => {
    await checkGradients([[2, 3], [3]], ([a, b]) => div(sqrt(a!), b!), {
      values: [positive(6), positive(3, 2)],
    });
  });

  it("min, max, abs and select", async () => {
    await checkGradients(
      [[6], [6]],
      ([a, b]) =>
        add(
          mul(minimum(a!, b!), maximum(a!, mul(b!, 0.5))),
          select(less(a!, b!), abs(a!), mul(b!, b!)),
        ),
      { values: [clear(6), clear(6, 2).map((v) => v * 1.7)] },
    );
  });

  it("a tensor used twice in one op", async () => {
    await checkGradients([[4]], ([a]) => mul(a!, a!));
  });

  for (const [name, f] of Object.entries({ exp, tanh, sigmoid, silu, gelu }))
    it(name, async () => {
      await checkGradients([[8]], ([a]) => f(mul(a!, 3)), { h: 2 ** -7 });
    });

  it("log", async () => {
    await checkGradients([[5]], ([a]) => log(a!), { values: [positive(5)] });
  });

  it("relu, away from its kink", async () => {
    await checkGradients([[6]], ([a]) => relu(a!), { values: [clear(6)] });
  });
});

describe("gradients of folds agree with finite differences", () => {
  it("matmul", async () => {
    await checkGradients(
      [
        [3, 4],
        [4, 2],
      ],
      ([a, b]) => matmul(a!, b!),
    );
  });

  it("a contraction with shared, summed and lone axes", async () => {
    await checkGradients(
      [
        [2, 3, 4],
        [2, 4, 3],
      ],
      ([a, b]) => contract("bik,bkj->bj", a!, b!),
    );
  });

  it("sum and mean over some and all axes", async () => {
    await checkGradients([[2, 3, 4]], ([a]) =>
      mul(sum(a!, { axes: [1], keep: true }), mul(mean(a!), a!)),
    );
  });

  it("largest and smallest", async () => {
    const apart = [0.9, -0.4, 0.1, 0.5, -0.8, 0.3];
    await checkGradients(
      [[2, 3]],
      ([a]) => add(largest(a!, { axes: [1] }), mul(smallest(a!, { axes: [1] }), 3)),
      { values: [apart] },
    );
  });

  it("ties of an extreme share the gradient", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [4], [1, 3, 3, 2]);
    const [g] = await sketch.run(gradients(largest(x), [x]));
    assert.deepEqual(g, [0, 0.5, 0.5, 0]);
  });
});

describe("gradients pass through access patterns", () => {
  it("transposed, sliced, strided and reversed views", async () => {
    await checkGradients([[4, 5]], ([a]) =>
      mul(slice(transpose(a!), 0, 0, 3, 2), slice(slice(transpose(a!), 0, 4, 3, -1), 1, 3, 4, -1)),
    );
  });

  it("broadcasting along new and inner axes", async () => {
    await checkGradients(
      [
        [3, 1],
        [2, 3, 4],
      ],
      ([a, b]) => mul(broadcastTo(a!, [2, 3, 4]), b!),
    );
  });

  it("padding", async () => {
    await checkGradients(
      [
        [3, 2],
        [5, 3],
      ],
      ([a, b]) => mul(pad(pad(a!, 0, 1, 1), 1, 0, 1), b!),
    );
  });

  it("a negative pad, that is a slice of a padded view", async () => {
    await checkGradients([[4]], ([a]) => {
      const x = slice(pad(a!, 0, 2, 2), 0, 1, 5);
      return mul(x, x);
    });
  });

  it("reshape that splits and merges", async () => {
    await checkGradients([[4, 6]], ([a]) => {
      const x = reshape(transpose(reshape(a!, [2, 2, 6]), [1, 0, 2]), [24]);
      return mul(x, reshape(a!, [24]));
    });
  });

  it("reshape of one axis cut unevenly afterwards", async () => {
    await checkGradients([[12]], ([a]) => {
      const x = slice(reshape(a!, [3, 4]), 1, 1, 2);
      return mul(x, x);
    });
  });

  for (const [name, size, stride, dilation, before, after] of [
    ["touching", 2, 2, 1, 0, 0],
    ["overlapping", 3, 1, 1, 1, 1],
    ["dilated", 3, 1, 2, 2, 2],
    ["strided and overlapping", 3, 2, 1, 1, 0],
    ["strided and dilated", 2, 2, 3, 1, 2],
    ["with gaps", 2, 3, 1, 0, 1],
  ] as const)
    it(`windows that are ${name}`, async () => {
      await checkGradients([[9], [size]], ([a, b]) => {
        const view = windows(a!, 0, { size, stride, dilation, before, after });
        return contract("ok,k->o", view, b!);
      });
    });

  it("windows inside a map, strided, where both operands depend on the position", async () => {
    await checkGradients([[7], [3, 3]], ([a, b]) =>
      mul(windows(a!, 0, { size: 3, stride: 2 }), b!),
    );
  });

  it("gathered rows, repeated and missing", async () => {
    await checkGradients([[4, 2], [2]], ([a, b], sketch) => {
      const rows = sketch.column("i32", [5], [1, 3, 1, 9, -2]);
      return mul(gather(a!, rows), b!);
    });
  });

  it("runs gathered from given starts", async () => {
    await checkGradients([[6], [2, 3]], ([a, b], sketch) =>
      mul(gather(windows(a!, 0, { size: 3 }), sketch.column("i32", [2], [3, 1])), b!),
    );
  });

  it("gathered rows inside a contraction", async () => {
    await checkGradients(
      [
        [4, 3],
        [3, 2],
      ],
      ([a, b], sketch) => matmul(gather(a!, sketch.column("i32", [3], [2, 0, 2])), b!),
    );
  });

  it("one element of each row, as cross-entropy reads", async () => {
    await checkGradients([[3, 4]], ([a], sketch) => {
      const labels = sketch.column("i32", [3], [0, 3, 1]);
      const chosen = diagonal(gather(transpose(a!), labels));
      return mul(chosen, chosen);
    });
  });

  it("a diagonal, and a single element", async () => {
    await checkGradients([[3, 3]], ([a]) => mul(diagonal(a!), pick(pick(a!, 0, 2), 0, 1)));
  });

  it("rows picked by a computed index", async () => {
    await checkGradients([[3]], ([a]) => gather(mul(a!, a!), iota([3])));
  });
});

describe("gradients", () => {
  it("are zero for what the loss does not read", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [2], [1, 2]);
    const y = sketch.column("f32", [2], [1, 2]);
    const [g] = await sketch.run(gradients(sum(x), [y]));
    assert.deepEqual(g, [0, 0]);
  });

  it("of a sum are ones, with no fold over constants", async () => {
    const sketch = new Sketch();
    const x = sketch.column("f32", [2, 2], [1, 2, 3, 4]);
    const [g] = gradients(sum(mul(x, 3)), [x]);
    assert.equal(g?.node.kind, "immediate");
    assert.deepEqual(await sketch.run([g]), [[3, 3, 3, 3]]);
  });

  it("are refused for views", () => {
    const x = constant(0, [2, 2]);
    assert.throws(
      () => gradients(sum(x), [transpose(x)]),
      (e) => isAssayError(e, "ENGINE_GRAPH"),
    );
  });
});
