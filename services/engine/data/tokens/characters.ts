/** A token a character (Unicode code point). */
import { AssayError } from "@assay/protocol/errors";

export class Characters {
  readonly #alphabet: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** Token `k` is the k-th character of the alphabet. */
  constructor(alphabet: string) {
    this.#alphabet = Array.from(alphabet);
    this.#numbers = new Map(this.#alphabet.map((character, k) => [character, k]));
    if (this.#numbers.size !== this.#alphabet.length)
      throw new RangeError("a character stands twice in the alphabet");
  }

  get size(): number {
    return this.#alphabet.length;
  }

  /** Throws DATA_CHARACTER_UNKNOWN for a character that is not in the alphabet. */
  encode(line: string): number[] {
    return Array.from(line, (character) => {
      const number = this.#numbers.get(character);
      if (number !== undefined) return number;
      throw new AssayError(
        "DATA_CHARACTER_UNKNOWN",
        `the alphabet has no ${JSON.stringify(character)}`,
        { remedy: "make the tokenizer from a text that holds every character, or use byte pairs" },
      );
    });
  }

  decode(tokens: readonly number[]): string {
    return tokens.map((token) => this.#alphabet[token] ?? "").join("");
  }

  parts() {
    return { kind: "characters" as const, alphabet: this.#alphabet.join("") };
  }
}

/** All characters of some lines, by code point. */
export const learnCharacters = async (lines: AsyncIterable<string>): Promise<Characters> => {
  const seen = new Set<string>();
  for await (const line of lines) for (const character of line) seen.add(character);
  return new Characters(
    [...seen].toSorted((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0)).join(""),
  );
};
