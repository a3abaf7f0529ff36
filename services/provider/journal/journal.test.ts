import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { isAssayError } from "@assay/protocol/errors";
import { zeroAddress, zeroHash, type Hex } from "viem";
import { openJobs, recollect } from "./memory.ts";
import { openJournal, type NewEvent } from "./journal.ts";
import { openNotebook } from "./notebook.ts";

const PROVIDER = "0x00000000000000000000000000000000000000A1";
const owner = { chainId: 31337, market: zeroAddress, provider: PROVIDER } as const;
const root = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;

const accepted = (jobId: Hex): NewEvent => ({
  kind: "accepted",
  jobId,
  proposalId: "p",
  request: {
    requester: PROVIDER,
    nonce: 2n ** 63n,
    programRoot: root(1),
    dataRoot: root(2),
    programCid: root(3),
    dataCid: root(4),
    startRoot: zeroHash,
    startStep: 0,
    parentRoot: zeroHash,
    parentIndex: 0,
    seed: 2n ** 64n - 1n,
    numerics: 1,
    executor: 0,
    access: 0,
    replicas: 1,
    steps: 10,
    interval: 5,
    initUnits: 1n,
    stepUnits: 2n,
    evalUnits: 3n,
    runTime: 60,
    expiry: 100,
    exclusiveUntil: 0,
    matcher: zeroAddress,
    matcherFee: 0n,
    maximum: 2n ** 100n,
    auditLine: 0n,
    minCollateral: 0n,
    statedLoss: 0n,
    maxProtocolFeeBps: 100,
    constraintsHash: root(5),
  },
  acceptance: {
    requestDigest: root(6),
    provider: PROVIDER,
    unitPrice: 10n ** 15n,
    collateral: 5n,
    nonce: 1n,
    expiry: 200,
    paramsVersion: 1,
  },
  signature: "0x1234",
});
const submission = {
  jobId: root(7),
  checkpoint: 2,
  prefixRoot: root(8),
  stateRoot: root(9),
  modelRoot: root(10),
  evalRoot: root(11),
  modelCid: root(12),
};

const fileIn = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-journal-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "deep", "journal.jsonl");
};

test("a reopened journal tells the same story, to the last bit of each number", async (t) => {
  const path = await fileIn(t);
  const first = await openJournal(path);
  const written = [];
  for (const event of [
    accepted(root(7)),
    { kind: "agreed", jobId: root(7) },
    { kind: "trained", jobId: root(7), submission },
    { kind: "transaction", key: "submit", nonce: 4, hashes: [root(13)] },
  ] satisfies NewEvent[])
    written.push(await first.append(event));
  await first.close();
  const again = await openJournal(path);
  assert.deepEqual(again.history, written);
  await again.close();
});

test("a line torn by a crash is cut off, wherever it tore, and the journal goes on", async (t) => {
  const path = await fileIn(t);
  const journal = await openJournal(path);
  await journal.append({ kind: "agreed", jobId: root(1) });
  await journal.close();
  const whole = await readFile(path);
  const line = Buffer.from(whole);
  for (const length of [1, 10, line.length - 1]) {
    await writeFile(path, whole);
    await appendFile(path, line.subarray(0, length));
    const torn = await openJournal(path);
    assert.equal(torn.history.length, 1, `torn after ${length} bytes`);
    await torn.append({ kind: "agreed", jobId: root(2) });
    await torn.close();
    const healed = await openJournal(path);
    assert.deepEqual(
      healed.history.map((event) => event.kind === "agreed" && event.jobId),
      [root(1), root(2)],
    );
    await healed.close();
  }
});

test("a damaged line inside the journal is reported, not skipped", async (t) => {
  const path = await fileIn(t);
  const journal = await openJournal(path);
  await journal.append({ kind: "agreed", jobId: root(1) });
  await journal.append({ kind: "agreed", jobId: root(2) });
  await journal.close();
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("agreed", "agrxed"));
  await assert.rejects(openJournal(path), (error) => isAssayError(error, "JOURNAL_CORRUPT"));
});

test("events written at once stay in order and whole", async (t) => {
  const path = await fileIn(t);
  const journal = await openJournal(path);
  const ids = Array.from({ length: 50 }, (_, i) => root(i));
  await Promise.all(ids.map((jobId) => journal.append({ kind: "agreed", jobId })));
  await journal.close();
  const again = await openJournal(path);
  t.after(() => again.close());
  assert.deepEqual(
    again.history.map((event) => event.kind === "agreed" && event.jobId),
    ids,
  );
});

test("after a failed write nothing more is taken: half a line may be on disk", async (t) => {
  const journal = await openJournal(await fileIn(t));
  await journal.append({ kind: "agreed", jobId: root(1) });
  await journal.close();
  for (let tries = 0; tries < 2; tries++)
    await assert.rejects(journal.append({ kind: "agreed", jobId: root(2) }), (error) =>
      isAssayError(error, "JOURNAL_UNWRITABLE"),
    );
});

test(
  "a line that the disk takes in part only does not count",
  { skip: process.platform === "win32" && "needs a limit on file sizes" },
  async (t) => {
    const path = await fileIn(t);
    // Files end at 1,024 bytes, in the middle of a line: that write is short, and the next one fails.
    const writer = `
      const { openJournal } = await import(process.argv[1]);
      const journal = await openJournal(process.argv[2]);
      let kept = 0;
      try {
        for (;; kept++) await journal.append({ kind: "agreed", jobId: "${root(1)}" });
      } catch (error) {
        console.log(JSON.stringify({ kept, code: error.code }));
      }`;
    const { stdout } = await promisify(execFile)("bash", [
      "-c",
      `ulimit -f 1; trap '' XFSZ; exec "$0" --input-type=module -e "$1" "$2" "$3"`,
      process.execPath,
      writer,
      new URL("journal.ts", import.meta.url).href,
      path,
    ]);
    const { kept, code } = JSON.parse(stdout) as { kept: number; code: string };
    const text = await readFile(path, "utf8");
    assert.equal(code, "JOURNAL_UNWRITABLE");
    assert.equal(text.length, 1024);
    assert.equal(kept, text.split("\n").length - 1);
  },
);

test("the memory is what the events add up to", () => {
  const events: NewEvent[] = [
    accepted(root(7)),
    accepted(root(8)),
    { kind: "agreed", jobId: root(7) },
    { kind: "trained", jobId: root(7), submission },
    { kind: "submitted", jobId: root(7), transaction: root(1) },
    { kind: "ended", jobId: root(7), outcome: "settled", paid: 40n },
    { kind: "transaction", key: "k", nonce: 1, hashes: [root(1)] },
    { kind: "transaction", key: "k", nonce: 1, hashes: [root(1), root(2)] },
    { kind: "agreed", jobId: root(99) },
  ];
  const { memory } = recollect(events.map((event) => ({ ...event, at: 1 })));
  assert.deepEqual(
    openJobs(memory).map(({ jobId }) => jobId),
    [root(8)],
  );
  assert.equal(memory.earned, 40n);
  assert.deepEqual(memory.jobs.get(root(7))?.submission, submission);
  assert.deepEqual(memory.transactions.get("k")?.hashes, [root(1), root(2)]);
});

test("a notebook is refused to another provider, market or chain", async (t) => {
  const path = await fileIn(t);
  await (await openNotebook(path, owner)).close();
  await (await openNotebook(path, owner)).close();
  for (const other of [{ chainId: 1 }, { market: PROVIDER }, { provider: zeroAddress }] as const)
    await assert.rejects(openNotebook(path, { ...owner, ...other }), (error) =>
      isAssayError(error, "JOURNAL_OF_ANOTHER"),
    );
});
