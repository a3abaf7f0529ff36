import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssayError } from "@assay/protocol/errors";
import * as fc from "fast-check";
import { randomWords } from "../testing/bits.ts";
import { Random } from "../testing/random.ts";
import { nodeHasher } from "../trace/hasher.ts";
import { column, selectTensors, splitRows, takeRows, tensorListRoot } from "./dataset.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";

const coded = (code: string) => (error: unknown) =>
  error instanceof AssayError && error.code === code;

/** A file from its parts, for headers that the writer would never make. */
function file(header: string, body: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + body);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (begin: number, end: number, dtype = "F32", shape = [(end - begin) / 4]) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

describe("safetensors", () => {
  it("come back with every bit, name and metadata", () => {
    const shape = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 4 });
    fc.assert(
      fc.property(
        names,
        shape,
        fc.nat(),
        fc.dictionary(fc.string(), fc.string()),
        (list, sizes, seed, meta) => {
          const random = new Random(seed);
          const tensors = list.map((name, i) => {
            const type = { dtype: i % 2 === 0 ? ("f32" as const) : ("i32" as const), shape: sizes };
            return { name, ...type, words: randomWords(random, type) };
          });
          const read = decodeSafetensors(encodeSafetensors(tensors, meta));
          assert.deepEqual(read.tensors, tensors);
          assert.deepEqual(JSON.stringify(read.metadata), JSON.stringify(meta));
        },
      ),
      { numRuns: 100, examples: [[["__proto__"], [], 0, JSON.parse('{"__proto__":""}')]] },
    );
  });

  it("have the layout of the format: aligned, little-endian, offsets from the end of the header", () => {
    const bytes = encodeSafetensors([column("a", { dtype: "f32", shape: [2] }, [1, -2])], {
      k: "v",
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assert.equal(length % 8, 0);
    assert.equal(
      new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd(),
      '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    );
    assert.deepEqual([...bytes.subarray(8 + length)], [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
  });

  it("are refused with holes, overlaps, wrong sizes, other types and junk", () => {
    const wrong = [
      new Uint8Array(3),
      file("[]", 0),
      file("{", 0),
      file(`{"a":${entry(0, 8)}}`, 12),
      file(`{"a":${entry(0, 8)}}`, 4),
      file(`{"a":${entry(4, 8)}}`, 8),
      file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
      file(`{"a":${entry(0, 8, "F32", [3])}}`, 8),
      file(`{"a":${entry(0, 8, "F64", [1])}}`, 8),
      file(`{"a":${entry(0, 0, "F32", [0])}}`, 0),
      file(`{"a":{"dtype":"F32"}}`, 0),
      file(`{"__metadata__":{"a":1}}`, 0),
    ];
    for (const bytes of wrong)
      assert.throws(() => decodeSafetensors(bytes), coded("ENGINE_SAFETENSORS_INVALID"));
    const cut = file("{}", 0);
    new DataView(cut.buffer).setBigUint64(0, 2n ** 60n, true);
    assert.throws(() => decodeSafetensors(cut), coded("ENGINE_SAFETENSORS_INVALID"));
  });

  it("are refused before a header is parsed that is longer than allowed", () => {
    const long = file(`{"a":${entry(0, 8)}}${" ".repeat(8 * 2 ** 20)}`, 8);
    assert.throws(() => decodeSafetensors(long), coded("ENGINE_SAFETENSORS_INVALID"));
    assert.equal(decodeSafetensors(long, { maxHeaderBytes: 2 ** 24 }).tensors.length, 1);
    const short = file(`{"a":${entry(0, 8)}}`, 8);
    assert.throws(
      () => decodeSafetensors(short, { maxHeaderBytes: 16 }),
      coded("ENGINE_SAFETENSORS_INVALID"),
    );
  });

  it("load from memory that is not aligned, and from a Buffer", () => {
    const bytes = encodeSafetensors([column("a", { dtype: "i32", shape: [2] }, [7, -8])]);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    assert.deepEqual(
      [...(decodeSafetensors(shifted.subarray(1)).tensors[0]?.words ?? [])],
      [7, 0xfffffff8],
    );
  });
});

describe("data set", () => {
  const x = column(
    "x",
    { dtype: "f32", shape: [11, 2] },
    Array.from({ length: 22 }, (_, i) => i / 3),
  );
  const y = column(
    "y",
    { dtype: "i32", shape: [11] },
    Array.from({ length: 11 }, (_, i) => -i),
  );

  it("has a root that depends on the order of its columns and every value", () => {
    const root = tensorListRoot(nodeHasher, [x, y]);
    assert.notEqual(tensorListRoot(nodeHasher, [y, x]), root);
    const changed = { ...y, words: y.words.map((word, i) => (i === 10 ? word ^ 1 : word)) };
    assert.notEqual(tensorListRoot(nodeHasher, [x, changed]), root);
  });

  it("gives a program its columns by name and type", () => {
    assert.deepEqual(selectTensors([x, y], [y, x]), [y, x]);
    const wrong = [
      { name: "z", dtype: "f32", shape: [1] },
      { name: "x", dtype: "i32", shape: [11, 2] },
      { name: "x", dtype: "f32", shape: [2, 11] },
    ] as const;
    for (const wanted of wrong)
      assert.throws(() => selectTensors([x, y], [wanted]), coded("ENGINE_DATA_COLUMN"));
  });

  it("holds out every fifth row, and loses none", () => {
    const { train, heldOut } = splitRows(11, 5);
    assert.deepEqual(heldOut, [4, 9]);
    assert.deepEqual(
      [...train, ...heldOut].sort((a, b) => a - b),
      [...Array(11).keys()],
    );
    const held = takeRows(x, heldOut, "held");
    assert.deepEqual(held.shape, [2, 2]);
    assert.deepEqual([...held.words], [...x.words.slice(8, 10), ...x.words.slice(18, 20)]);
    assert.throws(() => splitRows(10, 1), RangeError);
    assert.throws(() => takeRows(x, [11]), RangeError);
  });

  it("takes only integers of 32 bits for an i32 column", () => {
    for (const value of [0.5, 2 ** 31, NaN]) {
      assert.throws(() => column("y", { dtype: "i32", shape: [1] }, [value]), RangeError);
    }
  });
});
