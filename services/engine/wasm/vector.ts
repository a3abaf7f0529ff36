import type { PrimitiveName } from "../ir/primitives.ts";
import type { FunctionBuilder } from "./function.ts";
import type { Helpers } from "./helpers.ts";
import { I, VALUE, type Instruction } from "./opcodes.ts";
import { emitScalar } from "./scalar.ts";

/** Instructions that compute a primitive on four lanes from the operands pushed in order. */
const DIRECT: Partial<Record<PrimitiveName, Instruction>> = {
  add: I.f32x4Add,
  sub: I.f32x4Sub,
  mul: I.f32x4Mul,
  div: I.f32x4Div,
  sqrt: I.f32x4Sqrt,
  min: I.f32x4Min,
  max: I.f32x4Max,
  neg: I.f32x4Neg,
  abs: I.f32x4Abs,
  lt: I.f32x4Lt,
  le: I.f32x4Le,
  eq: I.f32x4Eq,
  f32ToI32: I.i32x4TruncSatF32x4S,
  i32ToF32: I.f32x4ConvertI32x4S,
  iadd: I.i32x4Add,
  isub: I.i32x4Sub,
  imul: I.i32x4Mul,
  iand: I.v128And,
  ior: I.v128Or,
  ixor: I.v128Xor,
  ilt: I.i32x4LtS,
  ieq: I.i32x4Eq,
  sum: I.f32x4Add,
  maximum: I.f32x4Max,
  minimum: I.f32x4Min,
  isum: I.i32x4Add,
};

const SHIFT: Partial<Record<PrimitiveName, Instruction>> = {
  shl: I.i32x4Shl,
  shrS: I.i32x4ShrS,
  shrU: I.i32x4ShrU,
};

const MASKED: readonly PrimitiveName[] = ["lt", "le", "eq", "ilt", "ieq"];

/** Comparisons leave all-ones lanes for true; see {@link maskToInteger}. */
export const givesMask = (name: PrimitiveName): boolean => MASKED.includes(name);

/** Turns a mask on the stack into 1 and 0. */
export const maskToInteger = (f: FunctionBuilder): void => {
  f.i32(31).op(I.i32x4ShrU);
};

export interface VectorArg {
  readonly local: number;
  /** The lanes are a comparison's all-ones or zero. Only `select`'s condition may come like this. */
  readonly mask: boolean;
  /** All four lanes are this constant. */
  readonly constant: number | null;
}

/** True when the primitive has to be computed lane by lane. */
export const isLanewise = (name: PrimitiveName, constants: readonly (number | null)[]): boolean =>
  name === "idiv" ||
  name === "irem" ||
  name === "permute" ||
  (SHIFT[name] !== undefined && constants[1] === null);

/** Leaves four lanes of the primitive on the stack. A fold's accumulator comes first. */
export const emitVector = (
  f: FunctionBuilder,
  helpers: Helpers,
  name: PrimitiveName,
  args: readonly VectorArg[],
): void => {
  const [a = 0, b = 0, c = 0] = args.map((arg) => arg.local);
  const direct = DIRECT[name];
  const bound = boundedBy(name, args);
  const shift = SHIFT[name];
  const count = args[1]?.constant ?? null;
  if (bound !== null) {
    f.get(bound.value).get(bound.limit).op(bound.instruction);
    if (bound.unsigned) f.get(bound.limit).op(I.f32x4Add);
  } else if (direct !== undefined) {
    for (const arg of args) f.get(arg.local);
    f.op(direct);
  } else if (name === "copy" || name === "fromBits") {
    f.get(a);
  } else if (name === "mulAdd") {
    f.get(a).get(b).get(c).op(I.f32x4Mul).op(I.f32x4Add);
  } else if (name === "select") {
    if (args[0]?.mask === true) f.get(b).get(c).get(a).op(I.v128Bitselect);
    else f.get(c).get(b).get(a).v128([0, 0, 0, 0]).op(I.i32x4Eq).op(I.v128Bitselect);
  } else if (name === "bitsOf") {
    f.get(a)
      .v128([0x7fc00000, 0x7fc00000, 0x7fc00000, 0x7fc00000])
      .get(a)
      .get(a)
      .op(I.f32x4Eq)
      .op(I.v128Bitselect);
  } else if (shift !== undefined && count !== null) {
    f.get(a).i32(count).op(shift);
  } else if (name === "philox") {
    f.get(a).get(b).get(c).call(helpers.philoxLanes());
  } else if (isLanewise(name, [null, count])) {
    lanewise(f, helpers, name, args);
  } else {
    throw new Error(`no vector code for the primitive ${name}`);
  }
};

interface Bounded {
  readonly value: number;
  readonly limit: number;
  readonly instruction: Instruction;
  /** The result still has to lose the sign of a zero. */
  readonly unsigned: boolean;
}

/**
 * `min` and `max` with a constant, as one or two machine instructions: `pmin(x, c)` is `c < x ? c : x`, which is the
 * IEEE minimum for every x (NaN and ±0 included) unless c is NaN or −0; `pmax` likewise unless c is NaN or +0. With
 * c = +0 (ReLU) `pmax` leaves a −0, which adding +0 turns into +0.
 */
const boundedBy = (name: PrimitiveName, args: readonly VectorArg[]): Bounded | null => {
  if (name !== "min" && name !== "max") return null;
  const [a, b] = args;
  if (a === undefined || b === undefined) return null;
  for (const [value, limit] of [
    [a, b],
    [b, a],
  ] as const) {
    const bits = limit.constant;
    if (bits === null || isNaNBits(bits) || (name === "min" && bits === 0x80000000)) continue;
    return {
      value: value.local,
      limit: limit.local,
      instruction: name === "min" ? I.f32x4Pmin : I.f32x4Pmax,
      unsigned: name === "max" && bits === 0,
    };
  }
  return null;
};

const isNaNBits = (bits: number): boolean => (bits & 0x7fffffff) > 0x7f800000;

/** Every such primitive takes and gives i32. */
const lanewise = (
  f: FunctionBuilder,
  helpers: Helpers,
  name: PrimitiveName,
  args: readonly VectorArg[],
): void => {
  const result = f.local(VALUE.v128);
  const scalars = args.map(() => f.local(VALUE.i32));
  f.v128([0, 0, 0, 0]).set(result);
  for (let lane = 0; lane < 4; lane++) {
    args.forEach((arg, i) =>
      f
        .get(arg.local)
        .lane(I.i32x4ExtractLane, lane)
        .set(scalars[i] ?? 0),
    );
    f.get(result);
    emitScalar(f, helpers, name, scalars);
    f.lane(I.i32x4ReplaceLane, lane).set(result);
  }
  f.get(result);
};
