import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { retry } from "./retry.ts";

describe("retry", () => {
  test("default: tries again until it succeeds", async () => {
    let tries = 0;
    const result = await retry(
      () => (++tries < 3 ? Promise.reject(new Error("not yet")) : Promise.resolve(tries)),
      { first: 1 },
    );
    assert.equal(result, 3);
  });

  test("behavior: gives up after so many attempts, with the last error", async () => {
    let tries = 0;
    await assert.rejects(
      retry(() => Promise.reject(new Error(`try ${++tries}`)), { attempts: 4, first: 1 }),
      /try 4/,
    );
  });

  test("behavior: an error that will not pass is thrown at once", async () => {
    let tries = 0;
    const failing = retry(
      () => {
        tries++;
        return Promise.reject(new Error("final"));
      },
      { isRetryable: () => false },
    );
    await assert.rejects(failing, /final/);
    assert.equal(tries, 1);
  });

  test("behavior: an abort ends the waiting", async () => {
    const abort = new AbortController();
    const waiting = retry(() => Promise.reject(new Error("down")), {
      first: 60_000,
      signal: abort.signal,
    });
    abort.abort();
    await assert.rejects(waiting);
  });
});
