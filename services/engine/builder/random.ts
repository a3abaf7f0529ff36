/**
 * Counter-based randomness: word `element` of Philox4x32-10 under the job's seed, the step and a stream. A stream's
 * number is a hash of its name, so a new random op elsewhere moves no other op's numbers.
 */
import type { Shape } from "../ir/types.ts";
import { rowMajor } from "./access.ts";
import {
  add,
  integerAdd,
  integerDiv,
  integerLess,
  integerMul,
  mul,
  neg,
  remainder,
  select,
  shiftRightZeros,
  sqrt,
  square,
  sub,
  toReal,
} from "./elementwise.ts";
import { log, sinPi } from "./functions.ts";
import {
  affine,
  elementNumber,
  type F32,
  graphError,
  type I32,
  integer,
  iota,
  mapOf,
  stepNumber,
} from "./graph.ts";
import { broadcastTo } from "./views.ts";

/** 32 random bits an element, fresh at every step; `element` numbers the words of the stream. */
export const randomBits = (stream: number, element: I32): I32 =>
  mapOf("philox", "i32", element.shape, [
    element,
    broadcastTo(stepNumber(), element.shape),
    integer(stream, element.shape),
  ]);

/** The upper 24 bits as a number in [0, 1), all values equally likely. */
const unit = (bits: I32): F32 => mul(toReal(shiftRightZeros(bits, 8)), 2 ** -24);

export interface UniformOptions {
  readonly low?: number;
  readonly high?: number;
}

/** Uniform in [low, high) (up to the last rounding); multiples of (high − low)·2⁻²⁴ above `low`. */
export const uniform = (stream: number, shape: Shape, options: UniformOptions = {}): F32 => {
  const { low = 0, high = 1 } = options;
  const bits = shiftRightZeros(randomBits(stream, elementNumber(shape)), 8);
  return add(mul(toReal(bits), (high - low) * 2 ** -24), low);
};

/**
 * Standard normal by Box and Muller (1958): √(−2 ln u)·cos(2πv), u in (0, 1], v in [0, 1), from words 2i and 2i + 1;
 * cos(2πv) = 2 sin²(π(v − ½)) − 1. Largest magnitude 5.77.
 */
export const normal = (stream: number, shape: Shape, deviation = 1): F32 => {
  const strides = rowMajor(shape).map((s) => 2 * s);
  const word = (offset: number): I32 => randomBits(stream, affine(shape, { offset, strides }));
  const u = mul(toReal(integerAdd(shiftRightZeros(word(0), 8), 1)), 2 ** -24);
  const v = sub(unit(word(1)), 0.5);
  const radius = sqrt(mul(neg(log(u)), 2));
  const cosine = sub(mul(square(sinPi(v)), 2), 1);
  return mul(mul(radius, cosine), deviation);
};

/**
 * Zero with probability `rate`, else x/(1 − rate), drawn anew each step (Srivastava et al., 2014, inverted form). The
 * rate is rounded to a multiple of 2⁻²⁴.
 */
export const dropout = (stream: number, x: F32, rate: number): F32 => {
  if (!(rate >= 0 && rate < 1)) throw graphError(`dropout rate ${rate}`);
  if (rate === 0) return x;
  const bits = shiftRightZeros(randomBits(stream, elementNumber(x.shape)), 8);
  const dropped = integerLess(bits, Math.round(rate * 2 ** 24));
  return select(dropped, 0, mul(x, 1 / (1 - rate)));
};

/**
 * Row numbers of this step's batch: each epoch is a fresh permutation of `rows`, cut into whole batches; the
 * remainder of `rows / batch` sits out that epoch.
 */
export const shuffledBatch = (rows: number, batch: number): I32 => {
  const perEpoch = Math.floor(rows / batch);
  if (perEpoch < 1) throw graphError(`a batch of ${batch} from ${rows} rows`);
  const step = stepNumber();
  const epoch = integerDiv(step, perEpoch);
  const first = integerMul(remainder(step, perEpoch), batch);
  return mapOf(
    "permute",
    "i32",
    [batch],
    [integerAdd(iota([batch]), first), integer(rows, [batch]), broadcastTo(epoch, [batch])],
  );
};
