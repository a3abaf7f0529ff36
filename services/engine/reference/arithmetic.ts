/**
 * The primitives on numbers: f32 values as JavaScript numbers, i32 as integers. binary64 keeps more than twice the
 * bits of binary32, so rounding its result once with `Math.fround` is exact for + − × ÷ √ (Figueroa, "When is double
 * rounding innocuous?", 1995).
 */
import { permute } from "../ir/permute.ts";
import { philoxWord } from "../ir/philox.ts";
import type { PrimitiveName } from "../ir/primitives.ts";
import { bitsOf, floatOf } from "./bits.ts";

/** The job's seed as two u32 words. */
export interface SeedWords {
  readonly low: number;
  readonly high: number;
}

/** Splits a 64-bit seed. */
export const seedWords = (seed: bigint): SeedWords => ({
  low: Number(seed & 0xffffffffn),
  high: Number((seed >> 32n) & 0xffffffffn),
});

/** `f(x0, x1, x2)` of a map; operands that the primitive does not have are 0. */
export type MapFunction = (x: number, y: number, z: number, seed: SeedWords) => number;

/** `g(acc, x0, x1)` of a fold. */
export type FoldFunction = (acc: number, x: number, y: number) => number;

const { fround } = Math;
const idiv = (a: number, b: number): number => (b === 0 ? 0 : Math.trunc(a / b) | 0);

/** Saturates; NaN and everything in (−1, 1) give 0. */
function toI32(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.trunc(Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1)) | 0;
}

type MapName = Exclude<PrimitiveName, FoldName>;
type FoldName = "mulAdd" | "sum" | "maximum" | "minimum" | "isum";

/** `Math.min` and `Math.max` are IEEE 754-2019 minimum and maximum: NaN wins, −0 is below +0. */
export const MAP_FUNCTIONS: Readonly<Record<MapName, MapFunction>> = {
  copy: (x) => x,
  add: (x, y) => fround(x + y),
  sub: (x, y) => fround(x - y),
  mul: (x, y) => fround(x * y),
  div: (x, y) => fround(x / y),
  sqrt: (x) => fround(Math.sqrt(x)),
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  neg: (x) => -x,
  abs: (x) => Math.abs(x),
  lt: (x, y) => (x < y ? 1 : 0),
  le: (x, y) => (x <= y ? 1 : 0),
  eq: (x, y) => (x === y ? 1 : 0),
  select: (c, x, y) => (c === 0 ? y : x),
  f32ToI32: (x) => toI32(x),
  i32ToF32: (x) => fround(x),
  bitsOf: (x) => bitsOf(x) | 0,
  fromBits: (x) => floatOf(x),
  iadd: (x, y) => (x + y) | 0,
  isub: (x, y) => (x - y) | 0,
  imul: (x, y) => Math.imul(x, y),
  idiv,
  irem: (x, y) => (x - Math.imul(idiv(x, y), y)) | 0,
  iand: (x, y) => x & y,
  ior: (x, y) => x | y,
  ixor: (x, y) => x ^ y,
  shl: (x, y) => x << y,
  shrS: (x, y) => x >> y,
  shrU: (x, y) => (x >>> y) | 0,
  ilt: (x, y) => (x < y ? 1 : 0),
  ieq: (x, y) => (x === y ? 1 : 0),
  philox: (element, step, stream, seed) => philoxWord(element, step, stream, seed.low, seed.high),
  permute: (p, n, epoch, seed) => permute(p, n, epoch, seed.low, seed.high),
};

export const FOLD_FUNCTIONS: Readonly<Record<FoldName, FoldFunction>> = {
  mulAdd: (acc, x, y) => fround(acc + fround(x * y)),
  sum: (acc, x) => fround(acc + x),
  maximum: (acc, x) => Math.max(acc, x),
  minimum: (acc, x) => Math.min(acc, x),
  isum: (acc, x) => (acc + x) | 0,
};

/** The function of a map primitive by name. */
export const mapFunction = (name: PrimitiveName): MapFunction => MAP_FUNCTIONS[name as MapName];

/** The function of a fold primitive by name. */
export const foldFunction = (name: PrimitiveName): FoldFunction => FOLD_FUNCTIONS[name as FoldName];
