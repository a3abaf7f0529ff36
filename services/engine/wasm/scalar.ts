import type { PrimitiveName } from "../ir/primitives.ts";
import type { FunctionBuilder } from "./function.ts";
import type { Helpers } from "./helpers.ts";
import { I, type Instruction } from "./opcodes.ts";

/** Instructions that compute a primitive from the operands pushed in order. */
const DIRECT: Partial<Record<PrimitiveName, Instruction>> = {
  add: I.f32Add,
  sub: I.f32Sub,
  mul: I.f32Mul,
  div: I.f32Div,
  sqrt: I.f32Sqrt,
  min: I.f32Min,
  max: I.f32Max,
  neg: I.f32Neg,
  abs: I.f32Abs,
  lt: I.f32Lt,
  le: I.f32Le,
  eq: I.f32Eq,
  f32ToI32: I.i32TruncSatF32S,
  i32ToF32: I.f32ConvertI32S,
  fromBits: I.f32ReinterpretI32,
  iadd: I.i32Add,
  isub: I.i32Sub,
  imul: I.i32Mul,
  iand: I.i32And,
  ior: I.i32Or,
  ixor: I.i32Xor,
  shl: I.i32Shl,
  shrS: I.i32ShrS,
  shrU: I.i32ShrU,
  ilt: I.i32LtS,
  ieq: I.i32Eq,
  sum: I.f32Add,
  maximum: I.f32Max,
  minimum: I.f32Min,
  isum: I.i32Add,
};

const CALLED = ["idiv", "irem", "philox", "permute"] as const;
export type CalledPrimitive = (typeof CALLED)[number];
export const isCalled = (name: PrimitiveName): name is CalledPrimitive =>
  (CALLED as readonly PrimitiveName[]).includes(name);

/**
 * Leaves the primitive of the operands (locals) on the stack. A fold's accumulator comes first. NaN results keep
 * whatever bits the machine gives: only `bitsOf` and the read-out make them visible.
 */
export const emitScalar = (
  f: FunctionBuilder,
  helpers: Helpers,
  name: PrimitiveName,
  args: readonly number[],
): void => {
  const [a = 0, b = 0, c = 0] = args;
  const direct = DIRECT[name];
  if (direct !== undefined) {
    for (const arg of args) f.get(arg);
    f.op(direct);
  } else if (name === "copy") {
    f.get(a);
  } else if (name === "mulAdd") {
    f.get(a).get(b).get(c).op(I.f32Mul).op(I.f32Add);
  } else if (name === "select") {
    f.get(b).get(c).get(a).op(I.select);
  } else if (name === "bitsOf") {
    f.get(a).op(I.i32ReinterpretF32).i32(0x7fc00000).get(a).get(a).op(I.f32Eq).op(I.select);
  } else if (isCalled(name)) {
    for (const arg of args) f.get(arg);
    f.call(helpers[name]());
  } else {
    throw new Error(`no scalar code for the primitive ${name}`);
  }
};
