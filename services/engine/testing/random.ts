/** A small deterministic random source, so that a failing program can be made again from its number. */
import { philox4x32 } from "../ir/philox.ts";

export class Random {
  #counter = 0;
  readonly #low: number;
  readonly #high: number;

  constructor(seed: number) {
    this.#low = seed >>> 0;
    this.#high = Math.floor(seed / 2 ** 32) >>> 0;
  }

  /** 32 random bits. */
  bits(): number {
    const block = philox4x32([this.#counter >>> 2, 0x7e57, 0, 0], this.#low, this.#high);
    return block[this.#counter++ & 3] as number;
  }

  /** An integer of `[minimum, maximum]`. */
  integer(minimum: number, maximum: number): number {
    return minimum + (this.bits() % (maximum - minimum + 1));
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.bits() % n === 0;
  }

  /** One of a non-empty list. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.bits() % items.length];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  list<T>(length: number, make: (index: number) => T): T[] {
    return Array.from({ length }, (_, i) => make(i));
  }
}
