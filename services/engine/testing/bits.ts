/** Elements that arithmetic gets wrong first. */
import { elements } from "../ir/shape.ts";
import type { DType, TensorType } from "../ir/types.ts";
import type { Random } from "./random.ts";

/** Zeros, subnormals and their edges, ones and neighbours, ties, extremes, infinities, NaN with payloads and signs. */
const FLOAT_BITS = [
  0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000, 0x80800000,
  0x00800001, 0x3f800000, 0xbf800000, 0x3f7fffff, 0x3f800001, 0x33800000, 0x34000000, 0x4b7fffff,
  0x4b800000, 0x4b800001, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x5f3504f3, 0x1fb504f3,
  0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xff812345,
  0x7fffffff,
] as const;

const INTEGER_BITS = [
  0, 1, 2, 3, 7, 31, 32, 33, 255, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0xfffffffe,
  0xffffffe0, 0x00ffffff, 0x01000001, 0x7fffffbf, 0x7fc00000, 0x7f800001,
] as const;

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

function ordinary(random: Random): number {
  float[0] = (random.integer(-1000, 1000) / 256) * 2 ** random.integer(-3, 3);
  return word[0] as number;
}

/** 32 bits of an element: hostile, quite random, or an ordinary value (i32: mostly a small index). */
export function elementBits(random: Random, dtype: DType): number {
  const kind = random.integer(0, 7);
  if (dtype === "f32") {
    if (kind < 2) return random.pick(FLOAT_BITS);
    return kind < 3 ? random.bits() : ordinary(random);
  }
  if (kind < 1) return random.pick(INTEGER_BITS);
  return kind < 2 ? random.bits() : random.integer(-2, 12) >>> 0;
}

/** A tensor of such elements. `tame` keeps to ordinary finite values and in-range indices. */
export function randomWords(
  random: Random,
  type: TensorType,
  tame = false,
): Uint32Array<ArrayBuffer> {
  const make = (): number => {
    if (!tame) return elementBits(random, type.dtype);
    return type.dtype === "f32" ? ordinary(random) : random.integer(0, 3);
  };
  return Uint32Array.from({ length: elements(type.shape) }, make);
}
