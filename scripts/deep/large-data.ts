/**
 * Trains on a data set larger than a WebAssembly memory, made on the fly in a temporary folder, and shows what that costs beside the
 * same program on few rows in memory. `--gib N`: size of the data set (default 5), which takes as much disk; `--steps N`: of one burst
 * (default 100).
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { noise } from "@assay/engine/autodiff/finite-differences";
import type { Backend, Column, Words } from "@assay/engine/backend";
import { openColumn } from "@assay/engine/columns/column";
import { newDataFile, placeColumns } from "@assay/engine/columns/data-file";
import { placeData, tensorBytes } from "@assay/engine/columns/place";
import { safetensorsHeader } from "@assay/engine/data/safetensors";
import { elements } from "@assay/engine/ir/shape";
import type { Program, TensorType } from "@assay/engine/ir/types";
import { mlp } from "@assay/engine/models/mlp";
import { referenceBackend } from "@assay/engine/reference/backend";
import { stateRoot } from "@assay/engine/trace/roots";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";

const { values } = parseArgs({
  options: { gib: { type: "string", default: "5" }, steps: { type: "string", default: "100" } },
});
const GIB = 2 ** 30;
const MIB = 2 ** 20;
const FEATURES = 784;
const CLASSES = 10;
const SEED = 3n;
const BURSTS = 5;
const bytes = Number(values.gib) * GIB;
const steps = Number(values.steps);
const rows = Math.ceil(bytes / (4 * FEATURES));

const programOf = (trainRows: number): Program =>
  mlp({
    inputs: FEATURES,
    hidden: [256],
    outputs: CLASSES,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.01 },
    batch: 64,
    steps: BURSTS * steps + 1,
    interval: BURSTS * steps + 1,
    trainRows,
    heldOutRows: 1_000,
  });

/** A period of a column: features between −1 and 1, labels of all classes. */
const periodOf = ({ dtype, shape }: TensorType, length: number): Words => {
  const numbers = noise(Math.min(length, elements(shape)), 1);
  return dtype === "f32"
    ? new Uint32Array(Float32Array.from(numbers).buffer)
    : Uint32Array.from(numbers, (v) => Math.floor(((v + 1) * CLASSES) / 2.1));
};

/** Odd, so that a row is where it is and nowhere else nearby. */
const PERIOD = 2 ** 18 - 1;

async function* fileOf({ data }: Program): AsyncGenerator<Uint8Array> {
  yield safetensorsHeader(data);
  for (const type of data) {
    const { buffer } = periodOf(type, PERIOD);
    const period = new Uint8Array(buffer as ArrayBuffer);
    for (let left = tensorBytes([type]); left > 0; left -= period.length)
      yield period.subarray(0, left);
  }
}

/** Milliseconds of a step: the best of a few bursts, after a first step. */
const timed = async (program: Program, data: readonly Column[]): Promise<number> => {
  const execution = await wasmBackend.prepare(program, { data, parent: [], seed: SEED });
  execution.init();
  execution.run(1);
  const bursts = Array.from({ length: BURSTS }, () => {
    const since = performance.now();
    execution.run(steps);
    return (performance.now() - since) / steps;
  });
  execution.close();
  return Math.min(...bursts);
};

const afterTwo = async (
  backend: Backend,
  program: Program,
  data: readonly Column[],
): Promise<string> => {
  const execution = await backend.prepare(program, { data, parent: [], seed: SEED });
  execution.init();
  execution.run(2);
  const root = stateRoot(program, execution.state());
  execution.close();
  return root;
};

const peak = (): string => `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`;
const gib = (count: number): string => `${(count / GIB).toFixed(2)} GiB`;
const seconds = (since: number): number => (performance.now() - since) / 1000;

const folder = await mkdtemp(join(tmpdir(), "assay-deep-"));
try {
  const program = programOf(rows);
  const size = tensorBytes(program.data);
  const disk = await statfs(folder);
  assert.ok(disk.bavail * disk.bsize > 1.1 * size, `${folder} has no room for ${gib(size)}`);
  const { place } = placeData(program, { memoryBytes: Infinity, engine: PLAIN_ENGINE });
  assert.equal(place, size > 4 * GIB ? "file" : "memory");
  const { needed } = placeData(program, { memoryBytes: 0, engine: PLAIN_ENGINE });
  console.log(`peak memory before anything is made: ${peak()}`);

  const begun = performance.now();
  const path = join(folder, "data.safetensors");
  const { columns } = await placeColumns(newDataFile(path, fileOf(program)), program.data);
  const took = seconds(begun);
  console.log(
    `${rows} rows, ${gib(size)}, made, written and rooted in ${took.toFixed(1)} s (${(size / MIB / took).toFixed(0)} MiB/s), peak memory ${peak()}`,
  );

  const [features] = columns;
  assert.ok(features !== undefined);
  const reader = openColumn(features);
  const last = new Uint32Array(FEATURES);
  reader.read(features.length - FEATURES, last);
  reader.close();
  const period = periodOf({ dtype: "f32", shape: [rows, FEATURES] }, PERIOD);
  const expected = last.map((_, i) => period[(features.length - FEATURES + i) % PERIOD] as number);
  assert.deepEqual(last, expected, "the last row is where it should be");

  const large = await timed(program, columns);
  console.log(
    `from the file: ${large.toFixed(2)} ms a step, peak memory ${peak()} (${(needed / MIB).toFixed(0)} MiB foreseen for the program and its state)`,
  );
  const [fast, slow] = [
    await afterTwo(wasmBackend, program, columns),
    await afterTwo(referenceBackend, program, columns),
  ];
  assert.equal(fast, slow, "both back ends give the same state");

  const few = programOf(10_000);
  const small = await timed(
    few,
    few.data.map((type) => {
      const own = periodOf(type, PERIOD);
      return Uint32Array.from(
        { length: elements(type.shape) },
        (_, i) => own[i % own.length] as number,
      );
    }),
  );
  console.log(
    `10,000 rows in memory: ${small.toFixed(2)} ms a step; the file costs ${(large - small).toFixed(2)} ms a step more`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
