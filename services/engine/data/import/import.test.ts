import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { isAssayError } from "@assay/protocol/errors";
import { TensorRootBuilder } from "@assay/protocol/commitments/tensor";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { nodeHasher } from "../../trace/hasher.ts";
import { tensorListRoot, wordsRoot } from "../dataset.ts";
import { decodeSafetensors, type NamedWords } from "../safetensors.ts";
import { parseTokenizer } from "../tokens/tokenizer.ts";
import { importDataset, type ImportSource, type Manifest } from "./import.ts";
import { TensorFileWriter } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-import-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
const place = (name: string, bytes: string | Uint8Array): string => {
  const path = join(folder, String(files++), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
};

interface Imported {
  readonly manifest: Manifest;
  readonly metadata: Readonly<Record<string, string>>;
  /** Numbers of each tensor by name. */
  readonly numbers: Readonly<Record<string, readonly number[]>>;
}

const numbersOf = ({ dtype, words }: NamedWords): number[] =>
  Array.from(dtype === "f32" ? new Float32Array(words.buffer) : new Int32Array(words.buffer));

const imported = async (source: ImportSource, holdOut = 3): Promise<Imported> => {
  const out = join(folder, `${files++}.safetensors`);
  const manifest = await importDataset({ source, out, holdOut, licence: "CC0-1.0" });
  const { tensors, metadata } = decodeSafetensors(readFileSync(out));
  assert.deepEqual(
    manifest.columns,
    tensors.map((t) => ({
      name: t.name,
      dtype: t.dtype,
      shape: t.shape,
      root: wordsRoot(nodeHasher, t, t.words),
    })),
  );
  assert.equal(manifest.dataRoot, tensorListRoot(nodeHasher, tensors));
  assert.ok(!existsSync(`${out}.part`) && !existsSync(`${out}.0.part`));
  return {
    manifest,
    metadata,
    numbers: Object.fromEntries(tensors.map((t) => [t.name, numbersOf(t)])),
  };
};

const refused = async (code: string, source: ImportSource, where = /./): Promise<void> => {
  await assert.rejects(imported(source), (error: Error) => {
    assert.ok(isAssayError(error, code), String(error));
    assert.match(error.message, where);
    return true;
  });
};

describe("CSV", () => {
  const csv = (text: string, label = "kind"): ImportSource => ({
    kind: "csv",
    path: place("rows.csv", text),
    label,
  });

  it("numbers classes in order, keeps feature order, holds out every n-th row", async () => {
    const text = 'a,kind,b\n1,pear,0.5\r\n2,apple,"-3"\n\n3,"pear",1e3\n4,"a ""big"", one",0\n';
    const { manifest, numbers } = await imported(csv(text));
    assert.deepEqual(manifest.classes, ['a "big", one', "apple", "pear"]);
    assert.deepEqual(numbers, {
      "train.x": [1, 0.5, 2, -3, 4, 0],
      "train.y": [2, 1, 0],
      "heldout.x": [3, 1000],
      "heldout.y": [2],
    });
    assert.deepEqual(manifest.split, { kind: "rows", every: 3 });
  });

  it("sorts numeric classes as numbers, and takes other separators", async () => {
    const path = place("rows.tsv", "x\ty\n1\t10\n2\t9\n3\t-1\n");
    const { manifest } = await imported({ kind: "csv", path, label: "y", separator: "\t" });
    assert.deepEqual(manifest.classes, ["-1", "9", "10"]);
  });

  it("names line and column of what is wrong", async () => {
    await refused("DATA_CSV_INVALID", csv("a,kind\n1,x\ntwo,x\n"), /line 3, column "a": "two"/);
    await refused("DATA_CSV_INVALID", csv("a,kind\n1,x\n,x\n"), /line 3, column "a"/);
    await refused("DATA_CSV_INVALID", csv("a,kind\n1,x,2\n"), /line 2: 3 fields/);
    await refused("DATA_CSV_INVALID", csv('a,kind\n"1,x\n'), /a quote is not closed/);
    await refused("DATA_CSV_INVALID", csv('a,kind\n"1"2,x\n'), /line 2: something follows/);
    await refused("DATA_CSV_INVALID", csv("a,b\n1,2\n"), /no column "kind"/);
    await refused("DATA_CSV_INVALID", csv(""), /it is empty/);
    await refused("DATA_TOO_FEW_ROWS", csv("a,kind\n1,x\n"), /heldout/);
    const latin = { ...csv(""), path: place("rows.csv", Uint8Array.of(0x61, 0xff, 0x0a)) };
    await refused("DATA_CSV_INVALID", latin, /not UTF-8/);
    await refused("DATA_UNREADABLE", { ...csv(""), path: join(folder, "none.csv") });
  });
});

const idx = (type: number, shape: readonly number[], body: Uint8Array): Uint8Array => {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.set([0, 0, type, shape.length]);
  shape.forEach((size, d) => head.writeUInt32BE(size, 4 + 4 * d));
  return Buffer.concat([head, body]);
};

const npy = (descr: string, shape: string, body: Uint8Array, order = "False"): Uint8Array => {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const head = Buffer.from("\x93NUMPY\x01\x00\0\0", "latin1");
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text), body]);
};

describe("IDX and npy", () => {
  const pixels = Uint8Array.from({ length: 4 * 6 }, (_, k) => k * 10);
  const labels = idx(8, [4], Uint8Array.of(3, 1, 2, 0));

  it("IDX: bytes become 0 to 1, three dimensions an image, .gz is unpacked", async () => {
    const source = {
      kind: "idx",
      path: place("images-idx3-ubyte.gz", gzipSync(idx(8, [4, 2, 3], pixels))),
      labels: place("labels-idx1-ubyte", labels),
    } as const;
    const { manifest, metadata, numbers } = await imported(source);
    assert.deepEqual(manifest.image, [2, 3, 1]);
    assert.equal(metadata["image"], "2x3x1");
    assert.deepEqual(numbers["train.y"], [3, 1, 0]);
    assert.deepEqual(
      numbers["heldout.x"],
      Array.from(pixels.subarray(12, 18), (v) => Math.fround(v / 255)),
    );
    const scaled = await imported({ ...source, scale: 2 });
    assert.equal(scaled.numbers["train.x"]?.[1], 20);
  });

  it("npy: every type and byte order", async () => {
    const doubles = Buffer.alloc(48);
    [1, -2.5, 3, 4, 5, 6].forEach((v, k) => doubles.writeDoubleBE(v, 8 * k));
    const y = Buffer.alloc(24);
    [7n, 0n, 2n].forEach((v, k) => y.writeBigInt64LE(v, 8 * k));
    const { numbers } = await imported({
      kind: "npy",
      path: place("x.npy", npy(">f8", "3, 2", doubles)),
      labels: place("y.npy", npy("<i8", "3,", y)),
    });
    assert.deepEqual(numbers, {
      "train.x": [1, -2.5, 3, 4],
      "train.y": [7, 0],
      "heldout.x": [5, 6],
      "heldout.y": [2],
    });
  });

  it("refuses what is cut, too long, of another kind, or does not go together", async () => {
    const withX = (x: Uint8Array, y = labels): ImportSource => ({
      kind: "idx",
      path: place("x", x),
      labels: place("y", y),
    });
    await refused("DATA_IDX_INVALID", withX(idx(8, [4, 2, 3], pixels.subarray(1))), /ends before/);
    await refused("DATA_IDX_INVALID", withX(idx(8, [4, 2, 2], pixels)), /goes on after/);
    await refused("DATA_IDX_INVALID", withX(idx(8, [3, 8], pixels)), /labels for 3 rows/);
    await refused("DATA_IDX_INVALID", withX(idx(9, [4, 2, 3], pixels).subarray(0, 7)), /header/);
    await refused("DATA_IDX_INVALID", withX(Buffer.from("P5 a picture")), /does not begin/);
    const negative = idx(9, [4], Uint8Array.of(0, 1, 255, 0));
    await refused("DATA_IDX_INVALID", withX(idx(8, [4, 6], pixels), negative), /label -1/);
    const array = (x: Uint8Array): ImportSource => ({
      kind: "npy",
      path: place("x.npy", x),
      labels: place("y.npy", npy("|u1", "4,", labels.subarray(8))),
    });
    await refused("DATA_NPY_INVALID", array(npy("|u1", "4, 6", pixels, "True")), /Fortran/);
    await refused("DATA_NPY_INVALID", array(npy("<c8", "4, 6", pixels)), /no array of numbers/);
    await refused("DATA_NPY_INVALID", array(npy("|u1", "", pixels)), /0 dimensions/);
    await refused("DATA_NPY_INVALID", array(Buffer.from("\x93NUMPY")), /does not begin/);
  });
});

describe("images", () => {
  const png = (width: number, height: number, shade: number): Buffer => {
    const image = new PNG({ width, height });
    for (let k = 0; k < width * height; k++) image.data.set([shade, 0, 255, 255], 4 * k);
    return PNG.sync.write(image);
  };
  const pictures = (more: Readonly<Record<string, Uint8Array>> = {}): string => {
    const root = dirname(place(".hidden", ""));
    const all = {
      "cat/a.png": png(2, 3, 0),
      "cat/b.PNG": png(2, 3, 51),
      "ant/c.png": png(2, 3, 102),
    };
    for (const [name, bytes] of Object.entries({ ...all, ...more })) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), bytes);
    }
    return root;
  };

  it("classes are the folders by name; pixels 0 to 1, channels side by side", async () => {
    const { manifest, numbers } = await imported({ kind: "images", path: pictures() });
    assert.deepEqual(manifest.classes, ["ant", "cat"]);
    assert.deepEqual(manifest.image, [3, 2, 3]);
    assert.deepEqual(numbers["train.x"]?.slice(0, 3), [0.4, 0, 1].map(Math.fround));
    assert.deepEqual(numbers["train.y"], [0, 1]);
    const grey = await imported({ kind: "images", path: pictures(), channels: 1 });
    assert.equal(grey.numbers["train.x"]?.[6], Math.fround(114 / 1000));
  });

  it("reads JPEG", async () => {
    const data = Buffer.alloc(8 * 8 * 4, 128);
    const bytes = jpeg.encode({ width: 8, height: 8, data }, 90).data;
    const root = dirname(place(".hidden", ""));
    for (const name of ["a.jpg", "b.jpeg", "c.jpg"]) {
      mkdirSync(join(root, "grey"), { recursive: true });
      writeFileSync(join(root, "grey", name), bytes);
    }
    const { numbers } = await imported({ kind: "images", path: root });
    assert.ok(numbers["train.x"]?.every((v) => Math.abs(v - 128 / 255) < 0.02));
  });

  it("refuses other sizes, other formats, broken files and empty folders", async () => {
    const of = (path: string): ImportSource => ({ kind: "images", path });
    const refusedFor = (more: Readonly<Record<string, Uint8Array>>, why: RegExp) =>
      refused("DATA_IMAGE_INVALID", of(pictures(more)), why);
    await refusedFor({ "cat/c.png": png(3, 3, 0) }, /c\.png: is 3×3, the first one 2×3/);
    await refusedFor({ "cat/notes.txt": Buffer.from("?") }, /notes\.txt: is neither/);
    await refusedFor({ "cat/d.png": png(2, 3, 0).subarray(0, 40) }, /d\.png: cannot be decoded/);
    await refused("DATA_IMAGE_INVALID", of(dirname(place("a", ""))), /holds no images/);
  });
});

describe("text", () => {
  it("characters: the alphabet by code point, the last part of one file held out", async () => {
    const path = place("a.txt", "bab\naéb\nab\n€a\n");
    const { manifest, metadata, numbers } = await imported({ kind: "text", path }, 2);
    assert.equal(metadata["vocabulary"], "5");
    assert.deepEqual(numbers["train.tokens"], [2, 1, 2, 0, 1, 3, 2, 0]);
    assert.deepEqual(numbers["heldout.tokens"], [1, 2, 0, 4, 1, 0]);
    const beside = join(folder, manifest.tokenizer ?? "");
    const tokenizer = parseTokenizer(readFileSync(beside, "utf8"));
    assert.equal(tokenizer.decode([2, 1, 2, 0, 1, 3, 2, 0]), "bab\naéb\n");
    assert.equal(manifest.split.kind, "tail");
  });

  it("byte pairs: learnt from the training part of a folder, by ending, file by file", async () => {
    const root = dirname(place("a.sol", "contract Ledger {}\n".repeat(20)));
    writeFileSync(join(root, "b.sol"), "contract Staking {}\n".repeat(20));
    writeFileSync(join(root, "c.sol"), "a word that training never saw\n");
    writeFileSync(join(root, "d.txt"), "\n");
    const source = { kind: "text", path: root, extension: ".sol", bytePairs: 270 } as const;
    const { manifest, numbers } = await imported(source);
    assert.equal(manifest.vocabulary, 270);
    assert.equal(manifest.split.kind, "files");
    const tokens = numbers["train.tokens"] ?? [];
    assert.ok(tokens.length < 400, `${tokens.length} tokens for ${39 * 20} characters`);
    const beside = join(folder, manifest.tokenizer ?? "");
    const tokenizer = parseTokenizer(readFileSync(beside, "utf8"));
    assert.equal(
      tokenizer.decode(numbers["heldout.tokens"] ?? []),
      "a word that training never saw\n",
    );
    const again = await imported(source);
    assert.equal(again.manifest.dataRoot, manifest.dataRoot);
  });

  it("refuses what is not UTF-8, and leaves no tokenizer behind", async () => {
    const path = place("a.txt", Uint8Array.of(0x61, 0xc3));
    await refused("DATA_TEXT_INVALID", { kind: "text", path }, /a\.txt: is not UTF-8/);
  });
});

describe("the writer", () => {
  it("commits to what it wrote, whatever the pieces", () => {
    for (const count of [1, 255, 256, 257, 4096, 4097, 65_536, 70_001]) {
      const words = Uint32Array.from({ length: count }, (_, k) => Math.imul(k, 0x9e3779b1));
      const builder = new TensorRootBuilder(nodeHasher, 1);
      const bytes = new Uint8Array(words.buffer);
      for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 5003)
        builder.append(bytes.subarray(at, at + size));
      assert.equal(
        builder.finish([count]),
        wordsRoot(nodeHasher, { dtype: "i32", shape: [count] }, words),
      );
    }
    assert.throws(() => new TensorRootBuilder(nodeHasher, 0).finish([1]), RangeError);
  });

  it("keeps a tensor of several buffers in order", async () => {
    const path = join(folder, "large.safetensors");
    const writer = new TensorFileWriter(path);
    const [a, b] = [writer.tensor("a", "i32", [1000]), writer.tensor("b", "i32", [])];
    for (let row = 0; row < 700; row++) {
      await a.append(Uint32Array.from({ length: 1000 }, (_, k) => row * 1000 + k));
      await b.append(Uint32Array.of(row));
    }
    const { dataRoot } = await writer.finish({ licence: "CC0-1.0" });
    const { tensors } = decodeSafetensors(readFileSync(path));
    assert.deepEqual(
      tensors.map(({ words }) => words.findIndex((word, k) => word !== k)),
      [-1, -1],
    );
    assert.equal(tensorListRoot(nodeHasher, tensors), dataRoot);
  });
});
