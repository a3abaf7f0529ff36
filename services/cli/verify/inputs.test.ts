import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isInFile, wholeColumn } from "@assay/engine/columns/column";
import { placeData } from "@assay/engine/columns/place";
import { column, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram } from "@assay/engine/ir/json";
import { elements } from "@assay/engine/ir/shape";
import { mlp } from "@assay/engine/models/mlp";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { fetchInputs } from "./inputs.ts";
import { rerunInterval, rerunJob } from "./rerun.ts";

const program = mlp({
  inputs: 64,
  hidden: [],
  outputs: 2,
  activation: "relu",
  optimizer: { kind: "sgd", learningRate: 0.1 },
  batch: 8,
  interval: 4,
  steps: 12,
  trainRows: 2 ** 12,
  heldOutRows: 8,
});
const columns = program.data.map(({ name, dtype, shape }) =>
  column(
    name,
    { dtype, shape },
    Array.from({ length: elements(shape) }, (_, i) => (i * i) % 2),
  ),
);

test("a job is run again with the same roots where memory has no room for its data set", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "assay-verify-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const store = contentStore(memoryBlocks());
  const chain = {
    programCid: digestOf(await store.putFile(new TextEncoder().encode(printProgram(program)))),
    dataCid: digestOf(await store.putFile(encodeSafetensors(columns))),
    job: { terms: { seed: 7n } },
  } as unknown as ChainJob;
  const room = { memoryBytes: Infinity, engine: PLAIN_ENGINE, dataPath: join(folder, "data") };
  const ample = await fetchInputs(store, chain, room);
  assert.ok(!existsSync(room.dataPath));
  const { needed } = placeData(program, room);
  // One byte short, and with less than even a step needs: whoever checks for himself is not refused.
  for (const memoryBytes of [needed - 1, 0]) {
    const scarce = await fetchInputs(store, chain, { ...room, memoryBytes });
    assert.ok(scarce.inputs.data.every(isInFile));
    assert.deepEqual(scarce.inputs.data.map(wholeColumn), ample.inputs.data);
    assert.equal(scarce.dataRoot, tensorListRoot(nodeHasher, columns));
    assert.equal(ample.dataRoot, scarce.dataRoot);
    const [first, second] = await Promise.all(
      [ample, scarce].map((job) =>
        rerunJob({ job, engine: PLAIN_ENGINE, until: 3, interval: 1, onStep: () => undefined }),
      ),
    );
    assert.equal(second?.result.traceRoot, first?.result.traceRoot);
    assert.equal(await rerunInterval(scarce, 0, second!.sample), first?.sample.nextRoot);
  }
});
