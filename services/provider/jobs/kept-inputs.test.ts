import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { column, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { workUnits } from "@assay/engine/ir/units";
import { mlp } from "@assay/engine/models/mlp";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoot } from "@assay/engine/trace/roots";
import { encodeStateFile } from "@assay/engine/trace/state-file";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import type { Request } from "@assay/protocol/domain/messages";
import { digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { jobInputs, type InputSources } from "./kept-inputs.ts";

const program = mlp({
  inputs: 4,
  hidden: [],
  outputs: 2,
  activation: "relu",
  optimizer: { kind: "sgd", learningRate: 0.1 },
  batch: 2,
  interval: 4,
  steps: 10,
  trainRows: 4,
  heldOutRows: 1,
});
const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const columns = program.data.map(({ name, dtype, shape }) =>
  column(
    name,
    { dtype, shape },
    Array.from({ length: size(shape) }, (_, i) => i % 2),
  ),
);
const state = program.state.map(({ shape }) => new Uint32Array(size(shape)).fill(7));

test("what a job reads stays in its folder when the store has forgotten it, and is checked again", async (t) => {
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
    limits: { maxDataBytes: 2 ** 20, memoryBytes: 2 ** 26, engine: PLAIN_ENGINE },
    chain: {
      startOf: () => Promise.resolve(stateFile),
      parentOf: () => Promise.reject(new Error("there is no parent")),
    },
  };
  const { signal } = new AbortController();
  const fetched = await jobInputs(folder, sources, signal);
  assert.deepEqual(fetched.start, { step: 4, state });

  const empty = { ...sources, store: contentStore(memoryBlocks()) };
  assert.deepEqual(await jobInputs(folder, empty, signal), fetched);

  for (const name of ["data.safetensors", "start.safetensors"]) {
    await writeFile(join(folder, "inputs", name), "changed");
    await assert.rejects(jobInputs(folder, empty, signal), { code: "CONTENT_NOT_FOUND" });
    assert.deepEqual(await jobInputs(folder, sources, signal), fetched);
    assert.deepEqual(await jobInputs(folder, empty, signal), fetched);
  }
});
