import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import { workUnits } from "@assay/engine/ir/units";
import { alternatingColumns, smallClassifier } from "@assay/engine/testing/small-classifier";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { treeRoot } from "@assay/protocol/commitments/tree";
import type { Request } from "@assay/protocol/domain/messages";
import { createLogger } from "@assay/runtime/logger";
import { digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { zeroHash, type Hex } from "viem";
import { checkpointFolder } from "./checkpoints.ts";
import { prefixOf } from "./training.ts";

const program = smallClassifier({ steps: 10 });
const columns = alternatingColumns(program);

test("a late agent with the last checkpoint but no result is paid for the one before", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assay-prefix-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const store = contentStore(memoryBlocks());
  const units = workUnits(program);
  const request = {
    seed: 3n,
    startRoot: zeroHash as Hex,
    startStep: 0,
    steps: program.steps,
    interval: program.interval,
    programRoot: programRoot(nodeHasher, program),
    programCid: digestOf(await store.putFile(Buffer.from(printProgram(program)))),
    dataRoot: tensorListRoot(nodeHasher, columns),
    dataCid: digestOf(await store.putFile(encodeSafetensors(columns))),
    initUnits: units.init,
    stepUnits: units.step,
    evalUnits: units.eval,
  } as Request;
  const checkpoints = checkpointFolder(folder, 2 ** 20);
  const parts = {
    jobId: zeroHash,
    request,
    store,
    ownStore: store,
    logger: createLogger({ name: "test", level: "silent" }),
    checkpoints,
    signal: new AbortController().signal,
  };
  const presented: (number | undefined)[] = [];
  const whole = await runJob({
    backend: wasmBackend,
    program,
    inputs: { data: columns.map(({ words }) => words.slice()), parent: [], seed: 3n },
    onCheckpoint: async ({ step, roots, state }) => {
      await checkpoints.save(program, { step, roots, state });
      presented.push((await prefixOf(parts))?.checkpoint);
    },
  });
  // Checkpoints 0 to 3, after steps 0, 4, 8 and 10.
  assert.deepEqual(presented, [undefined, 1, 2, 2]);
  const receipt = await prefixOf(parts);
  assert.equal(receipt?.stateRoot, whole.checkpointRoots[2]);
  const away = { ...store, putFile: () => Promise.reject(new Error("no gateway")) };
  assert.deepEqual(await prefixOf({ ...parts, store: away }), receipt, "claimed all the same");
  assert.equal(receipt?.prefixRoot, treeRoot(nodeHasher, whole.checkpointRoots.slice(0, 2)));
});
