import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fromHex } from "@assay/protocol/commitments/hash";
import { chunkLeaf, chunkLeaves } from "@assay/protocol/commitments/tensor";
import { flatTreeRoot, verifyProof } from "@assay/protocol/commitments/tree";
import type { Words } from "../backend.ts";
import { primitive } from "../ir/primitives.ts";
import type { NamedTensor, Operand, Program, Shape } from "../ir/types.ts";
import { assertSameBits } from "../testing/compare.ts";
import { openDataFolder, type DataFolder } from "../testing/in-files.ts";
import { openDescent } from "../trace/descent/descent.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { runJob } from "../trace/run.ts";
import { wasmBackend } from "../wasm/backend.ts";

let folder: DataFolder;
before(async () => {
  folder = await openDataFolder();
});
after(() => folder.close());

const still = (shape: Shape): number[] => shape.map(() => 0);

/** A program whose only state is what one operand reads of column 0. */
const reading = (shape: Shape, data: readonly NamedTensor[], operand: Operand): Program => {
  const out = { dtype: "f32", shape } as const;
  const copy = { form: "map", opcode: primitive("copy").opcode, out } as const;
  const source = { kind: "immediate", dtype: "f32", bits: 0 } as const;
  const zero = { source, offset: 0, strides: still(shape), guards: [], indirection: null };
  return {
    numerics: "f32-1",
    steps: 2,
    interval: 1,
    data,
    parent: [],
    state: [{ name: "read", ...out, parameter: true, initOp: 0, stepOp: 0 }],
    init: [{ ...copy, operands: [zero] }],
    step: [{ ...copy, operands: [operand] }],
    eval: [],
    outputs: [],
  };
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Words): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

const counted = (count: number): Words =>
  new Uint32Array(Float32Array.from({ length: count }, (_, i) => i + 1).buffer);

/** A guard that lets everything pass: what an access that may leave its tensor has to have. */
const open = (shape: Shape) => ({ offset: 0, strides: still(shape), limit: 1 });

test("an element that a table does not have makes an operand read 0, whatever its first row is", async () => {
  const shape = [4, 3];
  const program = reading(
    shape,
    [
      { name: "values", dtype: "f32", shape: [30] },
      { name: "table", dtype: "i32", shape: [25] },
    ],
    {
      source: { kind: "data", index: 0 },
      offset: 0,
      strides: still(shape),
      guards: [open(shape)],
      indirection: {
        // Rows of three elements, ten apart: the last begins behind the table's end.
        source: { kind: "data", index: 1 },
        offset: 0,
        strides: [10, 1],
        rowStride: 1,
        limit: 30,
      },
    },
  );
  const table = Uint32Array.from({ length: 25 }, (_, i) => 25 - i);
  const inputs = { data: [counted(30), table], parent: [], seed: 1n };
  await assertSameBits(folder.backend(wasmBackend), program, inputs, "both in files", 1);
  const values = folder.backend(wasmBackend, (column) => column === 0);
  await assertSameBits(values, program, inputs, "the values in a file", 1);
});

test("a table that is asked for elements far behind its end does not pick one by overflow", async () => {
  const shape = [2, 8];
  const program = reading(
    shape,
    [
      { name: "values", dtype: "f32", shape: [64] },
      { name: "table", dtype: "i32", shape: [4] },
    ],
    {
      source: { kind: "data", index: 0 },
      offset: 0,
      strides: [0, 1],
      guards: [open(shape)],
      indirection: {
        source: { kind: "data", index: 1 },
        offset: 0,
        // 2^29 rows of 8 elements are 2^32 elements.
        strides: [2 ** 29, 0],
        rowStride: 8,
        limit: 8,
      },
    },
  );
  const inputs = { data: [counted(64), Uint32Array.of(3, 2, 1, 0)], parent: [], seed: 1n };
  const values = folder.backend(wasmBackend, (column) => column === 0);
  await assertSameBits(values, program, inputs, "the values in a file", 1);
});

test("what is read every other row, backwards, is staged row by row", async () => {
  const shape = [5, 4];
  const program = reading(shape, [{ name: "values", dtype: "f32", shape: [100] }], {
    source: { kind: "data", index: 0 },
    offset: 83,
    strides: [-20, 1],
    guards: [],
    indirection: null,
  });
  const inputs = { data: [counted(100)], parent: [], seed: 1n };
  await assertSameBits(folder.backend(wasmBackend), program, inputs, "rows backwards", 1);
});

test("an element of a column with more chunks than a tree keeps is proven under its root", async () => {
  const length = 256 * 70_000;
  const words = counted(length);
  const address = 256 * 69_999 + 7;
  const program = reading([1], [{ name: "values", dtype: "f32", shape: [length] }], {
    source: { kind: "data", index: 0 },
    offset: address,
    strides: [0],
    guards: [],
    indirection: null,
  });
  const inputs = await folder.inFile({ data: [words], parent: [], seed: 1n });
  const states: (readonly Words[])[] = [];
  const { checkpointRoots } = await runJob({
    backend: wasmBackend,
    program,
    inputs,
    onCheckpoint: ({ state }) => void states.push(state),
  });
  assert.equal(states[1]?.[0]?.[0], words[address]);
  const descent = openDescent({
    program,
    inputs,
    checkpoints: { roots: checkpointRoots, load: async (index) => states[index] },
  });
  const at = {
    section: { list: "step", interval: 1, step: 0 },
    op: 0,
    element: 0,
    term: 0,
  } as const;
  const shown = await descent.open({ kind: "read", ...at, read: 2 });
  assert.ok(shown.kind === "element");
  await descent.close();
  const chunk = Math.floor(address / 256);
  const leaf = chunkLeaf(nodeHasher, 0, chunk, fromHex(shown.bytes));
  const leaves = chunkLeaves(nodeHasher, { dtype: 0, shape: [length], bytes: bytesOf(words) });
  const root = flatTreeRoot(nodeHasher, leaves);
  assert.ok(verifyProof(nodeHasher, root, 70_000, chunk, leaf, shown.chunk));
});
