/** Trees of any size: what TypeScript proves, Solidity takes, and nothing else. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import hre from "hardhat";
import { ABSENT, type Hex, hashOf, packRoots, u32 } from "@assay/protocol/commitments/hash";
import { HashTree, verifyProof } from "@assay/protocol/commitments/tree";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { Random } from "@assay/engine/testing/random";

const SIZES = [1, 2, 15, 16, 17, 255, 256, 257, 300, 4095, 4096, 4097] as const;
const TRIES = 6;

const leaves = (count: number): Hex[] =>
  Array.from({ length: count }, (_, i) => hashOf(nodeHasher, u32(i), u32(count)));

const deploy = async () => (await hre.network.create()).ethers.deployContract("MerkleProbe");

describe("Merkle16", () => {
  let merkle: Awaited<ReturnType<typeof deploy>>;
  before(async () => {
    merkle = await deploy();
  });
  const call = (name: string, ...args: readonly unknown[]) => merkle.getFunction(name)(...args);

  it("takes the proof of each leaf and refuses it anywhere else", async () => {
    const random = new Random(1);
    for (const count of SIZES) {
      const all = leaves(count);
      const tree = new HashTree(nodeHasher, packRoots(all));
      const places = [0, count - 1, ...random.list(TRIES, () => random.integer(0, count - 1))];
      for (const index of places) {
        const [leaf, proof] = [all[index] as Hex, tree.proof(index)];
        assert.equal(await call("verify", tree.root, count, index, leaf, proof), true);
        const elsewhere = random.integer(0, 2 * count);
        const moved = verifyProof(nodeHasher, tree.root, count, elsewhere, leaf, proof);
        assert.equal(moved, elsewhere === index);
        assert.equal(await call("verify", tree.root, count, elsewhere, leaf, proof), moved);
        const other = all[(index + 1) % count] as Hex;
        assert.equal(
          await call("verify", tree.root, count, index, other, proof),
          other === leaf,
          "another leaf",
        );
      }
    }
  });

  it("refuses junk at absent positions even under a root made with it", async () => {
    const junk = `0x${"11".repeat(32)}` as const;
    for (const count of [2, 15, 17, 255, 257]) {
      // A tree that holds one leaf too many, shown as one of `count`.
      const forged = new HashTree(nodeHasher, packRoots([...leaves(count), junk]));
      const leaf = leaves(count)[count - 1] as Hex;
      const proof = forged.proof(count - 1);
      assert.equal(await call("rootOf", count, count - 1, leaf, proof), ABSENT);
      assert.equal(await call("verify", forged.root, count, count - 1, leaf, proof), false);
      assert.equal(await call("verify", forged.root, count + 1, count - 1, leaf, proof), true);
    }
  });

  it("refuses a node shown as a leaf, and a proof of another depth", async () => {
    const count = 300;
    const tree = new HashTree(nodeHasher, packRoots(leaves(count)));
    const proof = tree.proof(0);
    const inner = tree.node([0, 0]);
    assert.equal(await call("verify", tree.root, count, 0, inner, proof.slice(1)), false);
    assert.equal(await call("verify", tree.root, count, 0, inner, proof), false);
    assert.equal(await call("verify", tree.root, 1, 0, tree.root, []), true);
    assert.equal(await call("verify", tree.root, count, 0, tree.root, []), false);
    assert.equal(await call("verify", ABSENT, 0, 0, ABSENT, []), false);
  });

  it("counts the children that each node has, as the tree holds them", async () => {
    const random = new Random(2);
    for (const count of SIZES) {
      const tree = new HashTree(nodeHasher, packRoots(leaves(count)));
      for (let i = 0; i < TRIES && tree.depth > 0; i++) {
        const path = random.list(random.integer(0, tree.depth - 1), () => random.integer(0, 15));
        const height = tree.depth - path.length - 1;
        const first = path.reduce((at, child) => 16 * at + child, 0) * 16 ** (height + 1);
        const children = tree.children(path);
        const present = children.filter((child) => child !== ABSENT).length;
        assert.equal(await call("present", count, first, height), BigInt(present));
        assert.equal(await call("absentFrom", children, present), true);
        if (present > 0) assert.equal(await call("absentFrom", children, present - 1), false);
        if (present > 0) assert.equal(await call("node", children), tree.node(path));
      }
    }
  });
});
