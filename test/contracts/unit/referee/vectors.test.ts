/** The vector files that every language checks itself against, asserted from Solidity. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import hre from "hardhat";
import { solidityPackedSha256 } from "ethers";
import { patternBytes } from "@assay/engine/testing/vectors";
import commitments from "../../../../services/protocol/commitments/vectors.json" with { type: "json" };
import machine from "../../../../services/engine/ir/vectors.json" with { type: "json" };

type Deployed = Awaited<ReturnType<typeof deploy>>;

async function deploy() {
  const { ethers } = await hre.network.create();
  return {
    arithmetic: await ethers.deployContract("ArithmeticProbe"),
    merkle: await ethers.deployContract("MerkleProbe"),
  };
}

const LISTS = ["init", "step", "eval"];
const LEVELS: Readonly<Record<string, number>> = { steps: 6, ops: 7, terms: 8 };
const leaf = (i: number): string => solidityPackedSha256(["uint32"], [i]);
const ABSENT = `0x${"00".repeat(32)}`;
const product = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

describe("commitments/vectors.json", () => {
  let merkle: Deployed["merkle"];
  before(async () => {
    ({ merkle } = await deploy());
  });
  const call = (name: string, ...args: readonly unknown[]) => merkle.getFunction(name)(...args);

  /** Root of a list by opening nodes alone, as a dispute sees the tree. */
  async function rootByNodes(leaves: readonly string[]): Promise<string> {
    let level = [...leaves];
    for (let height = Number(await call("depth", leaves.length)); height > 0; height--) {
      const next: string[] = [];
      for (let from = 0; from < level.length; from += 16) {
        const children = level.slice(from, from + 16);
        next.push(await call("node", [...children, ...Array(16 - children.length).fill(ABSENT)]));
      }
      level = next;
    }
    return level[0] ?? ABSENT;
  }
  const pattern = (count: number): string[] => Array.from({ length: count }, (_, i) => leaf(i));

  it("chunk leaves", async () => {
    for (const { dtype, index, words, leaf: wanted } of commitments.chunks) {
      assert.equal(await call("chunkLeaf", dtype, index, patternBytes(words)), wanted);
    }
  });

  it("trees and their depths", async () => {
    for (const { count, depth, root } of commitments.trees) {
      assert.equal(await call("depth", count), BigInt(depth));
      assert.equal(await rootByNodes(pattern(count)), root, `${count} leaves`);
    }
  });

  it("proofs", async () => {
    for (const { count, index, leaf: value, root, siblings } of commitments.proofs) {
      assert.equal(await call("verify", root, count, index, value, siblings), true);
      assert.equal(await call("verify", root, count, index, leaf(99), siblings), false);
      assert.equal(await call("verify", root, count + 1, count, value, siblings), false);
      assert.equal(await call("verify", root, count * 16, index, value, siblings), false);
    }
  });

  it("tensor roots", async () => {
    for (const { dtype, shape, root } of commitments.tensors) {
      const count = product(shape);
      const bytes = patternBytes(count);
      const chunks: string[] = [];
      for (let i = 0; 1024 * i < bytes.length; i++) {
        const chunk = bytes.slice(1024 * i, 1024 * (i + 1));
        assert.equal(await call("chunkLength", count, i), BigInt(chunk.length));
        chunks.push(await call("chunkLeaf", dtype, i, chunk));
      }
      assert.equal(await call("chunkLength", count, chunks.length), 0n);
      const dims = shape.reduce((all, size, d) => all | (BigInt(size) << BigInt(96 - 32 * d)), 0n);
      const tree = await rootByNodes(chunks);
      assert.equal(await call("tensorRoot", dtype, shape.length, dims, count, tree), root);
    }
  });

  it("level roots", async () => {
    for (const { level, count, root } of commitments.levels) {
      const rest = await rootByNodes(pattern(count - 1));
      assert.equal(await call("levelRoot", LEVELS[level], count, rest, leaf(count - 1)), root);
    }
  });

  it("programs: op leaves, list roots and the program root", async () => {
    for (const { header, lists, root } of commitments.programs) {
      const roots: string[] = [];
      for (const { list, ops, root: listRoot } of lists) {
        const leaves: string[] = [];
        for (const [index, { encoding, leaf: wanted }] of ops.entries()) {
          leaves.push(await call("opLeaf", LISTS.indexOf(list), index, encoding));
          assert.equal(leaves.at(-1), wanted);
        }
        roots.push(await rootByNodes(leaves));
        assert.equal(roots.at(-1), listRoot);
      }
      assert.equal(await call("programRoot", header, ...roots), root);
    }
  });

  it("elements of a chunk are little-endian", async () => {
    const chunk = patternBytes(256);
    for (const place of [0, 1, 100, 255]) {
      const bits = BigInt(Math.imul(place + 1, 0x9e3779b1) >>> 0);
      assert.equal(await call("elementOf", chunk, place), bits);
    }
  });
});

describe("ir/vectors.json", () => {
  let arithmetic: Deployed["arithmetic"];
  before(async () => {
    ({ arithmetic } = await deploy());
  });

  it("the primitive table, and no opcode beyond", async () => {
    const codes: Readonly<Record<string, number>> = { f32: 1, i32: 2, any: 3 };
    const table = new Map(
      machine.primitives.map(({ opcode, operands, result }) => [
        opcode,
        operands.reduce(
          (all, type, k) => all | ((codes[type] ?? 0) << (2 * k)),
          (codes[result] ?? 0) << 6,
        ),
      ]),
    );
    for (let opcode = 0; opcode < 256; opcode++) {
      const wanted = BigInt(table.get(opcode) ?? 0);
      assert.equal(await arithmetic.getFunction("signatureOf")(opcode), wanted, `opcode ${opcode}`);
    }
    for (const { opcode, form } of machine.primitives)
      assert.equal(form === "fold", opcode >= 0x40);
  });

  it("the hard limits", async () => {
    const { intervalUnits: _, ...limits } = machine.limits;
    const names = Object.keys(limits).map((name) =>
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
    );
    const result: readonly (readonly [string, bigint])[] = await arithmetic.getFunction("limits")();
    const got = new Map(result.map(([name, value]) => [name, value]));
    assert.deepEqual(
      got,
      new Map(names.map((name, i) => [name, BigInt(Object.values(limits)[i] ?? -1)])),
    );
  });

  const evaluate = async (opcode: number, words: readonly number[], low: number, high: number) => {
    const input = Buffer.alloc(16);
    words.forEach((word, k) => input.writeInt32BE(word, 4 + 4 * k));
    const seed = (BigInt(high) << 32n) | BigInt(low);
    return Number(await arithmetic.getFunction("evaluateAll")(opcode, 1, input, seed)) | 0;
  };

  it("random words", async () => {
    for (const v of machine.philox) {
      const words = [v.element, v.step, v.stream];
      assert.equal(await evaluate(0x20, words, v.seedLow, v.seedHigh), v.word, JSON.stringify(v));
    }
  });

  it("row permutations", async () => {
    for (const v of machine.permutations) {
      const words = [v.p, v.n, v.epoch];
      assert.equal(
        await evaluate(0x21, words, v.seedLow, v.seedHigh),
        v.position,
        JSON.stringify(v),
      );
    }
  });
});
