/** Between 32-bit patterns and numbers. Every NaN pattern reads as NaN, and NaN is written as 0x7fc00000. */
import type { DType } from "../ir/types.ts";

export const CANONICAL_NAN = 0x7fc00000;

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The f32 with these bits. */
export function floatOf(bits: number): number {
  word[0] = bits;
  return float[0] as number;
}

/** Bits (u32) of a number that is an f32 value. */
export function bitsOf(value: number): number {
  if (Number.isNaN(value)) return CANONICAL_NAN;
  float[0] = value;
  return word[0] as number;
}

/** Number of a pattern, per element type. */
export const decodeBits = (bits: number, dtype: DType): number =>
  dtype === "f32" ? floatOf(bits) : bits | 0;

/** Pattern (u32) of a number, per element type. */
export const encodeBits = (value: number, dtype: DType): number =>
  dtype === "f32" ? bitsOf(value) : value >>> 0;

/** Rewrites every NaN of f32 words as 0x7fc00000, in place. */
export function canonicalise(words: Uint32Array): void {
  for (let i = 0; i < words.length; i++) {
    if (((words[i] as number) & 0x7fffffff) > 0x7f800000) words[i] = CANONICAL_NAN;
  }
}
