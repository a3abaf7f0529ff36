import type { Access } from "./access.ts";
import { elements } from "../ir/shape.ts";
import { rowMajor } from "./collapse.ts";
import { dependenciesOf, type LoweredOp } from "./lower.ts";

/**
 * Ops that become one kernel: either a contraction alone, or at most one other fold and maps of its shape, linked
 * element by element. Ops are in list order; each is computed once per element.
 */
export interface Group {
  readonly ops: readonly LoweredOp[];
}

const MAX_OPS = 96;

/** The access reads exactly the element that is being computed, of a tensor as large as the output. */
export const isIdentity = (access: Access, shape: readonly number[]): boolean => {
  const { origin, address } = access;
  if (
    origin.kind !== "buffer" ||
    access.lookup !== null ||
    access.checked ||
    access.guards.length > 0
  )
    return false;
  if (origin.elements !== elements(shape) || address.offset !== 0) return false;
  const dense = rowMajor(shape);
  return shape.every((extent, d) => extent === 1 || address.strides[d] === dense[d]);
};

const squeezed = (op: LoweredOp): string => op.shape.filter((extent) => extent !== 1).join(",");
const sameShape = (a: LoweredOp, b: LoweredOp): boolean => squeezed(a) === squeezed(b);

class Fusion {
  private readonly members = new Map<number, LoweredOp[]>();
  private readonly groupOf = new Map<number, number>();
  private readonly alone: ReadonlySet<number>;
  /** Ops of other groups that the ops of a group read. */
  private readonly reads = new Map<number, readonly number[]>();

  constructor(alone: ReadonlySet<number>) {
    this.alone = alone;
  }

  add(op: LoweredOp): void {
    this.members.set(op.index, [op]);
    this.reads.set(op.index, dependenciesOf(op));
    this.groupOf.set(op.index, op.index);
    if (op.reduction !== null) return;
    for (const access of op.accesses) {
      if (access.origin.kind !== "buffer" || access.origin.buffer.kind !== "value") continue;
      if (isIdentity(access, op.shape))
        this.tryMerge(this.group(access.origin.buffer.index), this.group(op.index));
    }
  }

  groups(): Group[] {
    return [...this.members.values()].map((ops) => ({
      ops: ops.toSorted((a, b) => a.index - b.index),
    }));
  }

  private group(op: number): number {
    const group = this.groupOf.get(op);
    if (group === undefined) throw new Error(`op ${String(op)} is read before it is made`);
    return group;
  }

  private ops(group: number): LoweredOp[] {
    return this.members.get(group) ?? [];
  }

  private tryMerge(a: number, b: number): void {
    if (a === b) return;
    const opsA = this.ops(a);
    const opsB = this.ops(b);
    const [first] = opsA;
    const [second] = opsB;
    if (first === undefined || second === undefined || !sameShape(first, second)) return;
    if (this.alone.has(first.index) || this.alone.has(second.index)) return;
    if (opsA.length + opsB.length > MAX_OPS) return;
    const all = [...opsA, ...opsB];
    if (all.filter((op) => op.reduction !== null).length > 1) return;
    if (!linkedElementwise(all) || this.reaches(a, b) || this.reaches(b, a)) return;
    this.members.set(a, all);
    this.members.delete(b);
    for (const op of opsB) this.groupOf.set(op.index, a);
    const reads = new Set([...(this.reads.get(a) ?? []), ...(this.reads.get(b) ?? [])]);
    for (const op of all) reads.delete(op.index);
    this.reads.set(a, [...reads]);
    this.reads.delete(b);
  }

  /** True when group `from` depends on group `target` through some third group. */
  private reaches(from: number, target: number): boolean {
    const seen = new Set<number>([from]);
    const open = this.dependencies(from).filter((group) => group !== target);
    for (let group = open.pop(); group !== undefined; group = open.pop()) {
      if (group === target) return true;
      if (seen.has(group)) continue;
      seen.add(group);
      open.push(...this.dependencies(group));
    }
    return false;
  }

  private dependencies(group: number): number[] {
    return (this.reads.get(group) ?? []).map((op) => this.group(op));
  }
}

/** Within the set, ops read each other only element by element, and no fold reads a member. */
const linkedElementwise = (ops: readonly LoweredOp[]): boolean => {
  const inside = new Set(ops.map((op) => op.index));
  const internal = (index: number): boolean => inside.has(index);
  return ops.every((op) =>
    op.accesses.every((access) => {
      if (access.lookup?.buffer.kind === "value" && internal(access.lookup.buffer.index))
        return false;
      if (access.origin.kind !== "buffer" || access.origin.buffer.kind !== "value") return true;
      if (!internal(access.origin.buffer.index)) return true;
      return op.reduction === null && isIdentity(access, op.shape);
    }),
  );
};

/** Fuses maps with their producers. `alone` are ops that keep a kernel to themselves. */
export const fuse = (ops: readonly LoweredOp[], alone: ReadonlySet<number>): Group[] => {
  const fusion = new Fusion(alone);
  for (const op of ops) fusion.add(op);
  return schedule(fusion.groups());
};

/** Topological order; among the groups that are ready, the one whose last op comes first in the list. */
const schedule = (groups: readonly Group[]): Group[] => {
  const owner = new Map<number, Group>();
  for (const group of groups) for (const op of group.ops) owner.set(op.index, group);
  const rank = (group: Group): number => group.ops.at(-1)?.index ?? 0;
  const waiting = new Map<Group, Set<Group>>();
  const consumers = new Map<Group, Set<Group>>();
  for (const group of groups) {
    const needs = new Set<Group>();
    for (const op of group.ops) {
      for (const index of dependenciesOf(op)) {
        const producer = owner.get(index);
        if (producer !== undefined && producer !== group) needs.add(producer);
      }
    }
    waiting.set(group, needs);
    for (const producer of needs)
      consumers.set(producer, (consumers.get(producer) ?? new Set()).add(group));
  }
  const ready = groups.filter((group) => waiting.get(group)?.size === 0);
  const order: Group[] = [];
  while (ready.length > 0) {
    let best = 0;
    ready.forEach((group, i) => {
      const incumbent = ready[best];
      if (incumbent !== undefined && rank(group) < rank(incumbent)) best = i;
    });
    const [group] = ready.splice(best, 1);
    if (group === undefined) break;
    order.push(group);
    for (const consumer of consumers.get(group) ?? []) {
      const needs = waiting.get(consumer);
      needs?.delete(group);
      if (needs?.size === 0) ready.push(consumer);
    }
  }
  if (order.length !== groups.length) throw new Error("fusion made a cycle");
  return order;
};
