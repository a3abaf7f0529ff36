/**
 * The nodes that assemble a root from leaves whose values are known elsewhere: the last leaves of an op level. They are
 * listed from the lowest height up, left to right within a height, so the root comes last. A single leaf is its own root, and
 * then the list is that leaf alone; without leaves there is no list.
 */
import type { Hasher, Hex } from "./hash.ts";
import { ABSENT } from "./hash.ts";
import { ARITY, nodeHash } from "./tree.ts";

/** What the value of a child of an assembly node must equal. */
export type AssemblyChild =
  | { readonly kind: "leaf"; readonly index: number }
  /** Another assembly node, by its place in the list. */
  | { readonly kind: "node"; readonly index: number }
  | { readonly kind: "absent" };

/** Nodes of each height above `count` leaves, the lowest first. */
function heights(count: number): number[] {
  if (count === 1) return [1];
  const sizes: number[] = [];
  for (let size = count; size > 1; sizes.push(size)) size = Math.ceil(size / ARITY);
  return sizes;
}

/** Length of the list for `count` leaves. */
export const assemblyCount = (count: number): number =>
  heights(count).reduce((sum, size) => sum + size, 0);

/**
 * Where the 16 children of node `index` come from; for the node of a single leaf, which is no hash, only where
 * that leaf comes from. Throws a RangeError when there is no such node.
 */
export function assemblyChildren(count: number, index: number): AssemblyChild[] {
  const sizes = heights(count);
  let first = 0;
  for (const [h, size] of sizes.entries()) {
    const place = index - first;
    if (place >= 0 && place < size) {
      if (count === 1) return [{ kind: "leaf", index: 0 }];
      const below = h === 0 ? count : (sizes[h - 1] as number);
      return Array.from({ length: ARITY }, (_, c): AssemblyChild => {
        const at = ARITY * place + c;
        if (at >= below) return { kind: "absent" };
        return h === 0 ? { kind: "leaf", index: at } : { kind: "node", index: first - below + at };
      });
    }
    first += size;
  }
  throw new RangeError(`no assembly node ${index} of ${first}`);
}

/** The list for these leaves; its last entry is their `treeRoot`. */
export function assemblyNodes(hasher: Hasher, leaves: readonly Hex[]): Hex[] {
  if (leaves.length === 1) return [...leaves];
  const nodes: Hex[] = [];
  const count = assemblyCount(leaves.length);
  for (let i = 0; i < count; i++) {
    const children = assemblyChildren(leaves.length, i).map((child) => {
      if (child.kind === "absent") return ABSENT;
      return (child.kind === "leaf" ? leaves : nodes)[child.index] as Hex;
    });
    nodes.push(nodeHash(hasher, children));
  }
  return nodes;
}
