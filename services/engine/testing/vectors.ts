/**
 * The vectors that other languages check themselves against: commitments for `services/protocol/commitments` and random
 * words and permutations for `services/engine/ir`. `npm run generate` writes them; tests compare the files.
 */
import { assemblyNodes } from "@assay/protocol/commitments/assembly";
import {
  opLeaf,
  opListRoot,
  levelRoot,
  programRootOf,
  traceHeader,
  traceRootOf,
} from "@assay/protocol/commitments/bindings";
import { type Hasher, type Hex, hashOf, toHex, u32 } from "@assay/protocol/commitments/hash";
import { chunkLeaf, tensorRoot } from "@assay/protocol/commitments/tensor";
import { HashTree, treeDepth, treeRoot } from "@assay/protocol/commitments/tree";
import { packRoots } from "@assay/protocol/commitments/hash";
import { encodeHeader, encodeOp } from "../ir/encode.ts";
import { LIMITS } from "../ir/limits.ts";
import { permute } from "../ir/permute.ts";
import { philoxWord } from "../ir/philox.ts";
import { PRIMITIVES, WORD_WEIGHT } from "../ir/primitives.ts";
import { programRoot } from "../ir/root.ts";
import type { Program } from "../ir/types.ts";
import { randomProgram } from "./program.ts";
import { Random } from "./random.ts";

/** Word `i` is `(i + 1) · 0x9e3779b1 mod 2³²`, little-endian. */
export function patternBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(4 * count);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setUint32(4 * i, Math.imul(i + 1, 0x9e3779b1), true);
  return bytes;
}

/** Leaf `i` is `H(i u32)`. */
export const patternLeaves = (hasher: Hasher, count: number): Hex[] =>
  Array.from({ length: count }, (_, i) => hashOf(hasher, u32(i)));

function programVectors(hasher: Hasher, program: Program) {
  const lists = (["init", "step", "eval"] as const).map((list) => {
    const encodings = program[list].map(encodeOp);
    return {
      list,
      ops: encodings.map((encoding, i) => ({
        encoding: toHex(encoding),
        leaf: opLeaf(hasher, list, i, encoding),
      })),
      root: opListRoot(hasher, list, encodings),
    };
  });
  const header = encodeHeader(program);
  const [initRoot, stepRoot, evalRoot] = lists.map((list) => list.root) as [Hex, Hex, Hex];
  const root = programRootOf(hasher, { header, initRoot, stepRoot, evalRoot });
  if (root !== programRoot(hasher, program)) throw new Error("two ways to one root differ");
  return { header: toHex(header), lists, root };
}

/** All commitments of fixed inputs. */
export function commitmentVectors(hasher: Hasher) {
  const leaf = (i: number): Hex => hashOf(hasher, u32(i));
  return {
    about: {
      words: "word i of n is (i + 1) * 0x9e3779b1 mod 2^32, little-endian",
      leaves: "leaf i of n is sha256 of i as 4 big-endian bytes",
    },
    chunks: [
      { dtype: 0, index: 0, words: 1 },
      { dtype: 0, index: 3, words: 256 },
      { dtype: 1, index: 65_536, words: 255 },
    ].map((v) => ({ ...v, leaf: chunkLeaf(hasher, v.dtype, v.index, patternBytes(v.words)) })),
    trees: [0, 1, 2, 15, 16, 17, 256, 257, 300].map((count) => ({
      count,
      depth: treeDepth(count),
      root: treeRoot(hasher, patternLeaves(hasher, count)),
    })),
    proofs: [
      { count: 1, index: 0 },
      { count: 5, index: 4 },
      { count: 17, index: 16 },
      { count: 300, index: 271 },
    ].map(({ count, index }) => {
      const tree = new HashTree(hasher, packRoots(patternLeaves(hasher, count)));
      return { count, index, leaf: leaf(index), root: tree.root, siblings: tree.proof(index) };
    }),
    tensors: [
      { dtype: 0, shape: [] },
      { dtype: 0, shape: [256] },
      { dtype: 1, shape: [257] },
      { dtype: 0, shape: [17, 256] },
      { dtype: 1, shape: [3, 2, 5, 7] },
    ].map((v) => {
      const count = v.shape.reduce((product, size) => product * size, 1);
      return { ...v, root: tensorRoot(hasher, { ...v, bytes: patternBytes(count) }) };
    }),
    traces: [1, 2, 17, 18].map((count) => {
      const parts = {
        checkpoints: patternLeaves(hasher, count),
        modelRoot: leaf(1000),
        evalRoot: leaf(1001),
      };
      const header = traceHeader(hasher, parts);
      return { ...header, root: traceRootOf(hasher, header) };
    }),
    levels: (["steps", "ops", "terms"] as const).flatMap((level) =>
      [1, 2, 18].map((count) => ({
        level,
        count,
        root: levelRoot(hasher, level, patternLeaves(hasher, count)),
      })),
    ),
    assemblies: [1, 2, 17, 300].map((count) => {
      const nodes = assemblyNodes(hasher, patternLeaves(hasher, count));
      return { count, nodes: nodes.length, root: nodes.at(-1), nodesRoot: treeRoot(hasher, nodes) };
    }),
    programs: [1, 2].map((number) =>
      programVectors(hasher, randomProgram(number, { ops: 2, dimension: 4 }).program),
    ),
  };
}

/** The hard limits and the primitive table, for those who enforce them elsewhere. */
export const machineTables = () => ({
  limits: LIMITS,
  wordWeight: WORD_WEIGHT,
  primitives: PRIMITIVES,
});

/** Random words and row permutations of fixed inputs; every number is an i32 or, for seeds, a u32. */
export function randomnessVectors() {
  const random = new Random(20);
  const anyI32 = () => random.bits() | 0;
  const seed = () => ({ seedLow: random.bits(), seedHigh: random.bits() });
  const edges = [0, 1, 3, 4, -1, 2 ** 31 - 1, -(2 ** 31)];
  const philox = random.list(24, (i) => {
    const v = {
      element: edges[i] ?? anyI32(),
      step: edges[i % 9] ?? anyI32(),
      stream: i,
      ...seed(),
    };
    return { ...v, word: philoxWord(v.element, v.step, v.stream, v.seedLow, v.seedHigh) };
  });
  const sizes = [-1, 0, 1, 2, 3, 4, 5, 10, 64, 1000, 50_625, 60_000, 2 ** 28, 2 ** 31 - 1];
  const permutations = sizes.flatMap((n) => {
    const inside = Array.from({ length: 3 }, () => (n > 0 ? random.bits() % n : 0));
    return [0, n - 1, n, -1, ...inside].map((p) => {
      const v = { p, n, epoch: random.oneIn(2) ? random.integer(0, 9) : anyI32(), ...seed() };
      return { ...v, position: permute(v.p, v.n, v.epoch, v.seedLow, v.seedHigh) };
    });
  });
  return { philox, permutations };
}
