import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nextLook, nextTry } from "./pace.ts";

describe("the time until a watcher looks again", () => {
  test("default: a poll where something falls due soon, a share of what is left before", () => {
    assert.equal(nextLook(0, false, 200), 200);
    assert.equal(nextLook(60_000, false, 200), 200);
    assert.equal(nextLook(100_000, false, 200), 10_000);
    assert.equal(nextLook(-5_000, false, 200), 200);
  });

  test("behavior: in a game far more often, and never longer than a quarter of a minute", () => {
    assert.equal(nextLook(600_000, true, 200), 600);
    assert.equal(nextLook(100_000, true, 200), 200);
    assert.equal(nextLook(1e9, false, 200), 15_000);
    assert.equal(nextLook(1e9, true, 200), 15_000);
  });

  test("behavior: failures in a row double the time before the next try, up to half a minute", () => {
    assert.deepEqual([0, 1, 2, 5, 6, 60].map(nextTry), [500, 1_000, 2_000, 16_000, 30_000, 30_000]);
  });
});
