/** The text of `assay init --preset transformer-lm`: sums, one a line, such as `7+5=12`. */
import { column } from "@assay/engine/data/dataset";
import { encodeSafetensors } from "@assay/engine/data/safetensors";

/** Terms run from 0 to here, exclusive. */
const TERMS = 40;
const LINES = TERMS * TERMS;
const ALPHABET = "\n+0123456789=";

/** A number that looks random, the same everywhere: the lines stand in its order, so that none tells the next one. */
const scatter = (pair: number): number => {
  const mixed = Math.imul(pair ^ (pair >>> 5), 0x9e3779b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) >>> 8;
};

const lineOf = (pair: number): string => {
  const [a, b] = [Math.floor(pair / TERMS), pair % TERMS];
  return `${a}+${b}=${a + b}\n`;
};

const tokensOf = (lines: readonly string[]): number[] =>
  Array.from(lines.join(""), (character) => ALPHABET.indexOf(character));

/**
 * Columns `train.tokens` and `heldout.tokens` as a safetensors file: a token a character, every fifth line held out. The
 * metadata hold the alphabet.
 */
export const sums = (): Uint8Array => {
  const pairs = Array.from({ length: LINES }, (_, pair) => pair);
  const lines = pairs.toSorted((a, b) => scatter(a) - scatter(b) || a - b).map(lineOf);
  const held = (_: string, line: number): boolean => line % 5 === 4;
  const part = (name: string, tokens: readonly number[]) =>
    column(name, { dtype: "i32", shape: [tokens.length] }, tokens);
  return encodeSafetensors(
    [
      part("train.tokens", tokensOf(lines.filter((line, k) => !held(line, k)))),
      part("heldout.tokens", tokensOf(lines.filter(held))),
    ],
    {
      source: "assay init",
      licence: "CC0-1.0",
      vocabulary: String(ALPHABET.length),
      tokenizer: JSON.stringify({ kind: "characters", alphabet: ALPHABET }),
    },
  );
};
