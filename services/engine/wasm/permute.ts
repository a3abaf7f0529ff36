import { FunctionBuilder } from "./function.ts";
import { I, VALUE } from "./opcodes.ts";
import type { SeedGlobals } from "./philox.ts";

const { i32 } = VALUE;
const WALKS = 64;

/** Hash on the stack, word in `word`: one round of the finaliser of `ir/permute.ts`. */
const absorb = (f: FunctionBuilder, hash: number, pushWord: () => void): void => {
  f.get(hash);
  pushWord();
  f.op(I.i32Xor).i32(0x9e3779b9).op(I.i32Add).set(hash);
  const shiftIn = (count: number): void => {
    f.get(hash).get(hash).i32(count).op(I.i32ShrU).op(I.i32Xor);
  };
  shiftIn(16);
  f.i32(0x85ebca6b).op(I.i32Mul).set(hash);
  shiftIn(13);
  f.i32(0xc2b2ae35).op(I.i32Mul).set(hash);
  shiftIn(16);
  f.set(hash);
};

/** `(p, n, epoch) → position`: the Feistel walk of `ir/permute.ts`. */
export const permuteFunction = (seed: SeedGlobals): FunctionBuilder => {
  const f = new FunctionBuilder("permute", [i32, i32, i32], [i32]);
  const [p, n, epoch] = [0, 1, 2];
  const [a, b, x, left, right] = [
    f.local(i32),
    f.local(i32),
    f.local(i32),
    f.local(i32),
    f.local(i32),
  ];
  const [hash, walk] = [f.local(i32), f.local(i32)];
  // n ≤ 0, p < 0 and p ≥ n at once: below zero both are huge as u32, and n ≤ 0 leaves no p in [0, n).
  f.get(n).i32(0).op(I.i32LeS).get(p).get(n).op(I.i32GeU).op(I.i32Or);
  f.if(() => f.i32(0).op(I.return));
  f.get(n).op(I.f64ConvertI32S).op(I.f64Sqrt).op(I.f64Ceil).op(I.i32TruncSatF64S).set(a);
  f.get(n).i32(1).op(I.i32Sub).get(a).op(I.i32DivU).i32(1).op(I.i32Add).set(b);
  f.get(p).set(x);
  f.i32(WALKS).set(walk);

  const mix = (round: number, moved: number, half: number, modulus: number): void => {
    f.globalGet(seed.low).set(hash);
    absorb(f, hash, () => f.globalGet(seed.high));
    absorb(f, hash, () => f.get(epoch));
    absorb(f, hash, () => f.i32(round));
    absorb(f, hash, () => f.get(half));
    f.get(moved)
      .get(hash)
      .get(modulus)
      .op(I.i32RemU)
      .op(I.i32Add)
      .get(modulus)
      .op(I.i32RemU)
      .set(moved);
  };
  f.doWhile(() => {
    f.get(x).get(b).op(I.i32DivU).set(left);
    f.get(x).get(b).op(I.i32RemU).set(right);
    for (const round of [0, 2]) {
      mix(round, left, right, a);
      mix(round + 1, right, left, b);
    }
    f.get(left).get(b).op(I.i32Mul).get(right).op(I.i32Add).tee(x);
    f.get(n).op(I.i32LtU);
    f.if(() => f.get(x).op(I.return));
    f.get(walk).i32(1).op(I.i32Sub).tee(walk);
  });
  return f.get(p);
};
