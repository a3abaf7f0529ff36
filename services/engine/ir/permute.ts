/**
 * The row permutation: where position `p` of an epoch's order points, without making the order. A four-round Feistel
 * network on a × b ≥ n (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002: modular addition, then
 * walk the cycle until back inside [0, n)). All arithmetic is in u32, so that every back end can do it exactly.
 */
const ROUNDS = 4;
const WALKS = 64;
const INCREMENT = 0x9e3779b9;

/** Finaliser of MurmurHash3 (32 bits): spreads every input bit over all output bits. */
function finalise(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const absorb = (hash: number, word: number): number => finalise(((hash ^ word) + INCREMENT) | 0);

/** Round function: `finalise((h ^ word) + 0x9e3779b9)` over seedHigh, epoch, round, half in turn, from `h = seedLow`. */
function roundValue(
  seedLow: number,
  seedHigh: number,
  epoch: number,
  round: number,
  half: number,
): number {
  return absorb(absorb(absorb(absorb(seedLow, seedHigh), epoch), round), half);
}

/**
 * The `permute` primitive. With `a = ⌈√n⌉`, `b = ⌈n/a⌉` and `x = left·b + right`, even rounds do
 * `left = (left + F(right)) mod a`, odd rounds `right = (right + F(left)) mod b`; repeated while `x ≥ n`, at most 64
 * times, after which the answer is `p` itself. 0 when `n ≤ 0` or `p` is outside `[0, n)`. All arguments are i32.
 */
export function permute(
  p: number,
  n: number,
  epoch: number,
  seedLow: number,
  seedHigh: number,
): number {
  if (n <= 0 || p < 0 || p >= n) return 0;
  const a = Math.ceil(Math.sqrt(n));
  const b = Math.ceil(n / a);
  let x = p;
  for (let walk = 0; walk < WALKS; walk++) {
    let left = Math.floor(x / b);
    let right = x % b;
    for (let round = 0; round < ROUNDS; round += 2) {
      left = (left + (roundValue(seedLow, seedHigh, epoch, round, right) % a)) % a;
      right = (right + (roundValue(seedLow, seedHigh, epoch, round + 1, left) % b)) % b;
    }
    x = left * b + right;
    if (x < n) return x;
  }
  return p;
}
