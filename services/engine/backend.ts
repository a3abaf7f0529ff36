/** What every back end offers, so that they can be run against each other bit for bit. */
import type { Program } from "./ir/types.ts";

/**
 * Raw elements of a tensor: 32-bit words, so that hostile bit patterns (NaN payloads, −0, subnormals) survive.
 * f32 tensors hold the binary32 bits.
 */
export type Words = Uint32Array<ArrayBuffer> | Uint32Array<SharedArrayBuffer>;

/**
 * Where a column of a data set lies in a file: little-endian words without a gap, as safetensors has them. A plain object, so that
 * threads can be given it; whoever reads it opens it.
 */
export interface FileColumn {
  readonly path: string;
  /** Byte at which the first element begins. */
  readonly begin: number;
  /** Elements. */
  readonly length: number;
}

export type Column = Words | FileColumn;

export interface Inputs {
  /** One per `program.data`, in order. Columns in files need not fit into memory. */
  readonly data: readonly Column[];
  /** One per `program.parent`, in order. */
  readonly parent: readonly Words[];
  /** The job's seed, 64 bits. */
  readonly seed: bigint;
}

/** Inputs of which all is in memory. */
export interface InputsInMemory extends Inputs {
  readonly data: readonly Words[];
}

/** A program prepared on one back end. Not re-entrant. */
export interface Execution {
  /** Steps done so far: the number of the next step. */
  readonly position: number;
  /** Runs the `init` ops and goes to step 0. */
  init(): void;
  /** Takes over a state (one entry per state tensor) that is due at step `position`. */
  load(state: readonly Words[], position: number): void;
  /** Runs `count` steps. */
  run(count: number): void;
  /** Copies of the state tensors, every NaN canonical (0x7fc00000). */
  state(): Words[];
  /** Copy of one state tensor. */
  read(index: number): Words;
  /** Runs the `eval` ops on the present state; one entry per `program.outputs`, every NaN canonical. */
  evaluate(): Words[];
  /** Frees threads and memory. */
  close(): void;
}

export interface Backend {
  readonly name: string;
  prepare(program: Program, inputs: Inputs): Promise<Execution>;
}
