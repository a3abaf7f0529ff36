import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { column, tensorListRoot } from "../data/dataset.ts";
import { encodeSafetensors } from "../data/safetensors.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { wholeColumn } from "./column.ts";
import { newDataFile, placeColumns } from "./data-file.ts";

const folder = await mkdtemp(join(tmpdir(), "assay-data-file-"));
after(() => rm(folder, { recursive: true, force: true }));

const tensors = [
  column("x", { dtype: "f32", shape: [300, 3] }, Array(900).fill(0.5)),
  column(
    "y",
    { dtype: "i32", shape: [300] },
    Array.from({ length: 300 }, (_, i) => i),
  ),
];
const bytes = encodeSafetensors(tensors, { licence: "MIT" });

async function* inPieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

describe("a data set on its way into a file", () => {
  it("is there as a whole, with its columns where the program reads them", async () => {
    const path = join(folder, "data");
    const wanted = tensors.toReversed();
    const { root, columns } = await placeColumns(newDataFile(path, inPieces()), wanted);
    assert.deepEqual(new Uint8Array(await readFile(path)), bytes);
    assert.equal(root, tensorListRoot(nodeHasher, wanted));
    assert.deepEqual(
      columns.map(wholeColumn),
      wanted.map(({ words }) => words),
    );
  });

  it("is refused with a code where nothing can be written", async () => {
    await writeFile(join(folder, "no-folder"), "");
    const file = newDataFile(join(folder, "no-folder", "data"), inPieces());
    await assert.rejects(placeColumns(file, tensors), {
      code: "ENGINE_DATA_UNWRITABLE",
      retryable: true,
    });
  });

  it("is refused where the program wants another column", async () => {
    const file = newDataFile(join(folder, "other"), inPieces());
    const wanted = [{ name: "z", dtype: "f32" as const, shape: [1] }];
    await assert.rejects(placeColumns(file, wanted), { code: "ENGINE_DATA_COLUMN" });
  });
});
