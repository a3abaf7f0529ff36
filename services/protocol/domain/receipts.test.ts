import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { numberToHex, zeroHash, type Hex } from "viem";
import type { Submission } from "./messages.ts";
import { isConflict, submissionRoot } from "./receipts.ts";

const root = (number: number): Hex => numberToHex(number, { size: 32 });
const receipt: Submission = {
  jobId: `0x${"ab".repeat(32)}`,
  checkpoint: 3,
  prefixRoot: root(1),
  stateRoot: root(2),
  modelRoot: root(3),
  evalRoot: zeroHash,
  modelCid: root(4),
};
const bytes = (hex: Hex): Buffer => Buffer.from(hex.slice(2), "hex");

describe("the root of a submission", () => {
  test("default: the hash that the contract computes, without the CID", () => {
    const { prefixRoot, stateRoot, modelRoot, evalRoot } = receipt;
    const message = Buffer.concat([
      Buffer.of(5, 0, 0, 0, 3),
      ...[prefixRoot, stateRoot, modelRoot, evalRoot].map(bytes),
    ]);
    const expected = `0x${createHash("sha256").update(message).digest("hex")}`;
    assert.equal(submissionRoot(receipt), expected);
    assert.equal(submissionRoot({ ...receipt, modelCid: root(9) }), expected);
  });
});

describe("two receipts", () => {
  test("default: conflict where any root of the same job and checkpoint differs", () => {
    for (const name of ["prefixRoot", "stateRoot", "modelRoot", "evalRoot"] as const) {
      assert.equal(isConflict(receipt, { ...receipt, [name]: root(9) }), true, name);
      assert.equal(isConflict({ ...receipt, [name]: root(9) }, receipt), true, name);
    }
  });

  test("behavior: the same one again, or its file under another CID, is none", () => {
    assert.equal(isConflict(receipt, { ...receipt }), false);
    assert.equal(isConflict(receipt, { ...receipt, modelCid: root(9) }), false);
    const upper: Hex = `0x${receipt.jobId.slice(2).toUpperCase()}`;
    assert.equal(isConflict(receipt, { ...receipt, jobId: upper }), false);
    assert.equal(isConflict(receipt, { ...receipt, jobId: upper, stateRoot: root(9) }), true);
  });

  test("behavior: of another checkpoint or another job they say nothing of each other", () => {
    const other = { ...receipt, stateRoot: root(9) };
    assert.equal(isConflict(receipt, { ...other, checkpoint: 4 }), false);
    assert.equal(isConflict(receipt, { ...other, jobId: root(7) }), false);
  });
});
