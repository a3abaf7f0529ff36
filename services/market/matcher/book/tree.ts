/**
 * A k-d tree of rows. Every node knows the column-wise maximum and the union of bits of the rows below it, which is all
 * that a search needs to leave out a subtree; where rows lie only decides how often that happens.
 */
import { AT, MASK_WIDTH, WIDTH, type Rows } from "./rows.ts";

/** Rows of a leaf before it is split. */
const LEAF = 24;
const NONE = -1;

export class Tree {
  readonly #rows: Rows;
  /** By node: column-wise maxima and unions of bits, children (`NONE` in leaves), parent, rows of a leaf. */
  maxima = new Float64Array(0);
  masks = new Uint32Array(0);
  left = new Int32Array(0);
  right = new Int32Array(0);
  #parent = new Int32Array(0);
  #depth = new Uint8Array(0);
  #column = new Uint8Array(0);
  #value = new Float64Array(0);
  counts = new Uint8Array(0);
  slots = new Int32Array(0);
  #nodes = 0;
  #leafOf = new Int32Array(1_024);
  static readonly LEAF = LEAF;

  constructor(rows: Rows) {
    this.#rows = rows;
    this.#reserve(64);
    this.#newLeaf(NONE);
  }

  insert(slot: number): void {
    const { values, masks } = this.#rows;
    const base = slot * WIDTH;
    let node = 0;
    while (this.left[node] !== NONE) {
      this.#include(node, values, base, masks, slot * MASK_WIDTH);
      const below =
        (values[base + (this.#column[node] as number)] as number) < (this.#value[node] as number);
      node = (below ? this.left[node] : this.right[node]) as number;
    }
    if (this.counts[node] === LEAF) {
      this.#split(node);
      this.#include(node, values, base, masks, slot * MASK_WIDTH);
      const below =
        (values[base + (this.#column[node] as number)] as number) < (this.#value[node] as number);
      node = (below ? this.left[node] : this.right[node]) as number;
    }
    this.#append(node, slot);
    this.#include(node, values, base, masks, slot * MASK_WIDTH);
  }

  remove(slot: number): void {
    const leaf = this.#leafOf[slot] as number;
    const first = leaf * LEAF;
    const last = first + (this.counts[leaf] as number) - 1;
    let at = first;
    while (this.slots[at] !== slot) at++;
    this.slots[at] = this.slots[last] as number;
    this.counts[leaf] = last - first;
    this.#refresh(leaf);
  }

  /** The row of this slot has changed. */
  update(slot: number): void {
    this.#refresh(this.#leafOf[slot] as number);
  }

  /** Makes maxima and bits of a leaf and of all above it exact again. */
  #refresh(leaf: number): void {
    const { values, masks } = this.#rows;
    this.#clear(leaf);
    const first = leaf * LEAF;
    for (let at = first; at < first + (this.counts[leaf] as number); at++) {
      const slot = this.slots[at] as number;
      this.#include(leaf, values, slot * WIDTH, masks, slot * MASK_WIDTH);
    }
    for (
      let node = this.#parent[leaf] as number;
      node !== NONE;
      node = this.#parent[node] as number
    )
      this.#ofChildren(node);
  }

  #ofChildren(node: number): void {
    const { maxima, masks } = this;
    const [to, a, b] = [node, this.left[node] as number, this.right[node] as number];
    for (let column = 0; column < WIDTH; column++) {
      const x = maxima[a * WIDTH + column] as number;
      const y = maxima[b * WIDTH + column] as number;
      maxima[to * WIDTH + column] = x > y ? x : y;
    }
    for (let mask = 0; mask < MASK_WIDTH; mask++)
      masks[to * MASK_WIDTH + mask] =
        (masks[a * MASK_WIDTH + mask] as number) | (masks[b * MASK_WIDTH + mask] as number);
  }

  #clear(node: number): void {
    this.maxima.fill(Number.NEGATIVE_INFINITY, node * WIDTH, (node + 1) * WIDTH);
    this.masks.fill(0, node * MASK_WIDTH, (node + 1) * MASK_WIDTH);
  }

  /** Raises a node's maxima and bits to include one row. */
  #include(
    node: number,
    values: Float64Array,
    base: number,
    masks: Uint32Array,
    mask: number,
  ): void {
    const { maxima } = this;
    const to = node * WIDTH;
    for (let column = 0; column < WIDTH; column++) {
      const value = values[base + column] as number;
      if (value > (maxima[to + column] as number)) maxima[to + column] = value;
    }
    const bits = node * MASK_WIDTH;
    for (let place = 0; place < MASK_WIDTH; place++)
      this.masks[bits + place] =
        (this.masks[bits + place] as number) | (masks[mask + place] as number);
  }

  /** Makes two leaves of one, parted at the middle of the column in which its rows differ most. */
  #split(node: number): void {
    const { values } = this.#rows;
    const first = node * LEAF;
    const members = this.slots.slice(first, first + LEAF);
    const column = this.#partingColumn(members, this.#depth[node] as number);
    const sorted = Float64Array.from(
      members,
      (slot) => values[slot * WIDTH + column] as number,
    ).sort();
    // The middle value, or the next larger one where it is also the smallest: both sides get rows.
    let middle = LEAF >> 1;
    while (sorted[middle] === sorted[0]) middle++;
    const value = sorted[middle] as number;
    const left = this.#newLeaf(node);
    const right = this.#newLeaf(node);
    this.left[node] = left;
    this.right[node] = right;
    this.#column[node] = column;
    this.#value[node] = value;
    this.counts[node] = 0;
    for (const slot of members)
      this.#append((values[slot * WIDTH + column] as number) < value ? left : right, slot);
    this.#refreshLeafOnly(left);
    this.#refreshLeafOnly(right);
  }

  #refreshLeafOnly(leaf: number): void {
    const { values, masks } = this.#rows;
    this.#clear(leaf);
    const first = leaf * LEAF;
    for (let at = first; at < first + (this.counts[leaf] as number); at++) {
      const slot = this.slots[at] as number;
      this.#include(leaf, values, slot * WIDTH, masks, slot * MASK_WIDTH);
    }
  }

  /** Next column of the cycle in which these rows differ at all. Slots always do. */
  #partingColumn(members: Int32Array, depth: number): number {
    const { values } = this.#rows;
    for (let step = 0; step < CYCLE.length; step++) {
      const column = CYCLE[(depth + step) % CYCLE.length] as number;
      const first = values[(members[0] as number) * WIDTH + column];
      if (members.some((slot) => values[slot * WIDTH + column] !== first)) return column;
    }
    return AT.slot;
  }

  #append(leaf: number, slot: number): void {
    const count = this.counts[leaf] as number;
    this.slots[leaf * LEAF + count] = slot;
    this.counts[leaf] = count + 1;
    if (slot >= this.#leafOf.length) {
      const larger = new Int32Array(this.#leafOf.length * 2);
      larger.set(this.#leafOf);
      this.#leafOf = larger;
    }
    this.#leafOf[slot] = leaf;
  }

  #newLeaf(parent: number): number {
    const node = this.#nodes++;
    if (node >= this.counts.length) this.#reserve(this.counts.length * 2);
    this.left[node] = NONE;
    this.right[node] = NONE;
    this.#parent[node] = parent;
    this.#depth[node] = parent === NONE ? 0 : (this.#depth[parent] as number) + 1;
    this.counts[node] = 0;
    this.#clear(node);
    return node;
  }

  #reserve(nodes: number): void {
    const grow = <T extends { set(from: T): void }>(fresh: T, old: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.maxima = grow(new Float64Array(nodes * WIDTH), this.maxima);
    this.masks = grow(new Uint32Array(nodes * MASK_WIDTH), this.masks);
    this.left = grow(new Int32Array(nodes), this.left);
    this.right = grow(new Int32Array(nodes), this.right);
    this.#parent = grow(new Int32Array(nodes), this.#parent);
    this.#depth = grow(new Uint8Array(nodes), this.#depth);
    this.#column = grow(new Uint8Array(nodes), this.#column);
    this.#value = grow(new Float64Array(nodes), this.#value);
    this.counts = grow(new Uint8Array(nodes), this.counts);
    this.slots = grow(new Int32Array(nodes * LEAF), this.slots);
  }
}

/**
 * Columns by which levels of the tree are parted, from the root down and around again. First what parts offers that are
 * seldom both wanted; then price, every other time: it weighs most in most scores, and in its order a search soon meets
 * something that fits.
 */
const CYCLE = (
  [
    "free",
    "gpu",
    "speed",
    "negativePrice",
    "reputation",
    "negativePrice",
    "negativeCarbon",
    "negativePrice",
    "reputation",
    "negativePrice",
    "negativeCarbon",
    "negativePrice",
  ] as const
).map((column) => AT[column]);
