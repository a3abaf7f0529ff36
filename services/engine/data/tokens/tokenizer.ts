/** From text to tokens and back. A tokenizer is made once from a text, deterministically, and kept beside the data set. */
import { z } from "zod";
import { AssayError } from "@assay/protocol/errors";
import { BytePairs } from "./byte-pairs.ts";
import { Characters } from "./characters.ts";

export interface Tokenizer {
  /** Tokens are 0 to here, exclusive. */
  readonly size: number;
  /** Lines are taken one by one: no token reaches over the end of a line. */
  encode(line: string): number[];
  decode(tokens: readonly number[]): string;
}

const FORMAT = "assay-tokenizer/1";
const token = z
  .int()
  .min(0)
  .max(2 ** 20);

const fileSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    format: z.literal(FORMAT),
    kind: z.literal("characters"),
    alphabet: z.string().min(1),
  }),
  z.strictObject({
    format: z.literal(FORMAT),
    kind: z.literal("byte-pairs"),
    merges: z.array(z.tuple([token, token])),
  }),
]);

/** The text of a tokenizer's file. */
export const printTokenizer = (tokenizer: Characters | BytePairs): string =>
  `${JSON.stringify({ format: FORMAT, ...tokenizer.parts() } satisfies z.infer<typeof fileSchema>)}\n`;

/** A tokenizer from the text of its file. Throws DATA_TOKENIZER_INVALID. */
export const parseTokenizer = (text: string): Tokenizer => {
  try {
    const file = fileSchema.parse(JSON.parse(text));
    return file.kind === "characters" ? new Characters(file.alphabet) : new BytePairs(file.merges);
  } catch (cause) {
    throw new AssayError("DATA_TOKENIZER_INVALID", "not a tokenizer file", {
      cause,
      remedy: "use the tokenizer.json that `assay data import` wrote beside the data set",
    });
  }
};
