import assert from "node:assert/strict";
import { test } from "node:test";
import { type Program, UNCHANGED } from "@assay/engine/ir/types";
import { smallClassifier } from "@assay/engine/testing/small-classifier";
import { hashSpeed, replayTooLong } from "./replay.ts";

const MIB = 2 ** 20;

/** A program that changes a mebibyte at each step of an interval, and keeps another as it is. */
const programOf = (interval: number): Program => {
  const program = smallClassifier({ steps: 1_000, interval });
  const tensor = { dtype: "f32", shape: [MIB / 4], parameter: true, initOp: 0 } as const;
  const state = [
    { ...tensor, name: "changed", stepOp: 0 },
    { ...tensor, name: "kept", stepOp: UNCHANGED },
  ];
  return { ...program, state };
};

test("an interval whose states take longer to hash than half of a dispute's clock is refused", () => {
  // 100 MiB twice, at a mebibyte a second: 200 s.
  assert.equal(replayTooLong(programOf(100), 400, MIB), undefined);
  assert.equal(replayTooLong(programOf(100), 399, MIB)?.code, "REPLAY_TOO_LONG");
  assert.equal(replayTooLong(programOf(101), 400, MIB)?.code, "REPLAY_TOO_LONG");
});

test("an interval longer than the run counts as the run", () => {
  assert.equal(replayTooLong(programOf(100_000), 4_000, MIB), undefined);
});

test("the speed of hashing is measured once", () => {
  const speed = hashSpeed();
  assert.ok(speed > 0 && Number.isFinite(speed));
  assert.equal(hashSpeed(), speed);
});
