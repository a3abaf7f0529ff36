import type { Words } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { DType, TensorType } from "../ir/types.ts";
import type { Values } from "./access.ts";

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
