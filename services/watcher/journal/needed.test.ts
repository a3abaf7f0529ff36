import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Random } from "@assay/engine/testing/random";
import { numberToHex, zeroAddress, type Address, type Hex } from "viem";
import type { WatcherEvent } from "./events.ts";
import { stillNeeded } from "./needed.ts";
import { openNotebook, type NewEvent, type Notebook } from "./notebook.ts";

const word = (value: number): Hex => numberToHex(value, { size: 32 });
const contract = (value: number): Address => numberToHex(value, { size: 20 });
const owner = { chainId: 31337, market: zeroAddress, watcher: contract(1) } as const;

/** Jobs that something may happen to, by number; one that was closed is gone for good, and another comes in its place. */
interface Jobs {
  readonly open: number[];
  readonly watched: Set<Hex>;
  ever: number;
}

/** Something that may happen to one of some jobs. */
const anything = (random: Random, jobs: Jobs): NewEvent => {
  const place = random.integer(0, jobs.open.length - 1);
  const jobId = word(jobs.open[place] as number);
  if (!jobs.watched.has(jobId)) {
    jobs.watched.add(jobId);
    return { kind: "watched", jobId };
  }
  const traceRoot = word(random.integer(1, 2));
  const disputes = contract(random.integer(2, 4));
  switch (random.integer(0, 6)) {
    case 0:
      return { kind: "cursor", number: random.integer(0, 1_000), hash: word(9) };
    case 1:
      return { kind: "watched", jobId };
    case 2:
      return {
        kind: "judged",
        jobId,
        traceRoot,
        verdict: random.pick(["same", "different", "unknown"]),
      };
    case 3:
      return { kind: "challenging", jobId, traceRoot, disputes };
    case 4:
    case 5:
      jobs.open[place] = ++jobs.ever;
      return { kind: "closed", jobId, outcome: random.pick(["same", "won", "gone"]) };
    default:
      return {
        kind: "transaction",
        key: random.pick([`point:${jobId}:${disputes}:1`, `challenge:${disputes}:${jobId}`]),
        nonce: random.integer(0, 9),
        hashes: [word(random.integer(1, 99))],
      };
  }
};

/** Everything that a process asks its memory for. */
const recalled = async ({ memory, transactions }: Notebook, jobs: number) => {
  const ids = Array.from({ length: jobs }, (_, i) => word(i + 1));
  const live = ids.filter((id) => memory.jobs.has(id));
  const keys = live.flatMap((id) =>
    [2, 3, 4].flatMap((at) => [`point:${id}:${contract(at)}:1`, `challenge:${contract(at)}:${id}`]),
  );
  return {
    salt: memory.salt,
    cursor: memory.cursor,
    live,
    disputes: [...memory.disputes].sort(),
    verdicts: ids.map((id) => [1, 2].map((root) => memory.verdictOf(id, word(root)))),
    attempts: await Promise.all(
      keys.map(async (key) => {
        const attempt = await transactions.load(key);
        return attempt && { nonce: attempt.nonce, hashes: attempt.hashes };
      }),
    ),
  };
};

const fileIn = async (t: TestContext): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-watcher-journal-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "journal.jsonl");
};

test("whatever has happened, a memory made from what is left answers as one made from everything", async (t) => {
  const path = await fileIn(t);
  const random = new Random(41);
  const jobs: Jobs = { open: [1, 2, 3, 4, 5, 6, 7, 8], watched: new Set(), ever: 8 };
  // One that never forgets beside it, and one that does at every fourth kilobyte.
  const whole = await openNotebook(`${path}.whole`, owner, Number.POSITIVE_INFINITY);
  t.after(() => whole.close());
  let small = await openNotebook(path, owner, 4_096);
  const { salt } = small.memory;
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 40; i++) {
      const event = anything(random, jobs);
      await whole.note(event);
      await small.note(event);
    }
    const { cursor: all, ...expected } = await recalled(whole, jobs.ever);
    const { cursor, ...found } = await recalled(small, jobs.ever);
    assert.deepEqual(found, { ...expected, salt }, `running, after ${round}`);
    assert.equal(cursor?.number, all?.number);
    await small.close();
    small = await openNotebook(path, owner, 4_096);
    const { cursor: again, ...reopened } = await recalled(small, jobs.ever);
    assert.deepEqual(reopened, { ...expected, salt }, `opened again, after ${round}`);
    assert.equal(again?.number, all?.number);
  }
  await small.close();
  assert.ok((await stat(path)).size < (await stat(`${path}.whole`)).size / 2);
});

test("a journal of many jobs that are done with stays small, and keeps its secret", async (t) => {
  const path = await fileIn(t);
  const limit = 8_192;
  const notebook = await openNotebook(path, owner, limit);
  const { salt } = notebook.memory;
  const open = word(1);
  await notebook.note({ kind: "watched", jobId: open });
  await notebook.transactions.save(`challenge:${zeroAddress}:${open}`, {
    nonce: 1,
    hashes: [word(5)],
  });
  let largest = 0;
  for (let job = 2; job < 120; job++) {
    const jobId = word(job);
    await notebook.note({ kind: "watched", jobId });
    await notebook.transactions.save(`approve:${job}:0`, { nonce: job, hashes: [word(job)] });
    await notebook.transactions.save(`point:${jobId}:1`, { nonce: job, hashes: [word(job)] });
    await notebook.note({ kind: "closed", jobId, outcome: "gone" });
    largest = Math.max(largest, (await stat(path)).size);
  }
  await notebook.close();
  assert.ok(largest < 2 * limit, `${largest} bytes`);
  const reopened = await openNotebook(path, owner, limit);
  t.after(() => reopened.close());
  assert.equal(reopened.memory.salt, salt);
  assert.deepEqual([...reopened.memory.jobs], [open]);
  const kept = await reopened.transactions.load(`challenge:${zeroAddress}:${open}`);
  assert.deepEqual(kept?.hashes, [word(5)]);
  assert.match(await readFile(path, "utf8"), /^\{"kind":"opened"/);
});

test("a transaction about a job that was never looked after stays; one of a payment, or of a job that is done with, does not", () => {
  const transaction = (key: string): WatcherEvent => ({
    kind: "transaction",
    at: 1,
    key,
    nonce: 1,
    hashes: [word(1)],
  });
  const watched: WatcherEvent = { kind: "watched", at: 1, jobId: word(2) };
  const closed: WatcherEvent = { kind: "closed", at: 1, jobId: word(2), outcome: "won" };
  const other = transaction(`slashConflict:${word(3)}:0:0:9:4`);
  const own = transaction(`point:${word(2)}:${zeroAddress}:1:${word(7)}`);
  const paid = transaction("approve:1700000000000:0");
  assert.deepEqual(stillNeeded([watched, paid, own, other, closed]), [other]);
  const again = [watched, own].map((event) => ({ ...event, at: 2 }));
  assert.deepEqual(stillNeeded([watched, own, closed, ...again]), again);
});

test("of jobs that are done with the latest 4,096 verdicts are kept, in their order", () => {
  const events = Array.from({ length: 4_100 }, (_, job): WatcherEvent => ({
    kind: "judged",
    at: job,
    jobId: word(job),
    traceRoot: word(1),
    verdict: "same",
  }));
  const first = events[0] as WatcherEvent;
  // Judged again, the oldest is the latest.
  assert.deepEqual(stillNeeded([...events, { ...first, at: 9_999 }]), [
    ...events.slice(5),
    { ...first, at: 9_999 },
  ]);
});
