import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Terms } from "@assay/protocol/domain/messages";
import { numberToHex, zeroAddress, type Address, type Hex } from "viem";
import { leftOut, type Choice } from "./select.ts";

const all: Choice = { fraction: 1, maxUnits: undefined, only: [] };
const PROVIDER: Address = "0x00000000000000000000000000000000000000A1";
const salt: Hex = numberToHex(7, { size: 32 });
const job = (number: number, more: Partial<Terms> = {}): Terms =>
  ({
    jobId: numberToHex(number, { size: 32 }),
    requester: zeroAddress,
    provider: PROVIDER,
    executor: 0,
    steps: 10,
    startStep: 0,
    initUnits: 5n,
    stepUnits: 10n,
    evalUnits: 5n,
    ...more,
  }) as Terms;

describe("which jobs are run again", () => {
  test("default: all but container jobs", () => {
    assert.equal(leftOut(all, salt, job(1)), undefined);
    assert.equal(leftOut(all, salt, job(1, { executor: 1 })), "executor");
  });

  test("behavior: a size and a list of parties, upper or lower case", () => {
    assert.equal(leftOut({ ...all, maxUnits: 110n }, salt, job(1)), undefined);
    assert.equal(leftOut({ ...all, maxUnits: 109n }, salt, job(1)), "units");
    const lower = PROVIDER.toLowerCase() as Address;
    assert.equal(leftOut({ ...all, only: [lower] }, salt, job(1)), undefined);
    assert.equal(leftOut({ ...all, only: [zeroAddress] }, salt, job(1)), undefined);
    assert.equal(leftOut({ ...all, only: [`0x${"22".repeat(20)}`] }, salt, job(1)), "list");
  });

  test("behavior: a share, the same after a restart, another for another salt", () => {
    const half = { ...all, fraction: 0.5 };
    const drawn = (of: Hex): number[] =>
      Array.from({ length: 1_000 }, (_, i) => i).filter(
        (i) => leftOut(half, of, job(i)) === undefined,
      );
    const first = drawn(salt);
    assert.ok(first.length > 400 && first.length < 600, `${first.length} of 1,000`);
    assert.deepEqual(drawn(salt), first);
    assert.notDeepEqual(drawn(numberToHex(8, { size: 32 })), first);
    assert.equal(leftOut({ ...all, fraction: 0 }, salt, job(1)), "fraction");
  });
});
