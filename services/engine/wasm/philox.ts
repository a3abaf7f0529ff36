import { FunctionBuilder } from "./function.ts";
import { I, VALUE } from "./opcodes.ts";

/** Philox4x32-10 as in `ir/philox.ts`. */
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** Globals with the job's seed. */
export interface SeedGlobals {
  readonly low: number;
  readonly high: number;
}

const { i32, i64, v128 } = VALUE;

const pushKey = (f: FunctionBuilder, seed: SeedGlobals, which: 0 | 1, round: number): void => {
  f.globalGet(which === 0 ? seed.low : seed.high);
  if (round > 0) f.i32(Math.imul(round, WEYL[which])).op(I.i32Add);
};

/** `(element, step, stream) → word`. */
export const philoxFunction = (seed: SeedGlobals): FunctionBuilder => {
  const f = new FunctionBuilder("philox", [i32, i32, i32], [i32]);
  const c = [f.local(i32), 1, 2, f.local(i32)] as const;
  const low = [f.local(i32), f.local(i32)] as const;
  const high = [f.local(i32), f.local(i32)] as const;
  const product = f.local(i64);
  f.get(0).i32(2).op(I.i32ShrU).set(c[0]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of [0, 1] as const) {
      f.get(c[side === 0 ? 0 : 2]).op(I.i64ExtendI32U);
      f.i32(MULTIPLIERS[side]).op(I.i64ExtendI32U).op(I.i64Mul).tee(product);
      f.op(I.i32WrapI64).set(low[side]);
      f.get(product).i64(32).op(I.i64ShrU).op(I.i32WrapI64).set(high[side]);
    }
    f.get(high[1]).get(c[1]).op(I.i32Xor);
    pushKey(f, seed, 0, round);
    f.op(I.i32Xor).set(c[0]);
    f.get(high[0]).get(c[3]).op(I.i32Xor);
    pushKey(f, seed, 1, round);
    f.op(I.i32Xor).set(c[2]);
    f.get(low[1]).set(c[1]);
    f.get(low[0]).set(c[3]);
  }
  f.get(c[0]).get(c[1]).get(0).i32(1).op(I.i32And).op(I.i32Eqz).op(I.select);
  f.get(c[2]).get(c[3]).get(0).i32(1).op(I.i32And).op(I.i32Eqz).op(I.select);
  return f.get(0).i32(2).op(I.i32And).op(I.i32Eqz).op(I.select);
};

/** The same on four lanes. */
export const philoxLanesFunction = (seed: SeedGlobals): FunctionBuilder => {
  const f = new FunctionBuilder("philoxLanes", [v128, v128, v128], [v128]);
  const c = [f.local(v128), 1, 2, f.local(v128)] as const;
  const low = [f.local(v128), f.local(v128)] as const;
  const high = [f.local(v128), f.local(v128)] as const;
  const [even, odd] = [f.local(v128), f.local(v128)];
  f.get(0).i32(2).op(I.i32x4ShrU).set(c[0]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of [0, 1] as const) {
      const multiplier = MULTIPLIERS[side];
      for (const [half, target] of [
        [I.i64x2ExtmulLowI32x4U, even],
        [I.i64x2ExtmulHighI32x4U, odd],
      ] as const) {
        f.get(c[side === 0 ? 0 : 2]).v128([multiplier, multiplier, multiplier, multiplier]);
        f.op(half).set(target);
      }
      f.get(even).get(odd).shuffle([0, 2, 4, 6]).set(low[side]);
      f.get(even).get(odd).shuffle([1, 3, 5, 7]).set(high[side]);
    }
    f.get(high[1]).get(c[1]).op(I.v128Xor);
    pushKey(f, seed, 0, round);
    f.op(I.i32x4Splat).op(I.v128Xor).set(c[0]);
    f.get(high[0]).get(c[3]).op(I.v128Xor);
    pushKey(f, seed, 1, round);
    f.op(I.i32x4Splat).op(I.v128Xor).set(c[2]);
    f.get(low[1]).set(c[1]);
    f.get(low[0]).set(c[3]);
  }
  const pushBit = (bit: number): void => {
    f.get(0).v128([bit, bit, bit, bit]).op(I.v128And).v128([0, 0, 0, 0]).op(I.i32x4Eq);
  };
  f.get(c[0]).get(c[1]);
  pushBit(1);
  f.op(I.v128Bitselect).get(c[2]).get(c[3]);
  pushBit(1);
  f.op(I.v128Bitselect);
  pushBit(2);
  return f.op(I.v128Bitselect);
};
