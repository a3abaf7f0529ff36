import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isInFile } from "@assay/engine/columns/column";
import { placeData } from "@assay/engine/columns/place";
import { selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { elements } from "@assay/engine/ir/shape";
import { smallClassifier } from "@assay/engine/testing/small-classifier";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { createLogger } from "@assay/runtime/logger";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { numberToHex, zeroAddress, zeroHash, type Hex } from "viem";
import type { Chain } from "../chain.ts";
import { openNotebook } from "../journal/notebook.ts";
import { fetchReplayInputs, type ReplayLimits } from "../replay/inputs.ts";
import { replayFolder } from "../replay/replay.ts";
import { createSlots } from "../slots.ts";
import { keepJob } from "./keep.ts";

const JOB = numberToHex(9, { size: 32 });
const LIMITS = { memoryBytes: 2 ** 30, maxDataBytes: 2 ** 20, engine: PLAIN_ENGINE };
const CHECKPOINT_BYTES = 2 ** 24;
const program = smallClassifier({ trainRows: 2 ** 14, steps: 12 });

/** Only what a step reads of the data set fits. */
const SCARCE = {
  ...LIMITS,
  memoryBytes: placeData(program, { ...LIMITS, memoryBytes: 0 }).needed,
};

/** A job whose submission is right, as the chain and the content store have it. */
const rightJob = async () => {
  const columns = program.data.map((tensor) => ({
    ...tensor,
    words: new Uint32Array(elements(tensor.shape)).fill(1),
  }));
  const store = contentStore(memoryBlocks());
  const programCid = await store.putFile(new TextEncoder().encode(printProgram(program)));
  const dataCid = await store.putFile(encodeSafetensors(columns));
  const data = selectTensors(columns, program.data);
  const { n, prefixRoot, stateRoot, modelRoot, evalRoot, traceRoot } = await runJob({
    backend: wasmBackend,
    program,
    inputs: { data: data.map(({ words }) => words), parent: [], seed: 3n },
  });
  const terms = {
    jobId: JOB,
    disputes: zeroAddress,
    programRoot: programRoot(nodeHasher, program),
    dataRoot: tensorListRoot(nodeHasher, data),
    startRoot: zeroHash,
    steps: program.steps,
    startStep: 0,
    interval: program.interval,
    seed: 3n,
  };
  const progress = {
    checkpoint: n,
    traceRoot,
    stateRoot,
    modelRoot,
    evalRoot,
    submittedAt: 1,
    windowEnd: 1_000,
  };
  const found = {
    job: { terms, progress },
    state: "submitted",
    programCid: digestOf(programCid),
    dataCid: digestOf(dataCid),
    prefixRoot,
  } as unknown as ChainJob;
  return { store, found };
};

/** Looks after the job with a chain that says the same for good; what was sent and logged. */
const kept = async (
  t: TestContext,
  limits: ReplayLimits,
  before: (folder: string, job: Awaited<ReturnType<typeof rightJob>>) => Promise<void>,
  /** Called at each look at the chain. */
  meanwhile: (folder: string) => Promise<void> = () => Promise.resolve(),
) => {
  const home = await mkdtemp(join(tmpdir(), "assay-keep-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  const job = await rightJob();
  await before(join(home, "runs", JOB), job);
  const notebook = await openNotebook(join(home, "journal.jsonl"), {
    chainId: 1,
    market: zeroAddress,
    watcher: zeroAddress,
  });
  t.after(() => notebook.close());
  const challenged: Hex[] = [];
  const chain: Partial<Chain> = {
    now: () => Promise.resolve(10),
    job: async () => {
      await meanwhile(join(home, "runs", JOB));
      // A challenge, whoever's, ends it.
      return { state: challenged.length === 0 ? "submitted" : "slashed", found: job.found };
    },
    gameOf: () => Promise.resolve(undefined),
    challenge: () => {
      challenged.push(JOB);
      return Promise.reject(new Error("nothing is to be challenged"));
    },
  };
  const lines: string[] = [];
  const outcome = await keepJob(
    {
      chain: chain as Chain,
      notebook,
      store: job.store,
      limits,
      logger: createLogger({
        name: "test",
        destination: { write: (line: string) => void lines.push(line) },
      }),
      slots: createSlots(1),
      runsDir: join(home, "runs"),
      checkpointBytes: CHECKPOINT_BYTES,
      early: false,
      auditing: undefined,
      chosen: () => true,
      pollMs: 5,
      signal: t.signal,
    },
    JOB,
  );
  const left = await readdir(join(home, "runs"));
  return { outcome, challenged, lines, memory: notebook.memory, job, left };
};

const GRANTS = [
  { where: "in memory", limits: LIMITS },
  { where: "in a file", limits: SCARCE },
];

for (const { where, limits } of GRANTS)
  test(`a submission that is right is left alone, with its data ${where}`, async (t) => {
    const { outcome, challenged, left } = await kept(t, limits, () => Promise.resolve());
    assert.equal(outcome, "same");
    assert.deepEqual(challenged, []);
    assert.deepEqual(left, []);
  });

for (const { where, limits } of GRANTS)
  test(`a machine whose second run differs from its first challenges nothing, and says REPLAY_SELF_MISMATCH, with its data ${where}`, async (t) => {
    const { outcome, challenged, lines, memory, job } = await kept(
      t,
      limits,
      async (folder, { store, found }) => {
        const find = () => Promise.reject(new Error());
        const data = join(folder, "data");
        const inputs = await fetchReplayInputs(store, found, limits, find, data);
        assert.equal(inputs.data.every(isInFile), limits === SCARCE);
        const { checkpoint } = found.job.progress;
        await replayFolder(folder, CHECKPOINT_BYTES, PLAIN_ENGINE).run(
          inputs,
          checkpoint,
          t.signal,
        );
        // As if a bit of memory had been wrong in the last interval.
        const file = join(folder, `run-${checkpoint}.json`);
        const run = JSON.parse(await readFile(file, "utf8")) as { stateRoot: Hex; roots: Hex[] };
        const wrong = numberToHex(1, { size: 32 });
        const roots = [...run.roots.slice(0, -1), wrong];
        await writeFile(file, JSON.stringify({ ...run, stateRoot: wrong, roots }));
      },
    );
    assert.equal(outcome, "unknown");
    assert.deepEqual(challenged, []);
    assert.ok(lines.some((line) => line.includes("REPLAY_SELF_MISMATCH")));
    assert.equal(memory.verdictOf(JOB, job.found.job.progress.traceRoot), "unknown");
  });

test("a data set that is lost from its file between a run and the next is fetched again", async (t) => {
  const number = program.steps / program.interval;
  let lost = false;
  const { outcome, challenged, lines, left } = await kept(
    t,
    SCARCE,
    (_, { found }) => {
      Object.assign(found.job.progress, { stateRoot: numberToHex(1, { size: 32 }) });
      return Promise.resolve();
    },
    async (folder) => {
      const runs = replayFolder(folder, CHECKPOINT_BYTES, PLAIN_ENGINE);
      if (lost || (await runs.finished(number)) === undefined) return;
      lost = true;
      await runs.removeData();
    },
  );
  assert.ok(lines.some((line) => line.includes("ENGINE_COLUMN_UNREADABLE")));
  assert.deepEqual(challenged, [JOB], "it was confirmed all the same");
  assert.equal(outcome, "gone");
  assert.deepEqual(left, []);
});
