import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { wholeColumn, wordsOf } from "@assay/engine/columns/column";
import { placeData } from "@assay/engine/columns/place";
import { column, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { workUnits } from "@assay/engine/ir/units";
import { smallClassifier } from "@assay/engine/testing/small-classifier";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { AssayError } from "@assay/protocol/errors";
import { digestOf } from "@assay/storage/cid";
import { contentStore, type ContentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { numberToHex, zeroHash } from "viem";
import { createPrefetch } from "./prefetch.ts";

const program = smallClassifier({ inputs: 64, trainRows: 2 ** 12, steps: 10 });
const columns = program.data.map(({ name, dtype, shape }) =>
  column(name, { dtype, shape }, Array(shape.reduce((a, b) => a * b, 1)).fill(1)),
);
const LIMITS = { maxDataBytes: 2 ** 21, memoryBytes: 2 ** 26, engine: PLAIN_ENGINE };
const SCARCE = { ...LIMITS, memoryBytes: placeData(program, { ...LIMITS, memoryBytes: 0 }).needed };
const [FIRST, SECOND] = [numberToHex(1, { size: 32 }), numberToHex(2, { size: 32 })];

/** A store whose data set comes when a test says so. */
const slowStore = async (t: TestContext) => {
  const dir = await mkdtemp(join(tmpdir(), "assay-prefetch-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const whole = contentStore(memoryBlocks());
  const units = workUnits(program);
  const programCid = await whole.putFile(new TextEncoder().encode(printProgram(program)));
  const dataCid = await whole.putFile(encodeSafetensors(columns));
  const request = {
    programRoot: programRoot(nodeHasher, program),
    programCid: digestOf(programCid),
    dataRoot: tensorListRoot(nodeHasher, columns),
    dataCid: digestOf(dataCid),
    steps: program.steps,
    interval: program.interval,
    initUnits: units.init,
    stepUnits: units.step,
    evalUnits: units.eval,
    startRoot: zeroHash,
    startStep: 0,
  };
  const gate = Promise.withResolvers<void>();
  const asked: (() => void)[] = [];
  let fetched = 0;
  const store: ContentStore = {
    ...whole,
    async *getFile(cid, options) {
      if (cid.equals(dataCid)) {
        fetched++;
        asked.shift()?.();
        await gate.promise;
      }
      options?.signal?.throwIfAborted();
      yield* whole.getFile(cid, options);
    },
  };
  const abort = new AbortController();
  const prefetchWith = (limits: typeof LIMITS, most = 1) =>
    createPrefetch({ store, limits, dir, most, signal: abort.signal });
  /** Resolves once the data is asked for. */
  const dataAsked = (): Promise<void> => new Promise((resolve) => asked.push(resolve));
  return { dir, request, gate, abort, prefetchWith, dataAsked, fetched: () => fetched };
};

const late = new AssayError("TEST_LATE", "there is no more time");

test("a data set that came too late for one answer is there for the next", async (t) => {
  const { dir, request, gate, prefetchWith, dataAsked, fetched } = await slowStore(t);
  const prefetch = prefetchWith(SCARCE);
  const time = new AbortController();
  const asked = dataAsked();
  const first = prefetch.inputs(FIRST, request, time.signal);
  await asked;
  time.abort(late);
  await assert.rejects(first, late);
  await prefetch.answered(FIRST, true);
  // Whoever is asked with no time left at all does not wait either.
  await assert.rejects(prefetch.inputs(FIRST, request, time.signal), late);
  await prefetch.answered(FIRST, true);
  gate.resolve();
  const { data } = await prefetch.inputs(FIRST, request, t.signal);
  assert.deepEqual(
    data.map(wholeColumn),
    columns.map(({ words }) => words),
  );
  assert.equal(fetched(), 1);
  assert.equal((await readdir(dir)).length, 1);
  await prefetch.answered(FIRST, false);
  assert.deepEqual(await readdir(dir), []);
});

test("what is to be in memory is not held for a proposal that may never come", async (t) => {
  const { dir, request, gate, prefetchWith, dataAsked, fetched } = await slowStore(t);
  const prefetch = prefetchWith(LIMITS);
  const time = new AbortController();
  const asked = dataAsked();
  const first = prefetch.inputs(FIRST, request, time.signal);
  await asked;
  time.abort(late);
  await assert.rejects(first, late);
  const settled = prefetch.inputs(FIRST, request, t.signal);
  await prefetch.answered(FIRST, true);
  gate.resolve();
  await settled;
  const { data } = await prefetch.inputs(FIRST, request, t.signal);
  assert.equal(wordsOf(data).length, columns.length);
  assert.equal(fetched(), 2);
  await prefetch.answered(FIRST, false);
  assert.deepEqual(await readdir(dir), []);
});

test("of more requests than an agent has places the oldest is given up, and all when the agent stops", async (t) => {
  const { dir, request, gate, abort, prefetchWith, dataAsked, fetched } = await slowStore(t);
  const prefetch = prefetchWith(SCARCE);
  for (const digest of [FIRST, SECOND]) {
    const time = new AbortController();
    const asked = dataAsked();
    const waiting = prefetch.inputs(digest, request, time.signal);
    await asked;
    time.abort(late);
    await assert.rejects(waiting, late);
    if (digest === FIRST) await prefetch.answered(digest, true);
  }
  const given = prefetch.answered(SECOND, true);
  gate.resolve();
  await given;
  await prefetch.inputs(SECOND, request, t.signal);
  assert.equal(fetched(), 2, "the newer one went on");
  await prefetch.inputs(FIRST, request, t.signal);
  assert.equal(fetched(), 3, "the older one had to begin anew");
  abort.abort(late);
  const third = prefetch.inputs(numberToHex(3, { size: 32 }), request, t.signal);
  await assert.rejects(third, late);
  assert.equal((await readdir(dir)).length, 2);
});

test("what failed is fetched anew", async (t) => {
  const { dir, request, gate, prefetchWith, fetched } = await slowStore(t);
  const prefetch = prefetchWith(SCARCE);
  gate.resolve();
  const wrong = { ...request, dataRoot: zeroHash };
  await assert.rejects(prefetch.inputs(FIRST, wrong, t.signal), { code: "DATA_ROOT_MISMATCH" });
  await prefetch.inputs(FIRST, request, t.signal);
  assert.equal(fetched(), 2);
  await prefetch.answered(FIRST, false);
  assert.deepEqual(await readdir(dir), []);
});
