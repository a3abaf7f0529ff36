import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import type { Submission } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import { numberToHex, zeroHash } from "viem";
import { signedReceipts } from "./signed.ts";

const root = (number: number) => numberToHex(number, { size: 32 });
const receipt: Submission = {
  jobId: root(7),
  checkpoint: 3,
  prefixRoot: root(1),
  stateRoot: root(2),
  modelRoot: root(3),
  evalRoot: zeroHash,
  modelCid: root(4),
};
const other = { ...receipt, stateRoot: root(9) };
const contradicts = (error: unknown): boolean => isAssayError(error, "RECEIPT_CONTRADICTS");

const temporary = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-signed-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

describe("receipts that may be signed", () => {
  test("default: any number of checkpoints, and each of them again, under another CID too", async (t) => {
    const folder = await temporary(t);
    const signed = signedReceipts(folder);
    for (const one of [
      receipt,
      { ...other, checkpoint: 4 },
      receipt,
      { ...receipt, modelCid: root(8) },
    ])
      await signed.admit(one);
    await signed.close();
  });

  test("behavior: never a second result, not after a crash, and not at the same moment", async (t) => {
    const folder = await temporary(t);
    const first = signedReceipts(folder);
    const both = await Promise.allSettled([first.admit(receipt), first.admit(other)]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    await assert.rejects(first.admit(other), contradicts);
    await first.close();
    // A line that a crash tore was never signed for.
    await appendFile(join(folder, "signed.jsonl"), '{"kind":"signed","at":1,"checkpo');
    const second = signedReceipts(folder);
    await assert.rejects(second.admit(other), contradicts);
    await second.admit(receipt);
    await second.admit({ ...receipt, checkpoint: 5 });
    await second.close();
  });

  test("behavior: a job that needs no receipts leaves no file, nor does one that is over", async (t) => {
    const folder = await temporary(t);
    const signed = signedReceipts(folder);
    await signed.close();
    await signed.close();
    await assert.rejects(signed.admit(receipt), (error) => isAssayError(error, "RECEIPT_TOO_LATE"));
    assert.deepEqual(await readdir(folder), []);
  });
});
