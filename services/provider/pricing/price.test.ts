import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as assertProperty, bigInt, integer, option, property, record } from "fast-check";
import { nextPrice, unitPriceOf, type Situation } from "./price.ts";

const calm: Situation = {
  current: 1_000n,
  recent: { median: 1_000n },
  idleSeconds: 0,
  running: 0,
  capacity: 2,
};

test("a price per giga-unit becomes base units per unit with 18 decimals", () => {
  assert.equal(unitPriceOf("1", 6), 10n ** 15n);
  assert.equal(unitPriceOf("0.02", 6), 2n * 10n ** 13n);
  assert.equal(unitPriceOf("1", 18), 10n ** 27n);
});

test("a fixed price stays whatever happens", () => {
  assert.equal(nextPrice({ kind: "fixed", unitPrice: 7n }, { ...calm, running: 2 }), 7n);
});

test("auto begins at the market's median, or above its floor where nobody asks yet", () => {
  const policy = { kind: "auto", floor: 100n } as const;
  assert.equal(nextPrice(policy, { ...calm, current: undefined }), 1_000n);
  assert.equal(
    nextPrice(policy, { ...calm, current: undefined, recent: { median: undefined } }),
    400n,
  );
});

test("auto asks more while full, less while idle, the same in between", () => {
  const policy = { kind: "auto", floor: 100n } as const;
  assert.ok(nextPrice(policy, { ...calm, running: 2 }) > 1_000n);
  assert.ok(nextPrice(policy, { ...calm, idleSeconds: 600 }) < 1_000n);
  assert.equal(nextPrice(policy, { ...calm, running: 1 }), 1_000n);
  assert.equal(nextPrice(policy, { ...calm, idleSeconds: 10 }), 1_000n);
});

test("auto never goes below its floor nor out of the market's band above it", () => {
  const amount = bigInt({ min: 0n, max: 10n ** 30n });
  assertProperty(
    property(
      amount,
      record({
        current: option(amount, { nil: undefined }),
        recent: record({ median: option(amount, { nil: undefined }) }),
        idleSeconds: integer({ min: 0, max: 10_000 }),
        running: integer({ min: 0, max: 4 }),
        capacity: integer({ min: 1, max: 4 }),
      }),
      (floor, situation) => {
        const price = nextPrice({ kind: "auto", floor }, situation);
        assert.ok(price >= floor);
        const { median } = situation.recent;
        if (median !== undefined && median > 0n) assert.ok(price <= median * 3n || price === floor);
      },
    ),
  );
});
