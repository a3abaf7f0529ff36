import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../testing/random.ts";
import { Bytes } from "./bytes.ts";
import { collapse, project } from "./collapse.ts";
import { guardedRangeOf, rangeOf } from "../ir/interval.ts";

const coordinatesOf = (extents: readonly number[]): number[][] =>
  extents.reduce<number[][]>(
    (all, extent) => all.flatMap((c) => Array.from({ length: extent }, (_, i) => [...c, i])),
    [[]],
  );

const value = (offset: number, strides: readonly number[], c: readonly number[]): number =>
  strides.reduce((sum, stride, d) => sum + stride * (c[d] ?? 0), offset);

describe("interval analysis", () => {
  it("bounds every value where the guards pass", () => {
    for (let number = 0; number < 500; number++) {
      const random = new Random(number);
      const extents = random.list(random.integer(1, 4), () => random.integer(1, 5));
      const strides = (most: number): number[] => extents.map(() => random.integer(-most, most));
      const guards = random.list(random.integer(0, 3), () => ({
        offset: random.integer(-3, 3),
        strides: strides(1),
        limit: random.integer(1, 5),
      }));
      const affine = { offset: random.integer(-20, 20), strides: strides(6) };
      // Half the forms move with their guards, as the rows and columns of a padded image do.
      for (const guard of random.oneIn(2) ? guards : []) {
        const factor = random.integer(1, 4);
        guard.strides.forEach(
          (stride, d) => (affine.strides[d] = (affine.strides[d] ?? 0) + factor * stride),
        );
      }
      const { low, high } = guardedRangeOf(affine, extents, guards);
      for (const c of coordinatesOf(extents)) {
        const passes = guards.every((g) => {
          const at = value(g.offset, g.strides, c);
          return at >= 0 && at < g.limit;
        });
        const at = value(affine.offset, affine.strides, c);
        assert.ok(
          !passes || (low <= at && at <= high),
          `form ${number}: ${at} outside ${low}..${high}`,
        );
      }
    }
  });

  it("proves that a padded convolution stays inside its image", () => {
    const [height, width, channels] = [5, 7, 3];
    const extents = [height, width, 3, 3, channels];
    const guards = [
      { offset: -1, strides: [1, 0, 1, 0, 0], limit: height },
      { offset: -1, strides: [0, 1, 0, 1, 0], limit: width },
    ];
    const row = width * channels;
    const address = { offset: -row - channels, strides: [row, channels, row, channels, 1] };
    assert.ok(rangeOf(address, extents).low < 0);
    assert.deepEqual(guardedRangeOf(address, extents, guards), { low: 0, high: height * row - 1 });
  });
});

describe("merging loops", () => {
  it("visits the same addresses in the same order", () => {
    for (let number = 0; number < 500; number++) {
      const random = new Random(number);
      const extents = random.list(random.integer(1, 5), () => random.integer(1, 3));
      const lists = random.list(random.integer(1, 3), () => {
        let step = 1;
        const dense = extents.toReversed().map((extent) => {
          const here = step;
          step *= extent;
          return here;
        });
        const flat = dense.toReversed();
        return random.oneIn(2) ? flat : flat.map((stride) => (random.oneIn(4) ? 0 : stride));
      });
      const merged = collapse(extents, lists);
      for (const list of lists) {
        const before = coordinatesOf(extents).map((c) => value(0, list, c));
        const after = coordinatesOf(merged.extents).map((c) => value(0, project(merged, list), c));
        assert.deepEqual(after, before);
      }
    }
  });

  it("merges a dense tensor to one loop, and not across a barrier", () => {
    assert.deepEqual(collapse([2, 1, 3, 4], [[12, 0, 4, 1]]).extents, [24]);
    assert.deepEqual(collapse([2, 3, 4], [[12, 4, 1]], [2]).extents, [6, 4]);
  });
});

describe("binary encoding", () => {
  it("writes integers as LEB128", () => {
    const unsigned = (n: number): number[] => [...new Bytes().unsigned(n).finish()];
    const signed = (n: number): number[] => [...new Bytes().signed(n).finish()];
    assert.deepEqual(unsigned(624485), [0xe5, 0x8e, 0x26]);
    assert.deepEqual(unsigned(0xffffffff), [0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert.deepEqual(signed(-123456), [0xc0, 0xbb, 0x78]);
    assert.deepEqual(signed(63), [0x3f]);
    assert.deepEqual(signed(64), [0xc0, 0x00]);
    assert.deepEqual(signed(0x80000000), [0x80, 0x80, 0x80, 0x80, 0x78]);
  });
});
