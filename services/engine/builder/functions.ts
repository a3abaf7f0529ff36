/**
 * Elementary functions as expansions to primitives. Each is a fixed sequence of rounded operations, so every back end
 * gives the same bits. Polynomial coefficients are minimax fits (Lawson iteration on Chebyshev nodes, rounded to
 * binary32 one after the other); error bounds are measured over the range by the tests beside this file.
 */
import {
  add,
  bitsOf,
  div,
  equal,
  fromBits,
  integerAdd,
  integerSub,
  less,
  maximum,
  minimum,
  mul,
  neg,
  select,
  selectInteger,
  shiftLeft,
  shiftRight,
  square,
  sub,
  toReal,
} from "./elementwise.ts";
import { type F32, type I32, withPullback } from "./graph.ts";

/** `c[0] + c[1]·x + …` by Horner's rule. */
export const polynomial = (x: F32, coefficients: readonly number[]): F32 =>
  coefficients
    .slice(0, -1)
    .reduceRight<F32 | number>((sum, c) => add(mul(sum, x), c), coefficients.at(-1) ?? 0) as F32;

/** 1.5 · 2²³: adding it rounds to an integer, which then stands in the low mantissa bits. */
const ROUNDER = 12582912;
const ROUNDER_BITS = 0x4b400000;

/** 2ᵉ for −126 ≤ e ≤ 127. */
const powerOfTwo = (e: I32): F32 => fromBits(shiftLeft(integerAdd(e, 127), 23));

/**
 * eˣ within 1 ulp for results that are normal, 1.5 ulp for subnormal ones. Two-part reduction x = n·ln 2 + r (Cody and
 * Waite, 1980), degree 6 polynomial, scaling by 2ⁿ in two halves so that overflow and gradual underflow come out right.
 */
export const exp = (x: F32): F32 => {
  const bounded = minimum(maximum(x, -104), 89);
  const shifted = add(mul(bounded, 1.4426950216293335), ROUNDER);
  const n = sub(shifted, ROUNDER);
  const r = sub(sub(bounded, mul(n, 0.693359375)), mul(n, -2.1219444e-4));
  const p = polynomial(
    r,
    [
      0.4999999403953552, 0.1666652113199234, 0.04166826978325844, 0.008368677459657192,
      0.001382041140459478,
    ],
  );
  const mantissa = add(add(mul(p, square(r)), r), 1);
  const exponent = integerSub(bitsOf(shifted), ROUNDER_BITS);
  const half = shiftRight(exponent, 1);
  const y = mul(mul(mantissa, powerOfTwo(half)), powerOfTwo(integerSub(exponent, half)));
  return withPullback(y, { inputs: [x], pull: (g) => [mul(g, y)] });
};

/**
 * Natural logarithm within 1 ulp (2 for subnormal x); −∞ at 0, NaN below. x = 2ᵉ·m with m in [√½, √2), s = f/(2 + f),
 * ln(1 + f) = f − f²/2 + s·(f²/2 + R(s²)) (the arrangement of FreeBSD's e_logf.c by Cygnus/Sun, 1993).
 */
export const log = (x: F32): F32 => {
  const tiny = less(x, 2 ** -126);
  const scaled = select(tiny, mul(x, 2 ** 23), x);
  const bits = bitsOf(scaled);
  const exponent = shiftRight(integerSub(bits, 0x3f3504f3), 23);
  const f = sub(fromBits(integerSub(bits, shiftLeft(exponent, 23))), 1);
  const e = toReal(integerAdd(exponent, selectInteger(tiny, -23, 0)));
  const s = div(f, add(f, 2));
  const z = square(s);
  const rest = mul(z, polynomial(z, [0.6666677594184875, 0.3997756838798523, 0.29871460795402527]));
  const half = mul(square(f), 0.5);
  const low = add(mul(s, add(half, rest)), mul(e, -2.1219444e-4));
  const finite = add(add(sub(low, half), f), mul(e, 0.693359375));
  const y = select(
    less(0, x),
    select(less(x, Infinity), finite, x),
    select(equal(x, 0), -Infinity, NaN),
  );
  return withPullback(y, { inputs: [x], pull: (g) => [div(g, x)] });
};

/** tanh within 6.5 ulp, never outside [−1, 1]: x·P(x²)/Q(x²) with both of degree 4, |x| clamped at 8.7. */
export const tanh = (x: F32): F32 => {
  const bounded = minimum(maximum(x, -8.7), 8.7);
  const z = square(bounded);
  const p = polynomial(
    z,
    [1, 0.13400468230247498, 0.0035187455359846354, 2.099385892506689e-5, 1.3897668793561024e-8],
  );
  const q = polynomial(
    z,
    [1, 0.46733787655830383, 0.025964898988604546, 0.00033236504532396793, 7.996542308319476e-7],
  );
  const y = minimum(maximum(div(mul(bounded, p), q), -1), 1);
  return withPullback(y, {
    inputs: [x],
    pull: (g) => [mul(g, sub(1, square(y)))],
  });
};

/** 1 / (1 + e⁻ˣ) within 3 ulp. */
export const sigmoid = (x: F32): F32 => {
  const y = div(1, add(exp(neg(x)), 1));
  return withPullback(y, {
    inputs: [x],
    pull: (g) => [mul(g, mul(y, sub(1, y)))],
  });
};

/** max(x, 0); gradient 0 at 0. */
export const relu = (x: F32): F32 => {
  const y = maximum(x, 0);
  return withPullback(y, {
    inputs: [x],
    pull: (g) => [select(less(0, y), g, 0)],
  });
};

/** x·sigmoid(x) (Elfwing, Uchibe, Doya, 2017). */
export const silu = (x: F32): F32 => mul(x, sigmoid(x));

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))) (Hendrycks and Gimpel, 2016, equation 2). */
export const gelu = (x: F32): F32 => {
  const inner = mul(mul(x, Math.sqrt(2 / Math.PI)), add(mul(square(x), 0.044715), 1));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
};

/** sin(πx) for |x| ≤ ½, within 3 ulp; carries no gradient of its own (it differentiates as its polynomial). */
export const sinPi = (x: F32): F32 =>
  mul(
    x,
    polynomial(
      square(x),
      [
        3.1415927410125732, -5.167720317840576, 2.5502591133117676, -0.5993670225143433,
        0.07969464361667633,
      ],
    ),
  );
