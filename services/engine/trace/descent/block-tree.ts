/**
 * A tree over any number of leaves in bounded memory: the lowest levels are not kept but made again, a block of leaves
 * at a time, when an answer needs them.
 */
import { type Hasher, type Hex, toHex } from "@assay/protocol/commitments/hash";
import { ARITY, levelAbove, treeDepth } from "@assay/protocol/commitments/tree";
import type { MerkleProof } from "./openings.ts";

/** Leaves `from` to `to` (exclusive), 32 bytes each. */
export type CollectLeaves = (from: number, to: number) => Promise<Uint8Array>;

/** Nodes kept of one level: 2 MiB. Two storeys of so many cover 2^32 leaves. */
const KEPT_NODES = ARITY ** 4;

export class BlockTree {
  readonly count: number;
  readonly depth: number;
  readonly #hasher: Hasher;
  readonly #collect: CollectLeaves;
  /** Height of the lowest level that is kept. */
  readonly #base: number;
  readonly #top: readonly Uint8Array[];
  #block: { readonly index: number; readonly levels: readonly Uint8Array[] } | undefined;

  private constructor(
    hasher: Hasher,
    count: number,
    collect: CollectLeaves,
    base: number,
    lowest: Uint8Array,
  ) {
    this.count = count;
    this.depth = treeDepth(count);
    this.#hasher = hasher;
    this.#collect = collect;
    this.#base = base;
    const top = [lowest];
    for (let level = lowest; level.length > 32; top.push(level)) level = levelAbove(hasher, level);
    this.#top = top;
  }

  /** Collects every leaf once, in order, and keeps at most `kept` nodes of a level. */
  static async build(
    hasher: Hasher,
    count: number,
    collect: CollectLeaves,
    kept = KEPT_NODES,
  ): Promise<BlockTree> {
    let base = 0;
    while (count > kept * ARITY ** base) base++;
    if (base === 0) return new BlockTree(hasher, count, collect, 0, await collect(0, count));
    const size = ARITY ** base;
    const lowest = new Uint8Array(32 * Math.ceil(count / size));
    for (let i = 0; i * size < count; i++) {
      let level = await collect(i * size, Math.min(count, (i + 1) * size));
      for (let h = 0; h < base; h++) level = levelAbove(hasher, level);
      lowest.set(level, 32 * i);
    }
    return new BlockTree(hasher, count, collect, base, lowest);
  }

  /** Bytes that stay in memory. */
  get bytes(): number {
    return 2 * 32 * Math.min(KEPT_NODES, this.count);
  }

  get root(): Hex {
    const top = this.#top.at(-1);
    return toHex(top === undefined || top.length === 0 ? new Uint8Array(32) : top);
  }

  /** Leaf `index`. */
  leaf(index: number): Promise<Hex> {
    return this.#node(0, index);
  }

  /** The 16 children of the node at `path`. Throws a RangeError when that is a leaf or deeper. */
  async children(path: readonly number[]): Promise<Hex[]> {
    const height = this.depth - path.length - 1;
    if (height < 0)
      throw new RangeError(`no children at depth ${path.length} of a tree of depth ${this.depth}`);
    const first = path.reduce((sum, child) => sum * ARITY + child, 0) * ARITY;
    const children: Hex[] = [];
    for (let i = 0; i < ARITY; i++) children.push(await this.#node(height, first + i));
    return children;
  }

  /** What `verifyProof` needs for leaf `index`. */
  async proof(index: number): Promise<MerkleProof> {
    const proof: Hex[][] = [];
    for (let height = 0, place = index; height < this.depth; height++) {
      const first = place - (place % ARITY);
      const siblings: Hex[] = [];
      for (let i = first; i < first + ARITY; i++)
        if (i !== place) siblings.push(await this.#node(height, i));
      proof.push(siblings);
      place = Math.floor(place / ARITY);
    }
    return proof;
  }

  async #node(height: number, place: number): Promise<Hex> {
    const at = (level: Uint8Array | undefined, position: number): Hex => {
      const node = level?.subarray(32 * position, 32 * (position + 1));
      return toHex(node?.length === 32 ? node : new Uint8Array(32));
    };
    if (height >= this.#base) return at(this.#top[height - this.#base], place);
    const span = ARITY ** (this.#base - height);
    const levels = await this.#levels(Math.floor(place / span));
    return at(levels[height], place % span);
  }

  async #levels(index: number): Promise<readonly Uint8Array[]> {
    const size = ARITY ** this.#base;
    if (index * size >= this.count) return [];
    if (this.#block?.index !== index) {
      let level = await this.#collect(index * size, Math.min(this.count, (index + 1) * size));
      const levels = [level];
      for (let h = 1; h < this.#base; h++) {
        level = levelAbove(this.#hasher, level);
        levels.push(level);
      }
      this.#block = { index, levels };
    }
    return this.#block.levels;
  }
}
