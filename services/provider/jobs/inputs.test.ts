import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isInFile, wholeColumn } from "@assay/engine/columns/column";
import { placeData } from "@assay/engine/columns/place";
import { column, selectTensors, tensorListRoot } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import { printProgram, programToJson } from "@assay/engine/ir/json";
import { programRoot } from "@assay/engine/ir/root";
import type { Program } from "@assay/engine/ir/types";
import { workUnits } from "@assay/engine/ir/units";
import { mlp } from "@assay/engine/models/mlp";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { isAssayError } from "@assay/protocol/errors";
import type { BlockStore } from "@assay/storage/blocks";
import { cidOfDigest, digestOf } from "@assay/storage/cid";
import { contentStore } from "@assay/storage/content";
import { memoryBlocks } from "@assay/storage/memory";
import { stateRoot } from "@assay/engine/trace/roots";
import { encodeStateFile } from "@assay/engine/trace/state-file";
import { PLAIN_ENGINE } from "@assay/engine/wasm/settings";
import { zeroHash, type Hex } from "viem";
import { fetchInputs as fetchWith, fetchParent, fetchStart } from "./inputs.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-fetched-"));
after(() => rmSync(folder, { recursive: true, force: true }));
type Asked = Parameters<typeof fetchWith>;
const fetchInputs = (store: Asked[0], request: Asked[1], limits: Asked[2]) =>
  fetchWith(store, request, limits, join(folder, "data.safetensors"));

const LIMITS = { maxDataBytes: 2 ** 20, memoryBytes: 2 ** 26, engine: PLAIN_ENGINE };
const classifierOf = (trainRows: number): Program =>
  mlp({
    inputs: 4,
    hidden: [8],
    outputs: 2,
    activation: "relu",
    optimizer: { kind: "adamw", learningRate: 0.01 },
    batch: 4,
    interval: 5,
    steps: 20,
    trainRows,
    heldOutRows: 2,
  });
const columnsOf = ({ data }: Program) =>
  data.map(({ name, dtype, shape }) =>
    column(
      name,
      { dtype, shape },
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i % 2),
    ),
  );
const program = classifierOf(8);
const file = columnsOf(program);

/** Uploads and names a job; `change` makes what is signed differ from what is stored. */
const stored = async (stands: Program = program, tensors = file) => {
  const blocks = memoryBlocks();
  const store = contentStore(blocks);
  const units = workUnits(stands);
  return {
    blocks,
    store,
    named: {
      programRoot: programRoot(nodeHasher, stands),
      programCid: digestOf(await store.putFile(new TextEncoder().encode(printProgram(stands)))),
      dataRoot: tensorListRoot(nodeHasher, selectTensors(tensors, stands.data)),
      dataCid: digestOf(await store.putFile(encodeSafetensors(tensors))),
      steps: stands.steps,
      interval: stands.interval,
      initUnits: units.init,
      stepUnits: units.step,
      evalUnits: units.eval,
      startRoot: zeroHash as Hex,
      startStep: 0,
    },
  };
};
type Stored = Awaited<ReturnType<typeof stored>>;

const refused = (promise: Promise<unknown>, code: string) =>
  assert.rejects(promise, (error) => {
    assert.ok(isAssayError(error), String(error));
    assert.equal(error.code, code);
    return true;
  });

test("what was signed is fetched, in the program's order of columns", async () => {
  const { store, named } = await stored(program, file.toReversed());
  const inputs = await fetchInputs(store, named, LIMITS);
  assert.deepEqual(inputs.program, program);
  assert.deepEqual(
    inputs.data,
    file.map(({ words }) => words),
  );
});

const OTHER = `0x${"ab".repeat(32)}` as const;
const SIGNED: [string, (named: Stored["named"]) => Partial<Stored["named"]>][] = [
  ["PROGRAM_ROOT_MISMATCH", () => ({ programRoot: OTHER })],
  ["DATA_ROOT_MISMATCH", () => ({ dataRoot: OTHER })],
  ["PROGRAM_HEADER_MISMATCH", () => ({ steps: 21 })],
  ["PROGRAM_HEADER_MISMATCH", () => ({ interval: 4 })],
  ["UNITS_MISMATCH", ({ initUnits }) => ({ initUnits: initUnits - 1n })],
  ["UNITS_MISMATCH", ({ stepUnits }) => ({ stepUnits: stepUnits - 1n })],
  ["UNITS_MISMATCH", ({ evalUnits }) => ({ evalUnits: evalUnits + 1n })],
  ["CONTENT_NOT_FOUND", () => ({ programCid: OTHER })],
  ["CONTENT_NOT_FOUND", () => ({ dataCid: OTHER })],
  ["CID_UNSUPPORTED", () => ({ dataCid: `0x${"00".repeat(32)}` })],
  ["ENGINE_SAFETENSORS_INVALID", ({ programCid }) => ({ dataCid: programCid })],
  ["ENGINE_PROGRAM_STRUCTURE", ({ dataCid }) => ({ programCid: dataCid })],
];
for (const [place, [code, change]] of SIGNED.entries())
  test(`a request that names something else is refused with ${code} (${place})`, async () => {
    const { store, named } = await stored();
    await refused(fetchInputs(store, { ...named, ...change(named) }, LIMITS), code);
  });

test("a data set with one value changed is refused", async () => {
  const { store, named } = await stored();
  const words = (file[0]?.words ?? new Uint32Array()).slice();
  words[0] = 7;
  const other = [{ ...file[0]!, words }, ...file.slice(1)];
  const dataCid = digestOf(await store.putFile(encodeSafetensors(other)));
  await refused(fetchInputs(store, { ...named, dataCid }, LIMITS), "DATA_ROOT_MISMATCH");
});

test("a data set without a column that the program reads is refused", async () => {
  const { store, named } = await stored();
  const dataCid = digestOf(await store.putFile(encodeSafetensors(file.slice(1))));
  await refused(fetchInputs(store, { ...named, dataCid }, LIMITS), "ENGINE_DATA_COLUMN");
});

test("a program that breaks a hard limit is refused even where its root was signed", async () => {
  const { store, named } = await stored();
  const json = programToJson(program);
  const broken = { ...json, state: json.state.map((s) => ({ ...s, initOp: 60_000 })) };
  const programCid = digestOf(await store.putFile(Buffer.from(JSON.stringify(broken))));
  await refused(fetchInputs(store, { ...named, programCid }, LIMITS), "ENGINE_PROGRAM_SOURCE");
});

test("inputs beyond this machine's limits are refused before they are used", async () => {
  const { store, named } = await stored();
  await refused(fetchInputs(store, named, { ...LIMITS, memoryBytes: 10_000 }), "MEMORY_TOO_LARGE");
  await refused(fetchInputs(store, named, { ...LIMITS, maxDataBytes: 64 }), "CONTENT_TOO_LARGE");
});

test("a data set without room in memory is streamed to a file, and is held against the same root", async () => {
  const large = classifierOf(2 ** 16);
  const tensors = columnsOf(large);
  const { store, named } = await stored(large, tensors.toReversed());
  const { needed } = placeData(large, { ...LIMITS, memoryBytes: Infinity });
  const dataBytes = 2 ** 23;
  const ample = await fetchInputs(store, named, {
    ...LIMITS,
    maxDataBytes: dataBytes,
    memoryBytes: needed,
  });
  assert.ok(!ample.data.some(isInFile));
  const limits = { ...LIMITS, maxDataBytes: dataBytes, memoryBytes: needed - 1 };
  const { data } = await fetchInputs(store, named, limits);
  assert.ok(data.every(isInFile));
  assert.deepEqual(data.map(wholeColumn), ample.data);
  await refused(fetchInputs(store, { ...named, dataRoot: OTHER }, limits), "DATA_ROOT_MISMATCH");
  // What it takes on disk has a limit of its own.
  await refused(
    fetchInputs(store, named, { ...limits, maxDataBytes: 2 ** 20 }),
    "CONTENT_TOO_LARGE",
  );
  const { needed: least } = placeData(large, { ...LIMITS, memoryBytes: 0 });
  await fetchInputs(store, named, { ...limits, memoryBytes: least });
  const none = fetchInputs(store, named, { ...limits, memoryBytes: least - 1 });
  await assert.rejects(none, { code: "MEMORY_TOO_LARGE", message: new RegExp(`needs ${least} `) });
  assert.deepEqual(readdirSync(folder), ["data.safetensors"]);
});

test("a data file far larger than what the program reads is not fetched", async () => {
  const { store, named } = await stored();
  const idle = column("idle", { dtype: "i32", shape: [2 ** 18] }, Array(2 ** 18).fill(0));
  const dataCid = digestOf(await store.putFile(encodeSafetensors([...file, idle])));
  const ample = { maxDataBytes: 2 ** 30, memoryBytes: 2 ** 30, engine: PLAIN_ENGINE };
  await refused(fetchInputs(store, { ...named, dataCid }, ample), "CONTENT_TOO_LARGE");
});

test("a data file that is nearly all header is refused unparsed", async () => {
  const { store, named } = await stored();
  const header = encodeSafetensors([], { note: " ".repeat(2 ** 20) });
  const dataCid = digestOf(await store.putFile(header));
  await refused(
    fetchInputs(store, { ...named, dataCid }, { ...LIMITS, maxDataBytes: 2 ** 30 }),
    "ENGINE_SAFETENSORS_INVALID",
  );
});

test("a store that serves damaged blocks is noticed", async () => {
  const { blocks, named } = await stored();
  const damaged: BlockStore = {
    ...blocks,
    get: async (cid) => {
      const bytes = (await blocks.get(cid)).slice();
      if (cid.equals(cidOfDigest(named.programCid))) return bytes;
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    },
  };
  await refused(fetchInputs(contentStore(damaged), named, LIMITS), "BLOCK_CORRUPT");
});

test("a job that goes on from a state runs no init ops, and starts from that state alone", async () => {
  const { store, named } = await stored();
  const state = program.state.map(({ shape }, i) =>
    new Uint32Array(shape.reduce((a, b) => a * b, 1)).fill(i),
  );
  const startRoot = stateRoot(program, state);
  const successor = {
    ...named,
    startRoot,
    startStep: 10,
    initUnits: 0n,
    parentRoot: zeroHash,
    parentIndex: 0,
  };
  await fetchInputs(store, successor, LIMITS);
  await refused(
    fetchInputs(store, { ...successor, initUnits: named.initUnits }, LIMITS),
    "UNITS_MISMATCH",
  );
  const put = async (words: readonly Uint32Array[]): Promise<Hex> =>
    digestOf(await store.putFile(encodeStateFile(program, words as never, { step: "10" })));
  const good = await put(state);
  const start = await fetchStart(store, successor, program, () => Promise.resolve(good));
  assert.deepEqual(start, { step: 10, state });
  const other = await put(state.map((words) => words.map((word) => word + 1)));
  await refused(
    fetchStart(store, successor, program, () => Promise.resolve(other)),
    "START_ROOT_MISMATCH",
  );
});

test("a parent model is read as a whole, and must have the root that was signed", async () => {
  const { store } = await stored();
  const parent = [{ name: "w", dtype: "f32" as const, shape: [2], words: Uint32Array.of(1, 2) }];
  const tuned = { ...program, parent };
  const digest = digestOf(await store.putFile(encodeSafetensors(parent)));
  const signed = { parentRoot: tensorListRoot(nodeHasher, parent), parentIndex: 0 };
  const find = () => Promise.resolve(digest);
  assert.deepEqual(await fetchParent(store, signed, tuned, find), [Uint32Array.of(1, 2)]);
  assert.deepEqual(await fetchParent(store, signed, program, find), []);
  const other = { ...signed, parentRoot: OTHER };
  await refused(fetchParent(store, other, tuned, find), "PARENT_ROOT_MISMATCH");
  const larger = { ...program, parent: parent.map((p) => ({ ...p, shape: [3] })) };
  await refused(fetchParent(store, signed, larger, find), "ENGINE_DATA_COLUMN");
});
