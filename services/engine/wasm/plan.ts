import { UNCHANGED, type OpList, type Program } from "../ir/types.ts";
import { bufferKey } from "./access.ts";
import { elements } from "../ir/shape.ts";
import { isIdentity, type Group } from "./fuse.ts";
import type { Kernel } from "./kernel.ts";
import { resultsOf } from "./lower.ts";
import { CONTROL_BYTES } from "./parallel.ts";
import { buffersOf, ZERO_BYTES } from "./reader.ts";

const ALIGNMENT = 64;
const PAGE = 65536;

/** A kernel in its place of the schedule. */
export interface ScheduledKernel {
  readonly group: Group;
  readonly kernel: Kernel;
}

export interface Copy {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export interface ListPlan {
  /** Byte address of every op's output that is kept in memory. */
  readonly values: ReadonlyMap<number, number>;
  /** Copies at the end of the list: next states that could not be written in place. */
  readonly copies: readonly Copy[];
  readonly scratch: number;
}

/** Where everything lies in linear memory. Addresses and sizes are bytes. */
export interface MemoryPlan {
  /** What threads share, where there are several. */
  readonly control: number;
  readonly data: readonly number[];
  readonly parent: readonly number[];
  readonly state: readonly number[];
  readonly lists: Readonly<Record<OpList, ListPlan>>;
  /** Bytes of the tensors that live as long as the job, and of the largest list's temporaries. */
  readonly fixedBytes: number;
  readonly temporaryBytes: number;
  /** Of each thread. */
  readonly scratchBytes: number;
  readonly pages: number;
}

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
const bytesOf = (shape: readonly number[]): number => elements(shape) * 4;

/** First-fit allocator over an open-ended range. */
class Arena {
  private free: { start: number; end: number }[];
  peak: number;

  constructor(start: number) {
    this.free = [{ start, end: Number.POSITIVE_INFINITY }];
    this.peak = start;
  }

  take(bytes: number): number {
    const size = align(bytes);
    const hole = this.free.find((h) => h.end - h.start >= size);
    if (hole === undefined) throw new Error("the last hole has no end");
    const { start } = hole;
    hole.start += size;
    this.free = this.free.filter((h) => h.end > h.start);
    this.peak = Math.max(this.peak, start + size);
    return start;
  }

  give(start: number, bytes: number): void {
    const end = start + align(bytes);
    const merged = { start, end };
    const rest = this.free.filter((hole) => {
      if (hole.end === merged.start) merged.start = hole.start;
      else if (hole.start === merged.end) merged.end = hole.end;
      else return true;
      return false;
    });
    this.free = [...rest, merged].toSorted((a, b) => a.start - b.start);
  }
}

/** Ops whose outputs other kernels or the end of the list need. */
export const storedOps = (
  program: Program,
  list: OpList,
  groups: readonly Group[],
): Set<number> => {
  const stored = new Set(resultsOf(program, list));
  for (const group of groups) {
    const inside = new Set(group.ops.map((op) => op.index));
    for (const op of group.ops) {
      for (const access of op.accesses) {
        for (const buffer of buffersOf(access)) {
          if (buffer.kind === "value" && !inside.has(buffer.index)) stored.add(buffer.index);
        }
      }
    }
  }
  return stored;
};

/** Reads of the present value of each state tensor: by which kernel, and whether element by element in a map. */
const stateReads = (
  kernels: readonly ScheduledKernel[],
): Map<number, { readonly kernel: number; readonly inStep: boolean }[]> => {
  const reads = new Map<number, { readonly kernel: number; readonly inStep: boolean }[]>();
  for (const [at, { group, kernel }] of kernels.entries()) {
    for (const op of group.ops) {
      for (const access of op.accesses) {
        for (const buffer of buffersOf(access)) {
          if (buffer.kind !== "state") continue;
          const inStep =
            kernel.path !== "contraction" && op.reduction === null && isIdentity(access, op.shape);
          reads.set(buffer.index, [...(reads.get(buffer.index) ?? []), { kernel: at, inStep }]);
        }
      }
    }
  }
  return reads;
};

/**
 * State tensors whose next value may be written over the present one, by the op that makes it: no later kernel reads
 * the present value, and the kernel that makes the next value reads it, if at all, element by element just before.
 */
const inPlace = (
  program: Program,
  list: OpList,
  kernels: readonly ScheduledKernel[],
): Map<number, number> => {
  const target = new Map<number, number>();
  if (list === "eval") return target;
  const reads = stateReads(kernels);
  const maker = new Map<number, number>();
  for (const [at, { group }] of kernels.entries())
    for (const op of group.ops) maker.set(op.index, at);
  for (const [s, state] of program.state.entries()) {
    const op = list === "init" ? state.initOp : state.stepOp;
    const at = maker.get(op);
    if (op === UNCHANGED || at === undefined || target.has(op)) continue;
    const safe = (reads.get(s) ?? []).every(
      ({ kernel, inStep }) => kernel < at || (kernel === at && inStep),
    );
    if (safe) target.set(op, s);
  }
  return target;
};

const planList = (
  program: Program,
  list: OpList,
  kernels: readonly ScheduledKernel[],
  state: readonly number[],
  arena: Arena,
): { readonly values: Map<number, number>; readonly copies: Copy[] } => {
  const direct = inPlace(program, list, kernels);
  const values = new Map<number, number>();
  const lastUse = new Map<string, number>();
  kernels.forEach(({ kernel }, i) => {
    for (const buffer of kernel.buffers)
      if (buffer.kind === "value") lastUse.set(bufferKey(buffer), i);
  });
  const kept = new Set(resultsOf(program, list));
  const size = (op: number): number => bytesOf(program[list][op]?.out.shape ?? []);
  kernels.forEach(({ group, kernel }, i) => {
    const used = kernel.buffers.filter((b) => b.kind === "value").map((b) => b.index);
    const made = new Set(group.ops.map((op) => op.index));
    for (const op of used) {
      if (!made.has(op)) continue;
      const own = direct.get(op);
      values.set(op, own === undefined ? arena.take(size(op)) : (state[own] ?? 0));
    }
    for (const op of used) {
      const dead = lastUse.get(`value${String(op)}`) === i && !kept.has(op) && !direct.has(op);
      if (dead) arena.give(values.get(op) ?? 0, size(op));
    }
  });
  const copies: Copy[] = [];
  if (list !== "eval") {
    program.state.forEach((tensor, s) => {
      const op = list === "init" ? tensor.initOp : tensor.stepOp;
      if (op === UNCHANGED || direct.get(op) === s) return;
      copies.push({ from: values.get(op) ?? 0, to: state[s] ?? 0, bytes: bytesOf(tensor.shape) });
    });
  }
  return { values, copies };
};

/** Lays out data, parent and state once, and each list's temporaries, which share one region, by their lifetimes. */
export const planMemory = (
  program: Program,
  kernels: Readonly<Record<OpList, readonly ScheduledKernel[]>>,
  threads = 1,
): MemoryPlan => {
  const control = align(ZERO_BYTES);
  let top = control + (threads > 1 ? CONTROL_BYTES : 0);
  const place = (tensor: { readonly shape: readonly number[] }): number => {
    const at = top;
    top = align(top + bytesOf(tensor.shape));
    return at;
  };
  const data = program.data.map(place);
  const parent = program.parent.map(place);
  const state = program.state.map(place);
  const fixedBytes = top;
  const parts = (["init", "step", "eval"] as const).map((list) => {
    const arena = new Arena(fixedBytes);
    return { list, arena, ...planList(program, list, kernels[list], state, arena) };
  });
  const scratch = Math.max(...parts.map((part) => part.arena.peak));
  const scratchBytes = align(
    Math.max(
      0,
      ...Object.values(kernels)
        .flat()
        .map(({ kernel }) => kernel.scratch),
    ),
  );
  const planOf = (list: OpList): ListPlan => {
    const part = parts.find((p) => p.list === list);
    return { values: part?.values ?? new Map(), copies: part?.copies ?? [], scratch };
  };
  return {
    control,
    data,
    parent,
    state,
    lists: { init: planOf("init"), step: planOf("step"), eval: planOf("eval") },
    fixedBytes,
    temporaryBytes: scratch - fixedBytes,
    scratchBytes,
    pages: Math.ceil((scratch + threads * scratchBytes) / PAGE),
  };
};
