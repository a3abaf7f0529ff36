import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { assemblyChildren, assemblyCount, assemblyNodes } from "./assembly.ts";
import { levelRoot, levelRootOf, traceHeader, traceRootOf } from "./bindings.ts";
import { ABSENT, fromHex, hasherOf, type Hex, packRoots, toHex } from "./hash.ts";
import { tensorRoot } from "./tensor.ts";
import { HashTree, nodeHash, treeDepth, treeRoot, verifyProof } from "./tree.ts";
import vectors from "./vectors.json" with { type: "json" };

const sha256 = (...parts: Uint8Array[]): Buffer =>
  createHash("sha256").update(Buffer.concat(parts)).digest();
const hasher = hasherOf((message) => sha256(message));
const be32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const leaves = (count: number): Hex[] =>
  Array.from({ length: count }, (_, i) => toHex(sha256(be32(i))));
const words = (count: number): Buffer => {
  const bytes = Buffer.alloc(4 * count);
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(Math.imul(i + 1, 0x9e3779b1) >>> 0, 4 * i);
  return bytes;
};

/** The definition, top down: a node of height h covers 16^h leaves. */
function definedRoot(all: readonly Buffer[]): Buffer {
  let height = 0;
  while (16 ** height < all.length) height++;
  const node = (at: number, h: number): Buffer => {
    if (at * 16 ** h >= all.length) return Buffer.alloc(32);
    if (h === 0) return all[at]!;
    return sha256(Buffer.of(1), ...Array.from({ length: 16 }, (_, i) => node(16 * at + i, h - 1)));
  };
  return node(0, height);
}

function definedTensorRoot(dtype: number, shape: readonly number[], bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 1024) {
    const chunk = bytes.subarray(at, at + 1024);
    chunks.push(sha256(Buffer.of(0, dtype), be32(at / 1024), be32(chunk.length), chunk));
  }
  const dims = [...shape, 0, 0, 0, 0].slice(0, 4).map(be32);
  return sha256(
    Buffer.of(2, dtype, shape.length),
    ...dims,
    be32(chunks.length),
    definedRoot(chunks),
  );
}

const size = fc.integer({ min: 1, max: 700 });

describe("assembly", () => {
  it("lists the nodes above some leaves, the root last, each with where its children come from", () => {
    for (const count of [1, 2, 15, 16, 17, 256, 257, 300]) {
      const all = leaves(count);
      const nodes = assemblyNodes(hasher, all);
      assert.equal(nodes.length, assemblyCount(count));
      assert.equal(nodes.at(-1), treeRoot(hasher, all), `${count} leaves`);
      const used = nodes.flatMap((node, i) => {
        const sources = assemblyChildren(count, i);
        const values = sources.map((child) => {
          if (child.kind === "absent") return ABSENT;
          return (child.kind === "leaf" ? all : nodes.slice(0, i))[child.index] as Hex;
        });
        assert.equal(count === 1 ? values[0] : nodeHash(hasher, values), node);
        return sources.filter(({ kind }) => kind !== "absent");
      });
      // Every leaf, and every node but the root, is in one place.
      assert.equal(used.length, count + nodes.length - 1);
      assert.throws(() => assemblyChildren(count, nodes.length), RangeError);
    }
    for (const { count, nodes, root, nodesRoot } of vectors.assemblies) {
      const list = assemblyNodes(hasher, leaves(count));
      assert.deepEqual(
        [list.length, list.at(-1), treeRoot(hasher, list)],
        [nodes, root, nodesRoot],
      );
    }
    assert.equal(assemblyCount(0), 0);
    assert.deepEqual(assemblyNodes(hasher, []), []);
  });

  it("ends a level, which the root of all but the last leaf and the last leaf make up", () => {
    const level = [...leaves(5), ...assemblyNodes(hasher, leaves(3))];
    const rest = treeRoot(hasher, level.slice(0, -1));
    assert.equal(
      levelRootOf(hasher, "ops", 6, rest, treeRoot(hasher, leaves(3))),
      levelRoot(hasher, "ops", level),
    );
  });
});

describe("tree", () => {
  it("has the root of its definition for any number of leaves", () => {
    for (const count of [0, 1, 2, 15, 16, 17, 31, 32, 255, 256, 257, 4096, 4097]) {
      const all = leaves(count).map((leaf) => Buffer.from(fromHex(leaf)));
      assert.equal(treeRoot(hasher, leaves(count)), toHex(definedRoot(all)), `${count} leaves`);
      assert.equal(
        new HashTree(hasher, packRoots(leaves(count))).root,
        treeRoot(hasher, leaves(count)),
      );
    }
  });

  it("opens every node with children that hash to it", () => {
    const tree = new HashTree(hasher, packRoots(leaves(300)));
    for (const path of [[], [0], [1], [1, 2], [0, 15]]) {
      const children = tree.children(path);
      assert.equal(children.length, 16);
      assert.equal(nodeHash(hasher, children), tree.node(path));
    }
    assert.equal(tree.node([1, 2, 11]), leaves(300)[16 * 18 + 11]);
    assert.deepEqual(tree.children([1, 2]).slice(12), [ABSENT, ABSENT, ABSENT, ABSENT]);
    assert.throws(() => tree.children([0, 0, 0]), RangeError);
  });

  it("proves each leaf, and nothing else", () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (count, pick, other) => {
        const index = pick % count;
        const tree = new HashTree(hasher, packRoots(leaves(count)));
        const leaf = leaves(count)[index]!;
        const proof = tree.proof(index);
        assert.ok(verifyProof(hasher, tree.root, count, index, leaf, proof));
        const elsewhere = other % count;
        if (elsewhere !== index) {
          assert.ok(!verifyProof(hasher, tree.root, count, elsewhere, leaf, proof));
          assert.ok(
            !verifyProof(hasher, tree.root, count, index, leaves(count)[elsewhere]!, proof),
          );
        }
        assert.ok(!verifyProof(hasher, tree.root, count, count, leaf, proof));
        assert.ok(!verifyProof(hasher, tree.root, count, index, leaf, [...proof, proof[0] ?? []]));
      }),
      { numRuns: 50 },
    );
  });

  it("refuses junk where the count says there is nothing", () => {
    const four = leaves(4);
    const junk = leaves(5);
    const root = treeRoot(hasher, junk);
    const tree = new HashTree(hasher, packRoots(junk));
    assert.ok(verifyProof(hasher, root, 5, 0, four[0]!, tree.proof(0)));
    assert.ok(!verifyProof(hasher, root, 4, 0, four[0]!, tree.proof(0)));
  });

  it("never takes a node for a leaf: a tree of one leaf that is a node has another count", () => {
    const root = treeRoot(hasher, leaves(17));
    assert.ok(
      !verifyProof(hasher, root, 17, 0, new HashTree(hasher, packRoots(leaves(17))).node([0]), []),
    );
  });
});

describe("tensor root", () => {
  it("is that of the definition for every shape of the vector file", () => {
    for (const { dtype, shape, root } of vectors.tensors) {
      const bytes = words(shape.reduce((product, dimension) => product * dimension, 1));
      assert.equal(tensorRoot(hasher, { dtype, shape, bytes }), root);
      assert.equal(toHex(definedTensorRoot(dtype, shape, bytes)), root);
    }
  });

  it("depends on dtype, shape and each byte", () => {
    const bytes = words(600);
    const root = tensorRoot(hasher, { dtype: 0, shape: [20, 30], bytes });
    const changed = Buffer.from(bytes);
    changed[2399]! ^= 1;
    const others = [
      { dtype: 1, shape: [20, 30], bytes },
      { dtype: 0, shape: [30, 20], bytes },
      { dtype: 0, shape: [600], bytes },
      { dtype: 0, shape: [1, 20, 30], bytes },
      { dtype: 0, shape: [20, 30], bytes: changed },
    ];
    for (const other of others) assert.notEqual(tensorRoot(hasher, other), root);
    assert.throws(() => tensorRoot(hasher, { dtype: 0, shape: [20, 31], bytes }), RangeError);
  });
});

describe("trace and level roots", () => {
  it("are those of their definitions", () => {
    for (const trace of vectors.traces) {
      const count = trace.n + 1;
      const parts = {
        checkpoints: leaves(count),
        modelRoot: trace.modelRoot as Hex,
        evalRoot: trace.evalRoot as Hex,
      };
      const { root, ...header } = trace;
      assert.deepEqual(traceHeader(hasher, parts), header);
      const roots = [trace.prefixRoot, trace.stateRoot, trace.modelRoot, trace.evalRoot] as Hex[];
      const defined = sha256(Buffer.of(5), be32(trace.n), ...roots.map(fromHex));
      assert.equal(traceRootOf(hasher, traceHeader(hasher, parts)), root);
      assert.equal(toHex(defined), root);
    }
    const tags = { steps: 6, ops: 7, terms: 8 };
    for (const { level, count, root } of vectors.levels) {
      const name = level as keyof typeof tags;
      const all = leaves(count).map((leaf) => Buffer.from(fromHex(leaf)));
      const defined = sha256(
        Buffer.of(tags[name]),
        be32(count),
        definedRoot(all.slice(0, -1)),
        all.at(-1)!,
      );
      assert.equal(toHex(defined), root);
      assert.equal(levelRoot(hasher, name, leaves(count)), root);
    }
  });

  it("need at least one leaf", () => {
    assert.throws(() => levelRoot(hasher, "ops", []), RangeError);
    assert.throws(
      () => traceHeader(hasher, { checkpoints: [], modelRoot: ABSENT, evalRoot: ABSENT }),
      RangeError,
    );
  });
});

it("the vector file agrees with the definitions of trees and depths", () => {
  for (const { count, depth, root } of vectors.trees) {
    assert.equal(treeDepth(count), depth);
    assert.equal(treeRoot(hasher, leaves(count)), root);
  }
  for (const { count, index, leaf, root, siblings } of vectors.proofs) {
    assert.ok(verifyProof(hasher, root as Hex, count, index, leaf as Hex, siblings as Hex[][]));
  }
});
