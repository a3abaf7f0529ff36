import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, hashOf, u32 } from "@assay/protocol/commitments/hash";
import { HashTree, verifyProof } from "@assay/protocol/commitments/tree";
import { nodeHasher } from "../hasher.ts";
import { BlockTree } from "./block-tree.ts";

const leafAt = (index: number): Uint8Array => fromHex(hashOf(nodeHasher, u32(index)));

const leaves = (from: number, to: number): Uint8Array => {
  const flat = new Uint8Array(32 * (to - from));
  for (let i = from; i < to; i++) flat.set(leafAt(i), 32 * (i - from));
  return flat;
};

describe("a tree that keeps its upper levels alone", () => {
  it("opens and proves as the whole tree does", async () => {
    for (const [count, kept] of [
      [1, 16],
      [2, 16],
      [16, 1],
      [17, 1],
      [300, 16],
      [300, 2],
      [4097, 16],
      [4100, 300],
      [5000, 16],
    ] as const) {
      const whole = new HashTree(nodeHasher, leaves(0, count));
      const tree = await BlockTree.build(
        nodeHasher,
        count,
        async (from, to) => leaves(from, to),
        kept,
      );
      assert.equal(tree.root, whole.root, `${count} leaves`);
      assert.equal(tree.depth, whole.depth);
      for (const index of [0, 1, 255, 256, count - 1].filter((i) => i < count)) {
        const proof = await tree.proof(index);
        assert.deepEqual(proof, whole.proof(index));
        const leaf = hashOf(nodeHasher, u32(index));
        assert.ok(verifyProof(nodeHasher, tree.root, count, index, leaf, proof));
        const path: number[] = [];
        for (let height = whole.depth - 1; height >= 0; height--) {
          assert.deepEqual(await tree.children(path), whole.children(path));
          path.push(Math.floor(index / 16 ** height) % 16);
        }
      }
      await assert.rejects(tree.children(Array.from({ length: tree.depth }, () => 0)), RangeError);
    }
  });

  it("asks for the leaves of one block at a time, and for each of them once to build", async () => {
    const asked: number[] = [];
    const tree = await BlockTree.build(
      nodeHasher,
      4100,
      async (from, to) => {
        asked.push(to - from);
        return leaves(from, to);
      },
      20,
    );
    assert.deepEqual(asked, [...Array.from({ length: 16 }, () => 256), 4]);
    await tree.children([0, 1, 2]);
    await tree.children([0, 1, 3]);
    assert.equal(asked.length, 18);
  });
});
