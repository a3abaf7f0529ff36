/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): random words
 * from a counter and a key, with no state. All arithmetic is modulo 2³².
 */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High word of the 64-bit product of two u32. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

export type Words4 = readonly [number, number, number, number];

/** The four random words (u32) of one counter under one key. */
export function philox4x32(counter: Words4, keyLow: number, keyHigh: number): Words4 {
  let [c0, c1, c2, c3] = counter;
  let k0 = keyLow >>> 0;
  let k1 = keyHigh >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = mulHigh(c0 >>> 0, MULTIPLIER_0);
    const high1 = mulHigh(c2 >>> 0, MULTIPLIER_1);
    const low0 = Math.imul(c0, MULTIPLIER_0) >>> 0;
    const low1 = Math.imul(c2, MULTIPLIER_1) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * The `philox` primitive: word `element & 3` of counter `(element >>> 2, step, stream, 0)`, key = low and high
 * word of the seed. Returns an i32.
 */
export function philoxWord(
  element: number,
  step: number,
  stream: number,
  keyLow: number,
  keyHigh: number,
): number {
  const words = philox4x32([element >>> 2, step >>> 0, stream >>> 0, 0], keyLow, keyHigh);
  return (words[element & 3] as number) | 0;
}
