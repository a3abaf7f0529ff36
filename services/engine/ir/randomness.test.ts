import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { machineTables, randomnessVectors } from "../testing/vectors.ts";
import { permute } from "./permute.ts";
import { philox4x32, philoxWord } from "./philox.ts";
import vectors from "./vectors.json" with { type: "json" };

const u32 = fc.integer({ min: 0, max: 0xffffffff });

describe("Philox", () => {
  /** Known answers that the authors publish with their library. */
  it("gives the published answers", () => {
    const F = 0xffffffff;
    assert.deepEqual(
      philox4x32([0, 0, 0, 0], 0, 0),
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    );
    assert.deepEqual(
      philox4x32([F, F, F, F], F, F),
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    );
    assert.deepEqual(
      philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], 0xa4093822, 0x299f31d0),
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    );
  });

  it("takes one of four words of the block, also for a negative element", () => {
    const block = philox4x32([0x3fffffff, 5, 6, 0], 7, 8);
    assert.equal(philoxWord(-1, 5, 6, 7, 8), block[3] | 0);
    assert.equal(philoxWord(-4, 5, 6, 7, 8), block[0] | 0);
  });
});

describe("row permutation", () => {
  it("visits each row once, for any size, epoch and seed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), u32, u32, u32, (n, epoch, low, high) => {
        const seen = new Set(
          Array.from({ length: n }, (_, p) => permute(p, n, epoch | 0, low, high)),
        );
        assert.equal(seen.size, n);
        assert.ok([...seen].every((row) => row >= 0 && row < n));
      }),
      { numRuns: 60 },
    );
  });

  it("orders the rows of each epoch anew, and spreads them evenly", () => {
    const n = 1000;
    const orders = [0, 1].map((epoch) =>
      Array.from({ length: n }, (_, p) => permute(p, n, epoch, 1, 2)),
    );
    const same = orders[0]!.filter((row, p) => row === orders[1]![p]).length;
    assert.ok(same < 10, `${same} rows keep their place`);
    // Mean of the rows of the first tenth: 499.5 ± 29 for a random order; five deviations are allowed.
    const mean = orders[0]!.slice(0, 100).reduce((sum, row) => sum + row, 0) / 100;
    assert.ok(Math.abs(mean - 499.5) < 137, `mean ${mean}`);
  });

  it("gives 0 outside its domain", () => {
    for (const [p, n] of [
      [-1, 5],
      [5, 5],
      [0, 0],
      [3, -1],
    ] as const)
      assert.equal(permute(p, n, 0, 1, 2), 0);
  });
});

it("the vector file holds what the functions give", () => {
  assert.deepEqual(
    JSON.parse(JSON.stringify({ ...machineTables(), ...randomnessVectors() })),
    vectors,
  );
});
