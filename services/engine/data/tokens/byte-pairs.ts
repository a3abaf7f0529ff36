/**
 * Byte-pair tokens (Sennrich, Haddow, Birch, 2016, on UTF-8 bytes): tokens 0 to 255 are the bytes, each further one joins two
 * earlier ones. Words are cut by a fixed pattern over ASCII, so that no version of Unicode can change a token.
 */

/** Over bytes as characters of one byte: a word, number or sign with at most one blank before it, or blanks. */
const WORDS = / ?[A-Za-z_\x80-\xff]+| ?[0-9]+| ?[^ \t\r\n\v\fA-Za-z0-9_\x80-\xff]+|[ \t\r\n\v\f]+/g;
const BYTES = 256;
/** A pair as one number: more tokens than this cannot be numbered. */
const RADIX = 2 ** 20;

type Merge = readonly [number, number];

const bytesOf = (line: string): string => Buffer.from(line, "utf8").toString("latin1");
const wordsOf = (line: string): string[] => bytesOf(line).match(WORDS) ?? [];
const startOf = (word: string): number[] => Array.from(word, (byte) => byte.charCodeAt(0));
const keyOf = (left: number, right: number): number => left * RADIX + right;

/** Joins every occurrence of a pair, from left to right. */
const joined = (tokens: readonly number[], [left, right]: Merge, whole: number): number[] => {
  const result: number[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as number;
    if (token === left && tokens[at + 1] === right) {
      result.push(whole);
      at++;
    } else result.push(token);
  }
  return result;
};

export class BytePairs {
  readonly #merges: readonly Merge[];
  readonly #ranks: ReadonlyMap<number, number>;
  readonly #bytes: string[];
  readonly #known = new Map<string, readonly number[]>();

  constructor(merges: readonly Merge[]) {
    this.#merges = merges;
    this.#ranks = new Map(merges.map(([left, right], rank) => [keyOf(left, right), rank]));
    this.#bytes = Array.from({ length: BYTES }, (_, byte) => String.fromCharCode(byte));
    for (const [left, right] of merges) {
      const [a, b] = [this.#bytes[left], this.#bytes[right]];
      if (a === undefined || b === undefined) throw new RangeError("a merge of later tokens");
      this.#bytes.push(a + b);
    }
  }

  get size(): number {
    return this.#bytes.length;
  }

  encode(line: string): number[] {
    return wordsOf(line).flatMap((word) => this.#word(word));
  }

  /** Bytes that are no UTF-8 come out as U+FFFD. */
  decode(tokens: readonly number[]): string {
    const bytes = tokens.map((token) => this.#bytes[token] ?? "").join("");
    return Buffer.from(bytes, "latin1").toString("utf8");
  }

  parts() {
    return {
      kind: "byte-pairs" as const,
      merges: this.#merges.map(([left, right]): [number, number] => [left, right]),
    };
  }

  /** Merges in the order in which they were learnt. */
  #word(word: string): readonly number[] {
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    let tokens = startOf(word);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      for (let at = 1; at < tokens.length; at++) {
        const rank = this.#ranks.get(keyOf(tokens[at - 1] as number, tokens[at] as number));
        if (rank !== undefined && rank < best) best = rank;
      }
      const merge = this.#merges[best];
      if (merge === undefined) break;
      tokens = joined(tokens, merge, BYTES + best);
    }
    if (this.#known.size < 2 ** 16) this.#known.set(word, tokens);
    return tokens;
  }
}

/** How often each pair stands in the words, and in which of them. */
class PairCounts {
  readonly counts = new Map<number, number>();
  readonly #places = new Map<number, Set<number>>();

  change(tokens: readonly number[], word: number, by: number): void {
    for (let at = 1; at < tokens.length; at++) {
      const key = keyOf(tokens[at - 1] as number, tokens[at] as number);
      this.counts.set(key, (this.counts.get(key) ?? 0) + by);
      const places = this.#places.get(key);
      if (places !== undefined) places.add(word);
      else this.#places.set(key, new Set([word]));
    }
  }

  /** The most frequent pair, of equals the one of the earliest tokens; undefined where none stands twice. */
  best(): Merge | undefined {
    let [top, pair] = [1, -1];
    for (const [key, count] of this.counts)
      if (count > top || (count === top && pair >= 0 && key < pair)) [top, pair] = [count, key];
    return pair < 0 ? undefined : [Math.floor(pair / RADIX), pair % RADIX];
  }

  /** Forgets a pair; the words that may hold it. */
  take([left, right]: Merge): number[] {
    const key = keyOf(left, right);
    const places = [...(this.#places.get(key) ?? [])];
    this.#places.delete(key);
    return places;
  }

  prune(): void {
    for (const [key, count] of this.counts) if (count <= 0) this.counts.delete(key);
  }
}

/** Learns merges from lines until there are `size` tokens, or no pair stands twice. */
export const learnBytePairs = async (
  lines: AsyncIterable<string>,
  size: number,
): Promise<BytePairs> => {
  const frequency = new Map<string, number>();
  for await (const line of lines)
    for (const word of wordsOf(line)) frequency.set(word, (frequency.get(word) ?? 0) + 1);
  const counts = [...frequency.values()];
  const words = [...frequency.keys()].map(startOf);
  const pairs = new PairCounts();
  words.forEach((tokens, word) => pairs.change(tokens, word, counts[word] as number));
  const merges: Merge[] = [];
  while (BYTES + merges.length < size) {
    const merge = pairs.best();
    if (merge === undefined) break;
    const whole = BYTES + merges.push(merge) - 1;
    for (const word of pairs.take(merge)) {
      const [tokens, count] = [words[word] as number[], counts[word] as number];
      pairs.change(tokens, word, -count);
      words[word] = joined(tokens, merge, whole);
      pairs.change(words[word], word, count);
    }
    if (merges.length % 64 === 0) pairs.prune();
  }
  return new BytePairs(merges);
};
