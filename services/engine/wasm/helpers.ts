import { FunctionBuilder } from "./function.ts";
import type { ModuleBuilder } from "./module.ts";
import { I, VALUE, type Instruction } from "./opcodes.ts";
import { permuteFunction } from "./permute.ts";
import { philoxFunction, philoxLanesFunction } from "./philox.ts";

const { i32 } = VALUE;

/** Indices of the shared functions of a module; each is added when first asked for. */
export interface Helpers {
  readonly idiv: () => number;
  readonly irem: () => number;
  readonly philox: () => number;
  readonly philoxLanes: () => number;
  readonly permute: () => number;
  /** `(address, words)`: rewrites every NaN in memory as 0x7fc00000. */
  readonly canonicalise: () => number;
}

export const helpersOf = (module: ModuleBuilder): Helpers => {
  const seed = { low: module.global("seedLow"), high: module.global("seedHigh") };
  return {
    idiv: () => module.helper("idiv", () => divisionFunction("idiv", I.i32DivS)),
    irem: () => module.helper("irem", () => divisionFunction("irem", I.i32RemS)),
    philox: () => module.helper("philox", () => philoxFunction(seed)),
    philoxLanes: () => module.helper("philoxLanes", () => philoxLanesFunction(seed)),
    permute: () => module.helper("permute", () => permuteFunction(seed)),
    canonicalise: () => module.helper("canonicalise", canonicaliseFunction),
  };
};

/** Division made total: by zero the quotient is 0 and the remainder `a`; −2³¹ / −1 wraps, its remainder is 0. */
const divisionFunction = (name: string, instruction: Instruction): FunctionBuilder => {
  const f = new FunctionBuilder(name, [i32, i32], [i32]);
  const quotient = instruction === I.i32DivS;
  f.get(1).op(I.i32Eqz);
  f.if(() => {
    if (quotient) f.i32(0).op(I.return);
    else f.get(0).op(I.return);
  });
  f.get(1).i32(-1).op(I.i32Eq);
  f.if(() => {
    f.i32(0);
    if (quotient) f.get(0).op(I.i32Sub);
    f.op(I.return);
  });
  return f.get(0).get(1).op(instruction);
};

const canonicaliseFunction = (): FunctionBuilder => {
  const f = new FunctionBuilder("canonicalise", [i32, i32]);
  const [address, words] = [0, 1];
  const rest = f.local(i32);
  const lanes = f.local(VALUE.v128);
  f.get(words).i32(3).op(I.i32And).set(rest);
  f.get(words).i32(2).op(I.i32ShrU).tee(words);
  f.if(() => {
    f.doWhile(() => {
      f.get(address).get(address).memory(I.v128Load).tee(lanes);
      f.v128([0x7fc00000, 0x7fc00000, 0x7fc00000, 0x7fc00000]);
      f.get(lanes).get(lanes).op(I.f32x4Eq).op(I.v128Bitselect).memory(I.v128Store);
      f.advance(address, 16);
      f.get(words).i32(1).op(I.i32Sub).tee(words);
    });
  });
  const value = f.local(VALUE.f32);
  f.get(rest);
  f.if(() => {
    f.doWhile(() => {
      f.get(address).get(address).memory(I.f32Load).tee(value).f32Bits(0x7fc00000);
      f.get(value).get(value).op(I.f32Eq).op(I.select).memory(I.f32Store);
      f.advance(address, 4);
      f.get(rest).i32(1).op(I.i32Sub).tee(rest);
    });
  });
  return f;
};
