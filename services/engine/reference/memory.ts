import type { Words } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { DType, Operand, Source, TensorType } from "../ir/types.ts";
import type { OperandMemory, Values } from "./access.ts";

/** One tensor: its words, and the same memory as numbers. */
export interface Memory {
  readonly dtype: DType;
  readonly words: Words;
  readonly values: Values;
}

/** A view of words as a tensor; no copy. */
export function memoryOf(dtype: DType, words: Words): Memory {
  const values: Values =
    dtype === "f32"
      ? new Float32Array<ArrayBufferLike>(words.buffer, words.byteOffset, words.length)
      : new Int32Array<ArrayBufferLike>(words.buffer, words.byteOffset, words.length);
  return { dtype, words, values };
}

/** A tensor of zeros. */
export const allocate = (type: TensorType): Memory =>
  memoryOf(type.dtype, new Uint32Array(elements(type.shape)));

/** The memory behind a source; undefined for `index`. */
export type MemoryOf = (source: Source) => Memory | undefined;

/** What an operand reads. */
export const operandMemory = (operand: Operand, find: MemoryOf): OperandMemory => {
  const table = operand.indirection && find(operand.indirection.source)?.values;
  return {
    values: find(operand.source)?.values,
    table: table instanceof Int32Array ? table : undefined,
  };
};

/** The memory behind sources that are no tensors; undefined for `index`. */
export const scalarMemory = (source: Source, step: Memory): Memory | undefined => {
  if (source.kind === "step") return step;
  return source.kind === "immediate"
    ? memoryOf(source.dtype, Uint32Array.of(source.bits))
    : undefined;
};
