import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isInFile, wholeColumn } from "@assay/engine/columns/column";
import { placeData } from "@assay/engine/columns/place";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { alternatingColumns, smallClassifier } from "@assay/engine/testing/small-classifier";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { zeroHash } from "viem";
import { fetchReplayInputs } from "./inputs.ts";

const program = smallClassifier({ inputs: 64, trainRows: 2 ** 12, steps: 12 });
const columns = alternatingColumns(program);
const file = encodeSafetensors(columns);
const GRANT = { maxDataBytes: 2 ** 21, memoryBytes: Infinity, engine: PLAIN_ENGINE };
const { needed: whole } = placeData(program, GRANT);
const { needed: least } = placeData(program, { ...GRANT, memoryBytes: 0 });

/** A job of which a store has all; `fetch` reads it from this or another store. */
const stored = async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-replay-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const full = contentStore(memoryBlocks());
  const onlyProgram = contentStore(memoryBlocks());
  const text = new TextEncoder().encode(printProgram(program));
  await onlyProgram.putFile(text);
  const found = {
    programCid: digestOf(await full.putFile(text)),
    dataCid: digestOf(await full.putFile(file)),
    job: {
      terms: {
        programRoot: programRoot(nodeHasher, program),
        dataRoot: tensorListRoot(nodeHasher, columns),
        startRoot: zeroHash,
        steps: program.steps,
        interval: program.interval,
        seed: 1n,
      },
    },
  } as unknown as ChainJob;
  const dir = join(folder, "data");
  const fetch = (memoryBytes: number, store = full, job = found, maxDataBytes = 2 ** 21) =>
    fetchReplayInputs(
      store,
      job,
      { ...GRANT, memoryBytes, maxDataBytes },
      () => Promise.reject(new Error("there is no parent")),
      dir,
    );
  return { found, full, onlyProgram, fetch, dir, path: join(dir, "data.safetensors") };
};

test("a data set is in memory where it fits, else in a file where what a step reads of it fits", async (t) => {
  const { found, full, fetch, dir } = await stored(t);
  const { data } = await fetch(whole);
  assert.ok(!data.some(isInFile));
  await assert.rejects(readdir(dir), { code: "ENOENT" });
  for (const memoryBytes of [whole - 1, least]) {
    const inFile = await fetch(memoryBytes);
    assert.ok(inFile.data.every(isInFile));
    assert.deepEqual(inFile.data.map(wholeColumn), data);
  }
  await assert.rejects(fetch(least - 1), {
    code: "REPLAY_TOO_LARGE",
    message: new RegExp(`needs ${least} `),
  });
  const { terms } = found.job;
  const other = { ...found, job: { ...found.job, terms: { ...terms, dataRoot: zeroHash } } };
  await assert.rejects(fetch(least, full, other), { code: "REPLAY_INPUT_MISMATCH" });
  await rm(dir, { recursive: true });
  await assert.rejects(fetch(least, full, found, 2 ** 19), { code: "CONTENT_TOO_LARGE" });
});

test("a data set in a file is fetched again unless the file is whole and as it was signed", async (t) => {
  const { onlyProgram, full, fetch, dir, path } = await stored(t);
  // A process that was killed as it fetched leaves less than the whole.
  await mkdir(dir);
  await writeFile(`${path}.part`, file.subarray(0, 2 ** 19));
  await assert.rejects(fetch(least, onlyProgram), { code: "CONTENT_NOT_FOUND" });
  const { data } = await fetch(least);
  assert.deepEqual(await readdir(dir), ["data.safetensors"]);
  assert.deepEqual((await fetch(least, onlyProgram)).data, data);

  const changed = Buffer.from(file);
  changed[changed.length - 1]! ^= 1;
  for (const wrong of [changed, file.subarray(0, -4), Buffer.concat([file, Buffer.alloc(4)])]) {
    await writeFile(path, wrong);
    await assert.rejects(fetch(least, onlyProgram), { code: "CONTENT_NOT_FOUND" });
    assert.deepEqual((await fetch(least, full)).data, data);
    assert.deepEqual(new Uint8Array(await readFile(path)), file);
  }
});
