import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import * as fc from "fast-check";
import { randomWords } from "../testing/bits.ts";
import { Random } from "../testing/random.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { column, tensorListRoot, wordsRoot } from "./dataset.ts";
import { encodeSafetensors, type NamedWords } from "./safetensors.ts";
import { readColumns, scanTensors, summaryRoot, writeTensors } from "./stream.ts";

/** The bytes in pieces of these sizes, over and over. */
async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let k = 0; at < bytes.length; k++) {
    const size = sizes[k % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const refused = (promise: Promise<unknown>, code: string): Promise<void> =>
  assert.rejects(promise, (error) => isAssayError(error, code));

const tensorsOf = (shapes: readonly (readonly number[])[], seed: number): NamedWords[] => {
  const random = new Random(seed);
  return shapes.map((shape, i) => {
    const type = { dtype: i % 2 === 0 ? ("i32" as const) : ("f32" as const), shape };
    return { name: `t${i}`, ...type, words: randomWords(random, type) };
  });
};

describe("safetensors in a stream", () => {
  const shape = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 });
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });

  it("have the roots and the bits that they have in memory, however they are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(shape, { minLength: 1, maxLength: 4 }),
        sizes,
        fc.nat(),
        async (shapes, cuts, seed) => {
          const tensors = tensorsOf(shapes, seed);
          const bytes = encodeSafetensors(tensors, { licence: "MIT" });
          const summary = await scanTensors(inPieces(bytes, cuts));
          const placed = summary.tensors.map(({ begin, ...tensor }, i) => {
            const { words } = tensors[i] as NamedWords;
            const elements = bytes.slice(begin, begin + words.byteLength);
            assert.deepEqual(new Uint32Array(elements.buffer), words);
            return tensor;
          });
          assert.deepEqual(
            placed,
            tensors.map(({ words, ...tensor }) => ({
              ...tensor,
              root: wordsRoot(nodeHasher, tensor, words),
              largest: tensor.dtype === "i32" ? Math.max(0, ...words) : 0,
            })),
          );
          assert.deepEqual(summary.metadata, { licence: "MIT" });
          const some = tensors.filter((_, i) => i % 3 !== 1).toReversed();
          assert.deepEqual(await readColumns(inPieces(bytes, cuts), some), some);
          assert.equal(summaryRoot(summary, some), tensorListRoot(nodeHasher, some));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("are written tensor by tensor as they are in one piece", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "assay-stream-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const tensors = tensorsOf([[3, 4], [], [7]], 5);
    const path = join(folder, "some.safetensors");
    await writeTensors(path, tensors, { k: "v" });
    assert.deepEqual(new Uint8Array(readFileSync(path)), encodeSafetensors(tensors, { k: "v" }));
  });

  it("are refused where they end early, go on, or are none, and let go of their source", async () => {
    const bytes = encodeSafetensors(tensorsOf([[5], [3]], 1));
    const longer = new Uint8Array(bytes.length + 4);
    longer.set(bytes);
    const wrong = [3, 9, bytes.length - 1].map((length) => bytes.subarray(0, length));
    for (const file of [...wrong, longer, new TextEncoder().encode("no tensors at all")]) {
      let closed = false;
      const source = async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield* inPieces(file, [7]);
        } finally {
          closed = true;
        }
      };
      await refused(scanTensors(source()), "ENGINE_SAFETENSORS_INVALID");
      assert.ok(closed);
    }
  });

  it("are read as far as the program wants, whatever else a header claims", async () => {
    const [x] = [column("x", { dtype: "f32", shape: [2] }, [1, 2])];
    const claim = JSON.stringify({
      x: { dtype: "F32", shape: [2 ** 30], data_offsets: [0, 2 ** 32] },
    });
    const bytes = new Uint8Array(8 + claim.length + 8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(claim.length), true);
    bytes.set(new TextEncoder().encode(claim), 8);
    await refused(readColumns(inPieces(bytes, [64]), [x]), "ENGINE_DATA_COLUMN");
    const none = readColumns(inPieces(encodeSafetensors([x]), [64]), [{ ...x, name: "y" }]);
    await refused(none, "ENGINE_DATA_COLUMN");
  });
});
