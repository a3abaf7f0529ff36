/**
 * The one tree of the protocol: 16-ary, over a list of 32-byte leaves. A node is
 * `H(0x01 ‖ child0 … child15)`; positions beyond the list hold 32 zero bytes, and so do nodes that cover none of it.
 * The depth is the smallest `d` with `16^d >= count`: one leaf is its own root, and no leaf gives 32 zero bytes.
 */
import { type Hasher, type Hex, fromHex, packRoots, toHex } from "./hash.ts";
import { TAG } from "./tags.ts";

export const ARITY = 16;

/** Levels of nodes above `count` leaves. */
export function treeDepth(count: number): number {
  let depth = 0;
  for (let covered = 1; covered < count; covered *= ARITY) depth++;
  return depth;
}

const message = new Uint8Array(1 + 32 * ARITY);
message[0] = TAG.node;

/** The level above `nodes`, both as 32-byte values one after the other. */
export function levelAbove(hasher: Hasher, nodes: Uint8Array): Uint8Array {
  const count = Math.ceil(nodes.length / (32 * ARITY));
  const level = new Uint8Array(32 * count);
  for (let i = 0; i < count; i++) {
    const children = nodes.subarray(32 * ARITY * i, 32 * ARITY * (i + 1));
    message.set(children, 1);
    message.fill(0, 1 + children.length);
    hasher.into(message, level, 32 * i);
  }
  return level;
}

/** A tree with all its levels, for opening nodes and proving leaves. */
export class HashTree {
  /** From the leaves up; the last level is the root alone (no level at all for no leaves). */
  readonly levels: readonly Uint8Array[];
  readonly count: number;

  /** `leaves` are 32-byte values one after the other and must not change afterwards. */
  constructor(hasher: Hasher, leaves: Uint8Array) {
    if (leaves.length % 32 !== 0) throw new RangeError("leaves must be 32 bytes each");
    this.count = leaves.length / 32;
    const levels = [leaves];
    for (let top = leaves; top.length > 32; levels.push(top)) top = levelAbove(hasher, top);
    this.levels = levels;
  }

  get depth(): number {
    return this.levels.length - 1;
  }

  get root(): Hex {
    return this.node([]);
  }

  /** The node reached from the root by taking child `path[0]`, then `path[1]`, …; zeros where there is none. */
  node(path: readonly number[]): Hex {
    return toHex(this.#at(this.depth - path.length, this.#position(path)));
  }

  /** The 16 children of the node at `path`. Throws a RangeError when that is a leaf or deeper. */
  children(path: readonly number[]): Hex[] {
    const height = this.depth - path.length - 1;
    if (height < 0)
      throw new RangeError(`no children at depth ${path.length} of a tree of depth ${this.depth}`);
    const first = this.#position(path) * ARITY;
    return Array.from({ length: ARITY }, (_, i) => toHex(this.#at(height, first + i)));
  }

  /** What {@link verifyProof} needs for leaf `index`: per level, from the leaf up, the 15 siblings in order. */
  proof(index: number): Hex[][] {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throw new RangeError(`leaf ${index} of ${this.count}`);
    }
    const proof: Hex[][] = [];
    for (
      let height = 0, position = index;
      height < this.depth;
      height++, position = Math.floor(position / ARITY)
    ) {
      const first = position - (position % ARITY);
      const siblings = Array.from({ length: ARITY }, (_, i) => first + i).filter(
        (i) => i !== position,
      );
      proof.push(siblings.map((i) => toHex(this.#at(height, i))));
    }
    return proof;
  }

  #position(path: readonly number[]): number {
    if (path.length > this.depth)
      throw new RangeError(`path of ${path.length} in a tree of depth ${this.depth}`);
    return path.reduce((position, child) => {
      if (!Number.isInteger(child) || child < 0 || child >= ARITY)
        throw new RangeError(`no child ${child}`);
      return position * ARITY + child;
    }, 0);
  }

  #at(height: number, position: number): Uint8Array {
    const node = this.levels[height]?.subarray(32 * position, 32 * (position + 1));
    return node?.length === 32 ? node : new Uint8Array(32);
  }
}

/** Root of the tree over 32-byte values one after the other. */
export function flatTreeRoot(hasher: Hasher, leaves: Uint8Array): Hex {
  let level = leaves;
  while (level.length > 32) level = levelAbove(hasher, level);
  return toHex(level.length === 0 ? new Uint8Array(32) : level);
}

/** Root of the tree over a list of roots: the data, state, model and eval roots are this. */
export const treeRoot = (hasher: Hasher, leaves: readonly Hex[]): Hex =>
  flatTreeRoot(hasher, packRoots(leaves));

/** Hash of one node from its 16 children: what an opening is checked against. */
export function nodeHash(hasher: Hasher, children: readonly Hex[]): Hex {
  if (children.length !== ARITY)
    throw new RangeError(`a node has ${ARITY} children, not ${children.length}`);
  return toHex(levelAbove(hasher, packRoots(children)));
}

/**
 * Whether `leaf` is at `index` of the tree of `count` leaves with this root. Depth and absent positions follow from
 * `count` alone: a proof with another depth, or with anything but zeros at an absent position, is false.
 */
export function verifyProof(
  hasher: Hasher,
  root: Hex,
  count: number,
  index: number,
  leaf: Hex,
  proof: readonly (readonly Hex[])[],
): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= count || proof.length !== treeDepth(count))
    return false;
  const zero = toHex(new Uint8Array(32));
  let value = leaf;
  let position = index;
  let size = count;
  for (const siblings of proof) {
    if (siblings.length !== ARITY - 1) return false;
    const place = position % ARITY;
    const children = [...siblings.slice(0, place), value, ...siblings.slice(place)];
    const present = size - (position - place);
    if (
      children.some((child, i) => fromHex(child).length !== 32 || (i >= present && child !== zero))
    )
      return false;
    value = nodeHash(hasher, children);
    position = Math.floor(position / ARITY);
    size = Math.ceil(size / ARITY);
  }
  return value.toLowerCase() === root.toLowerCase();
}
