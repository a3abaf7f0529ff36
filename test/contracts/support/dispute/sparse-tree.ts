/** Trees far too large to build: what is not on the way to a leaf of interest is made up. */
import { keccak256, toBeHex } from "ethers";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import { nodeHash, treeDepth } from "@assay/protocol/commitments/tree";
import { nodeHasher } from "@assay/engine/trace/hasher";

let hashes = 0;
/** A hash of nothing in particular, each time another one: the same from run to run. */
export const madeUp = (): Hex => keccak256(toBeHex(++hashes, 32)) as Hex;

/** A tree of which only the nodes above some leaves fit each other; the others are made up. */
export class SparseTree {
  readonly depth: number;
  readonly #count: number;
  readonly #leaves: ReadonlyMap<number, Hex>;
  readonly #nodes = new Map<string, Hex>();

  constructor(count: number, leaves: ReadonlyMap<number, Hex>) {
    this.#count = count;
    this.depth = treeDepth(count);
    this.#leaves = leaves;
  }

  get root(): Hex {
    return this.#count === 0 ? ABSENT : this.#node(this.depth, 0);
  }

  /** Children of the node above leaf `index`, `height` levels above the leaves. */
  children(index: number, height: number): Hex[] {
    const position = Math.floor(index / 16 ** height);
    return Array.from({ length: 16 }, (_, i) => this.#node(height - 1, position * 16 + i));
  }

  proof(index: number): Hex[][] {
    return Array.from({ length: this.depth }, (_, d) =>
      this.children(index, d + 1).toSpliced(Math.floor(index / 16 ** d) % 16, 1),
    );
  }

  #node(height: number, position: number): Hex {
    const under = 16 ** height;
    if (position * under >= this.#count) return ABSENT;
    const key = `${height} ${position}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const ours = [...this.#leaves.keys()].filter((leaf) => Math.floor(leaf / under) === position);
    const made =
      ours.length === 0
        ? madeUp()
        : height === 0
          ? (this.#leaves.get(position) as Hex)
          : nodeHash(nodeHasher, this.children(position * under, height));
    this.#nodes.set(key, made);
    return made;
  }
}
