import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { isInFile, wholeColumn } from "@assay/engine/columns/column";
import { placeData } from "@assay/engine/columns/place";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { workUnits } from "@assay/engine/ir/units";
import { alternatingColumns, smallClassifier } from "@assay/engine/testing/small-classifier";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoot } from "@assay/engine/trace/roots";
import { encodeStateFile } from "@assay/engine/trace/state-file";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import type { Request } from "@assay/protocol/domain/messages";
import { digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { jobInputs, jobProgram, type InputSources } from "./kept-inputs.ts";

const program = smallClassifier({ inputs: 64, trainRows: 2 ** 12, steps: 10 });
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const columns = alternatingColumns(program);
const state = program.state.map(({ shape }) => new Uint32Array(size(shape)).fill(7));

/** A job in a store, and a folder for it. */
const kept = async (t: TestContext, memoryBytes: number) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-inputs-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const full = contentStore(memoryBlocks());
  const units = workUnits(program);
  const stateFile = digestOf(await full.putFile(encodeStateFile(program, state, {})));
  const request = {
    steps: program.steps,
    interval: program.interval,
    programRoot: programRoot(nodeHasher, program),
    programCid: digestOf(await full.putFile(Buffer.from(printProgram(program)))),
    dataRoot: tensorListRoot(nodeHasher, columns),
    dataCid: digestOf(await full.putFile(encodeSafetensors(columns))),
    startRoot: stateRoot(program, state),
    startStep: 4,
    initUnits: 0n,
    stepUnits: units.step,
    evalUnits: units.eval,
  } as unknown as Request;
  const sources: InputSources = {
    store: full,
    request,
    limits: { maxDataBytes: 2 ** 21, memoryBytes, engine: PLAIN_ENGINE },
    chain: {
      startOf: () => Promise.resolve(stateFile),
      parentOf: () => Promise.reject(new Error("there is no parent")),
    },
  };
  return { folder, sources, empty: { ...sources, store: contentStore(memoryBlocks()) } };
};

const { signal } = new AbortController();

test("what a job reads stays in its folder when the store has forgotten it, and is checked again", async (t) => {
  const { folder, sources, empty } = await kept(t, 2 ** 26);
  const fetched = await jobInputs(folder, sources, signal);
  assert.deepEqual(fetched.start, { step: 4, state });
  assert.deepEqual(await jobInputs(folder, empty, signal), fetched);

  for (const name of ["data.safetensors", "start.safetensors"]) {
    await writeFile(join(folder, "inputs", name), "changed");
    await assert.rejects(jobInputs(folder, empty, signal), { code: "CONTENT_NOT_FOUND" });
    assert.deepEqual(await jobInputs(folder, sources, signal), fetched);
    assert.deepEqual(await jobInputs(folder, empty, signal), fetched);
  }
});

test("a data set without room in memory is read where it is kept, from a file that is whole and as it was signed", async (t) => {
  const { folder, sources, empty } = await kept(
    t,
    placeData(program, { memoryBytes: 0, engine: PLAIN_ENGINE }).needed,
  );
  const path = join(folder, "inputs", "data.safetensors");
  // A process that was killed as it fetched leaves less than the whole.
  const part = join(folder, "inputs.part", "data.safetensors");
  await mkdir(dirname(part), { recursive: true });
  await writeFile(part, encodeSafetensors(columns).subarray(0, 2 ** 19));
  await assert.rejects(jobInputs(folder, empty, signal), { code: "CONTENT_NOT_FOUND" });

  // Asked for twice at once it is fetched once, and is whole for both.
  const [fetched, other] = await Promise.all([
    jobInputs(folder, sources, signal),
    jobInputs(folder, sources, signal),
  ]);
  assert.deepEqual(other, fetched);
  assert.deepEqual(
    fetched.data.map((one) => (isInFile(one) ? one.path : undefined)),
    columns.map(() => path),
  );
  assert.deepEqual(
    fetched.data.map(wholeColumn),
    columns.map(({ words }) => words),
  );
  assert.deepEqual(await readdir(folder), ["inputs"]);
  assert.deepEqual(await jobInputs(folder, empty, signal), fetched);

  const right = await readFile(path);
  const changed = Buffer.from(right);
  changed[changed.length - 1]! ^= 1;
  for (const wrong of [changed, right.subarray(0, -4), Buffer.concat([right, Buffer.alloc(4)])]) {
    await writeFile(path, wrong);
    await assert.rejects(jobInputs(folder, empty, signal), { code: "CONTENT_NOT_FOUND" });
    assert.deepEqual(await jobInputs(folder, sources, signal), fetched);
    assert.deepEqual(await jobInputs(folder, empty, signal), fetched);
  }

  assert.deepEqual((await jobProgram(folder, empty, signal)).program, program);
  await writeFile(join(folder, "inputs", "program.json"), "{}");
  assert.deepEqual((await jobProgram(folder, sources, signal)).program, program);
  await assert.rejects(jobProgram(folder, empty, signal), { code: "CONTENT_NOT_FOUND" });
});
