import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BoundedCache } from "./cache.ts";

describe("a bounded cache", () => {
  it("keeps what was used last, within its limit, and the newest entry always", async () => {
    const cache = new BoundedCache(100);
    const made: string[] = [];
    const get = (key: string, bytes: number) =>
      cache.get(key, async () => {
        made.push(key);
        return { value: key, bytes };
      });
    await get("a", 40);
    await get("b", 40);
    await get("a", 40);
    assert.equal(await get("c", 40), "c");
    assert.equal(cache.bytes, 80);
    await get("a", 40);
    await get("b", 40);
    assert.deepEqual(made, ["a", "b", "c", "b"]);
    await get("huge", 1000);
    assert.equal(cache.bytes, 1000);
    await get("huge", 1000);
    assert.equal(made.length, 5);
    await get("small", 1);
    assert.equal(cache.bytes, 1);
  });

  it("keeps nothing of what failed", async () => {
    const cache = new BoundedCache(10);
    const failing = cache.get("x", () => Promise.reject(new Error("no")));
    await assert.rejects(failing);
    assert.equal(await cache.get("x", async () => ({ value: 7, bytes: 4 })), 7);
    assert.equal(cache.bytes, 4);
  });
});
