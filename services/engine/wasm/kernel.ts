import { bufferKey, type BufferRef } from "./access.ts";

/** How a kernel computes its elements. */
export type KernelPath = "contraction" | "vector" | "scalar";

/** A compiled function of one group. Its parameters are the byte addresses of `buffers`, then of the scratch memory. */
export interface Kernel {
  readonly ops: readonly number[];
  readonly function: number;
  readonly buffers: readonly BufferRef[];
  /** Bytes of scratch memory; 0 when the function takes no scratch parameter. */
  readonly scratch: number;
  readonly path: KernelPath;
  /** Every thread runs a part of it; otherwise one thread runs all. */
  readonly divided: boolean;
  /** What keeps it from full speed: operands gathered and primitives computed lane by lane. */
  readonly notes: readonly string[];
}

/** Hands out parameter numbers to buffers in order of first use. */
export class BufferParameters {
  readonly buffers: BufferRef[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(buffers: readonly BufferRef[]) {
    for (const buffer of buffers) {
      const key = bufferKey(buffer);
      if (!this.numbers.has(key)) this.numbers.set(key, this.buffers.push(buffer) - 1);
    }
  }

  of(buffer: BufferRef): number {
    const number = this.numbers.get(bufferKey(buffer));
    if (number === undefined) throw new Error(`${bufferKey(buffer)} is not a parameter`);
    return number;
  }
}
