/**
 * The closed table of scalar primitives: all that a program can compute, and all that the referee contract has
 * to know. Arithmetic is IEEE-754 binary32, round to nearest even, subnormals kept, no fused multiply-add; every f32
 * result that is NaN is `0x7fc00000`; i32 is two's complement with wrap-around. Every primitive is total.
 */
import type { DType } from "./types.ts";

export interface Primitive<Name extends string = string> {
  readonly opcode: number;
  readonly name: Name;
  readonly form: "map" | "fold";
  /** Operand types; a fold's accumulator is not listed and has the result's type. `any`: same as the result. */
  readonly operands: readonly (DType | "any")[];
  readonly result: DType | "any";
  /** Work units of one evaluation (frozen with the numerics version; the market's unit of account). */
  readonly weight: number;
}

const map = <const Name extends string>(
  opcode: number,
  name: Name,
  operands: Primitive["operands"],
  result: Primitive["result"],
  weight: number,
): Primitive<Name> => ({ opcode, name, form: "map", operands, result, weight });

const fold = <const Name extends string>(
  opcode: number,
  name: Name,
  operands: Primitive["operands"],
  result: Primitive["result"],
  weight: number,
): Primitive<Name> => ({ opcode, name, form: "fold", operands, result, weight });

export const PRIMITIVES = [
  map(0x01, "copy", ["any"], "any", 1),
  map(0x02, "add", ["f32", "f32"], "f32", 1),
  map(0x03, "sub", ["f32", "f32"], "f32", 1),
  map(0x04, "mul", ["f32", "f32"], "f32", 1),
  map(0x05, "div", ["f32", "f32"], "f32", 4),
  map(0x06, "sqrt", ["f32"], "f32", 4),
  /** IEEE 754-2019 minimum / maximum: NaN if either is NaN, −0 below +0. */
  map(0x07, "min", ["f32", "f32"], "f32", 1),
  map(0x08, "max", ["f32", "f32"], "f32", 1),
  /** Flips the sign bit, clears the sign bit (NaN stays the canonical NaN). */
  map(0x09, "neg", ["f32"], "f32", 1),
  map(0x0a, "abs", ["f32"], "f32", 1),
  /** Comparisons give i32 1 or 0; any comparison with NaN gives 0; −0 equals +0. */
  map(0x0b, "lt", ["f32", "f32"], "i32", 1),
  map(0x0c, "le", ["f32", "f32"], "i32", 1),
  map(0x0d, "eq", ["f32", "f32"], "i32", 1),
  /** `c ≠ 0 ? a : b`. */
  map(0x0e, "select", ["i32", "any", "any"], "any", 1),
  /** Toward zero, saturating, NaN gives 0; nearest even. */
  map(0x0f, "f32ToI32", ["f32"], "i32", 1),
  map(0x10, "i32ToF32", ["i32"], "f32", 1),
  /** Bits of an f32 (any NaN reads as 0x7fc00000); f32 of bits (any NaN pattern gives 0x7fc00000). */
  map(0x11, "bitsOf", ["f32"], "i32", 1),
  map(0x12, "fromBits", ["i32"], "f32", 1),
  map(0x13, "iadd", ["i32", "i32"], "i32", 1),
  map(0x14, "isub", ["i32", "i32"], "i32", 1),
  map(0x15, "imul", ["i32", "i32"], "i32", 1),
  /** Signed, toward zero; division by zero gives 0, −2³¹ / −1 wraps to −2³¹. */
  map(0x16, "idiv", ["i32", "i32"], "i32", 4),
  /** `a − idiv(a, b)·b`; so a remainder by zero gives `a`, and −2³¹ rem −1 gives 0. */
  map(0x17, "irem", ["i32", "i32"], "i32", 4),
  map(0x18, "iand", ["i32", "i32"], "i32", 1),
  map(0x19, "ior", ["i32", "i32"], "i32", 1),
  map(0x1a, "ixor", ["i32", "i32"], "i32", 1),
  /** Shift counts are taken modulo 32. */
  map(0x1b, "shl", ["i32", "i32"], "i32", 1),
  map(0x1c, "shrS", ["i32", "i32"], "i32", 1),
  map(0x1d, "shrU", ["i32", "i32"], "i32", 1),
  map(0x1e, "ilt", ["i32", "i32"], "i32", 1),
  map(0x1f, "ieq", ["i32", "i32"], "i32", 1),
  /**
   * 32 random bits: word `element & 3` of Philox4x32-10 with counter `(element >>> 2, step, stream, 0)` and
   * key = (low, high) word of the job's seed. Operands: element, step, stream.
   */
  map(0x20, "philox", ["i32", "i32", "i32"], "i32", 16),
  /** Position `p` of `[0, n)` under the epoch's permutation (see `permute.ts`). Operands: p, n, epoch. */
  map(0x21, "permute", ["i32", "i32", "i32"], "i32", 16),

  /** `acc + x·y`, rounded after the multiply and after the add. */
  fold(0x40, "mulAdd", ["f32", "f32"], "f32", 2),
  fold(0x41, "sum", ["f32"], "f32", 1),
  fold(0x42, "maximum", ["f32"], "f32", 1),
  fold(0x43, "minimum", ["f32"], "f32", 1),
  fold(0x44, "isum", ["i32"], "i32", 1),
] as const satisfies readonly Primitive[];

export type PrimitiveName = (typeof PRIMITIVES)[number]["name"];

const byOpcode = new Map<number, Primitive<PrimitiveName>>(PRIMITIVES.map((p) => [p.opcode, p]));
const byName = new Map<string, Primitive<PrimitiveName>>(PRIMITIVES.map((p) => [p.name, p]));

/** The primitive with this opcode, or undefined: the checker rejects such a program. */
export const primitiveAt = (opcode: number): Primitive<PrimitiveName> | undefined =>
  byOpcode.get(opcode);

/** The primitive of this name. */
export const primitive = (name: PrimitiveName): Primitive<PrimitiveName> =>
  byName.get(name) as Primitive<PrimitiveName>;

/** Work units of moving one 4-byte word (see `units.ts`). */
export const WORD_WEIGHT = 1;
