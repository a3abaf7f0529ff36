import { isUniform, movesPlainly, type Access, type BufferRef } from "./access.ts";
import type { FunctionBuilder } from "./function.ts";
import { startCursor, type Cursor } from "./loops.ts";
import { I, VALUE } from "./opcodes.ts";

/** Locals that a kernel's code can refer to. */
export interface KernelLocals {
  /** Parameter with the byte address of this buffer. */
  readonly base: (buffer: BufferRef) => number;
  /** Number of the global that holds the step. */
  readonly stepGlobal: number;
}

/** Linear memory starts with this many zero bytes: where an access that reads +0 is sent. */
export const ZERO_BYTES = 64;

const LANES = [0, 1, 2, 3] as const;

/** How four neighbouring elements of an access are fetched. */
export type LaneShape = "uniform" | "contiguous" | "index" | "gather";

export const laneShape = (access: Access, level: number): LaneShape => {
  if (isUniform(access, level)) return "uniform";
  if (!movesPlainly(access, level)) return "gather";
  if (access.origin.kind === "index") return "index";
  return access.origin.kind === "buffer" && access.address.strides[level] === 1
    ? "contiguous"
    : "gather";
};

/** Writes the code that reads one access at the present position of the loops. */
export class Reader {
  readonly cursors: Cursor[] = [];
  private readonly f: FunctionBuilder;
  private readonly access: Access;
  private readonly kernel: KernelLocals;
  private readonly address: Cursor;
  private readonly guards: { readonly cursor: Cursor; readonly limit: number }[] = [];
  private readonly lookup: Cursor | null;
  /** The address cursor counts elements (to be checked) instead of bytes. */
  private readonly counted: boolean;

  /** `start` makes the cursors; unless told, they start at the origin of the loops. */
  constructor(
    f: FunctionBuilder,
    access: Access,
    kernel: KernelLocals,
    start: typeof startCursor = startCursor,
  ) {
    this.f = f;
    this.access = access;
    this.kernel = kernel;
    const { origin, lookup } = access;
    this.counted = origin.kind !== "buffer" || access.checked;
    this.address = this.counted
      ? start(f, access.address, 1, null)
      : start(f, access.address, 4, origin.kind === "buffer" ? kernel.base(origin.buffer) : null);
    for (const guard of access.guards) {
      this.guards.push({ cursor: start(f, guard, 1, null), limit: guard.limit });
    }
    this.lookup = lookup === null ? null : start(f, lookup.address, 1, null);
    this.cursors.push(this.address, ...this.guards.map((g) => g.cursor));
    if (this.lookup !== null) this.cursors.push(this.lookup);
  }

  /** Whether reading needs a check that can send it to the zero bytes. */
  get conditional(): boolean {
    return this.guards.length > 0 || this.lookup !== null || this.access.checked;
  }

  /** Leaves the byte address on the stack: 0 when a check fails. */
  pointer(): void {
    this.pushAddress(-1, 0);
  }

  /** Leaves the element `steps` coordinates further along `level` on the stack. */
  scalar(level = -1, steps = 0): void {
    const { f, access } = this;
    if (access.origin.kind === "buffer") {
      const offset = this.pushAddress(level, steps);
      f.memory(access.dtype === "f32" ? I.f32Load : I.i32Load, offset);
      return;
    }
    const ok = this.condition(level, steps);
    this.pushPlain(level, steps, ok?.row ?? null);
    if (ok === null) return;
    if (access.dtype === "f32") f.f32Bits(0);
    else f.i32(0);
    f.get(ok.local).op(I.select);
  }

  /** Leaves four elements, neighbours along `level` from `steps` on, on the stack. */
  vector(level: number, steps = 0): void {
    const { f, access } = this;
    const shape = laneShape(access, level);
    if (shape === "uniform") {
      if (access.origin.kind === "buffer") {
        const offset = this.pushAddress(level, 0);
        f.memory(I.v128Load32Splat, offset);
      } else {
        this.scalar();
        f.op(access.dtype === "f32" ? I.f32x4Splat : I.i32x4Splat);
      }
    } else if (shape === "contiguous") {
      const offset = this.pushAddress(level, steps);
      f.memory(I.v128Load, offset);
    } else if (shape === "index") {
      const stride = access.address.strides[level] ?? 0;
      const ok = this.condition(level, steps);
      this.pushPlain(level, steps, ok?.row ?? null);
      f.op(I.i32x4Splat)
        .v128([0, stride, 2 * stride, 3 * stride])
        .op(I.i32x4Add);
      if (ok !== null) f.v128([0, 0, 0, 0]).get(ok.local).op(I.select);
    } else {
      this.gather(level, steps);
    }
  }

  private gather(level: number, steps: number): void {
    const { f, access } = this;
    const lanes = f.local(VALUE.v128);
    if (access.origin.kind === "buffer") {
      for (const lane of LANES) {
        const offset = this.pushAddress(level, steps + lane);
        if (lane === 0) f.memory(I.v128Load32Zero, offset);
        else f.get(lanes).memoryLane(I.v128Load32Lane, lane, offset);
        f.set(lanes);
      }
      f.get(lanes);
      return;
    }
    f.v128([0, 0, 0, 0]).set(lanes);
    for (const lane of LANES) {
      f.get(lanes);
      this.scalar(level, steps + lane);
      f.lane(access.dtype === "f32" ? I.f32x4ReplaceLane : I.i32x4ReplaceLane, lane).set(lanes);
    }
    f.get(lanes);
  }

  /** Pushes the value of an access that touches no tensor. */
  private pushPlain(level: number, steps: number, row: number | null): void {
    const { f, access } = this;
    if (access.origin.kind === "constant") {
      if (access.dtype === "f32") f.f32Bits(access.origin.bits);
      else f.i32(access.origin.bits);
    } else if (access.origin.kind === "step") {
      f.globalGet(this.kernel.stepGlobal);
    } else {
      this.pushElement(level, steps, row);
    }
  }

  /**
   * Pushes the byte address (of the zero bytes when a check fails) and returns a constant to add to it in the load.
   */
  private pushAddress(level: number, steps: number): number {
    const { f, access } = this;
    if (access.origin.kind !== "buffer") throw new Error("no address: the access reads no tensor");
    const ahead = (access.address.strides[level] ?? 0) * steps;
    if (!this.conditional) {
      f.get(this.address.local);
      if (ahead >= 0) return ahead * 4;
      f.i32(ahead * 4).op(I.i32Add);
      return 0;
    }
    const ok = this.condition(level, steps);
    const row = ok?.row ?? null;
    let passes = ok?.local ?? null;
    const pointer = f.local(VALUE.i32);
    if (!access.checked) {
      f.get(this.address.local);
      if (ahead !== 0) f.i32(ahead * 4).op(I.i32Add);
      if (row !== null)
        f.get(row)
          .i32((access.lookup?.rowStride ?? 0) * 4)
          .op(I.i32Mul)
          .op(I.i32Add);
      f.set(pointer);
    } else {
      const inside = f.local(VALUE.i32);
      this.pushElement(level, steps, row);
      f.tee(pointer).i32(access.origin.elements).op(I.i32LtU).set(inside);
      f.get(this.kernel.base(access.origin.buffer))
        .get(pointer)
        .i32(2)
        .op(I.i32Shl)
        .op(I.i32Add)
        .set(pointer);
      if (passes !== null) f.get(passes).get(inside).op(I.i32And).set(inside);
      passes = inside;
    }
    if (passes === null) f.get(pointer);
    else f.get(pointer).i32(0).get(passes).op(I.select);
    return 0;
  }

  /** Pushes the address in elements. */
  private pushElement(level: number, steps: number, row: number | null): void {
    const { f, access } = this;
    f.get(this.address.local);
    const ahead = (access.address.strides[level] ?? 0) * steps;
    if (ahead !== 0) f.i32(ahead).op(I.i32Add);
    if (row !== null)
      f.get(row)
        .i32(access.lookup?.rowStride ?? 0)
        .op(I.i32Mul)
        .op(I.i32Add);
  }

  /** Computes whether guards and lookup pass (null: nothing to check) and the looked-up row. */
  private condition(
    level: number,
    steps: number,
  ): { readonly local: number; readonly row: number | null } | null {
    const { f } = this;
    if (this.guards.length === 0 && this.lookup === null) return null;
    const ok = f.local(VALUE.i32);
    let started = false;
    const both = (): void => {
      if (started) f.get(ok).op(I.i32And);
      f.set(ok);
      started = true;
    };
    for (const { cursor, limit } of this.guards) {
      f.get(cursor.local);
      const ahead = (cursor.strides[level] ?? 0) * steps;
      if (ahead !== 0) f.i32(ahead).op(I.i32Add);
      this.pushBelow(limit);
      both();
    }
    const { lookup } = this.access;
    if (lookup === null || this.lookup === null) return { local: ok, row: null };
    const row = f.local(VALUE.i32);
    f.get(this.lookup.local);
    const ahead = (this.lookup.strides[level] ?? 0) * steps;
    if (ahead !== 0) f.i32(ahead).op(I.i32Add);
    f.set(row);
    if (lookup.checked) {
      f.get(row);
      this.pushBelow(lookup.elements);
      both();
    }
    f.get(this.kernel.base(lookup.buffer)).get(row).i32(2).op(I.i32Shl).op(I.i32Add);
    if (started) f.i32(0).get(ok).op(I.select);
    f.memory(I.i32Load).tee(row);
    this.pushBelow(lookup.limit);
    both();
    return { local: ok, row };
  }

  /** Turns the i32 on the stack into 1 when it lies in `[0, limit)`. */
  private pushBelow(limit: number): void {
    this.f.i32(limit).op(I.i32LtU);
  }
}

/** The buffers an access touches. */
export const buffersOf = (access: Access): BufferRef[] => {
  const buffers: BufferRef[] = [];
  if (access.origin.kind === "buffer") buffers.push(access.origin.buffer);
  if (access.lookup !== null) buffers.push(access.lookup.buffer);
  return buffers;
};
