/** Turns files of other formats into a data set: one safetensors file, split, with its roots and a manifest. */
import { rm, writeFile } from "node:fs/promises";
import { AssayError } from "@assay/protocol/errors";
import type { Hex } from "@assay/protocol/commitments/hash";
import { learnBytePairs } from "../tokens/byte-pairs.ts";
import { learnCharacters } from "../tokens/characters.ts";
import { splitText, textFiles, type TextLine } from "../tokens/text.ts";
import { printTokenizer } from "../tokens/tokenizer.ts";
import { arraySource } from "./arrays.ts";
import { csvSource } from "./csv.ts";
import { imageSource } from "./images.ts";
import type { RowSource } from "./source.ts";
import { TensorFileWriter, type WrittenFile, type WrittenTensor } from "./writer.ts";

export type ImportSource =
  | {
      readonly kind: "csv";
      readonly path: string;
      readonly label: string;
      readonly separator?: string;
    }
  | {
      readonly kind: "idx" | "npy";
      readonly path: string;
      /** File of the labels. */
      readonly labels: string;
      /** Features are multiplied by this; 1/255 for bytes, else 1, when not given. */
      readonly scale?: number | undefined;
    }
  | { readonly kind: "images"; readonly path: string; readonly channels?: 1 | 3 | undefined }
  | {
      readonly kind: "text";
      readonly path: string;
      /** Of a folder, only files whose names end so. */
      readonly extension?: string | undefined;
      /** Byte-pair tokens, as many as this; characters when not given. */
      readonly bytePairs?: number | undefined;
    };

export interface ImportOptions {
  readonly source: ImportSource;
  /** The safetensors file to write. */
  readonly out: string;
  /** Every n-th row (file, or the last n-th of a text) is held out. */
  readonly holdOut: number;
  /** An SPDX expression, or who may do what with the data in words. */
  readonly licence: string;
}

/** What a data set is: written as JSON beside its file. */
export interface Manifest {
  readonly format: "assay-dataset/1";
  readonly source: ImportSource["kind"];
  readonly licence: string;
  readonly columns: readonly WrittenTensor[];
  /** What a request signs. */
  readonly dataRoot: Hex;
  readonly split: {
    readonly kind: "rows" | "files" | "tail";
    /** Row (or file) `every − 1` of each `every` is held out, or the last of `every` equal parts. */
    readonly every: number;
  };
  /** Names of the classes 0, 1, 2, …. */
  readonly classes?: readonly string[] | undefined;
  /** Height, width, channels. */
  readonly image?: readonly number[] | undefined;
  /** Tokens, and the file of the tokenizer beside this one. */
  readonly vocabulary?: number | undefined;
  readonly tokenizer?: string | undefined;
}

const stem = (out: string): string => out.replace(/\.safetensors$/, "");
/** Where the manifest of a data file goes. */
export const manifestPath = (out: string): string => `${stem(out)}.manifest.json`;
const tokenizerPath = (out: string): string => `${stem(out)}.tokenizer.json`;

const sourceOf = (source: Exclude<ImportSource, { kind: "text" }>): Promise<RowSource> => {
  switch (source.kind) {
    case "csv":
      return csvSource(source.path, source);
    case "images":
      return Promise.resolve(imageSource(source.path, source));
    default:
      return arraySource(source.kind === "idx" ? "IDX" : "NPY", source.path, source);
  }
};

/** What goes into the data file itself, for those who have no manifest. */
const metadataOf = (
  { source, licence }: ImportOptions,
  more: Readonly<Record<string, string | undefined>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ source: source.kind, licence, ...more }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );

type Details = Omit<Manifest, "format" | "source" | "licence" | keyof WrittenFile | "columns">;

const importRows = async (
  options: ImportOptions,
  source: Exclude<ImportSource, { kind: "text" }>,
  writer: TensorFileWriter,
): Promise<WrittenFile & Details> => {
  const every = options.holdOut;
  const from = await sourceOf(source);
  const { columns, classes, image } = from;
  const [train, heldOut] = ["train", "heldout"].map((part) =>
    columns.map(({ name, dtype, shape }) => writer.tensor(`${part}.${name}`, dtype, shape)),
  );
  let row = 0;
  for await (const values of from.rows()) {
    const part = row++ % every === every - 1 ? heldOut : train;
    for (const [k, words] of values.entries()) await part?.[k]?.append(words);
  }
  const split = `every ${every}th row is held out`;
  const written = await writer.finish(metadataOf(options, { split, image: image?.join("x") }));
  return { ...written, split: { kind: "rows", every }, classes, image };
};

const importText = async (
  options: ImportOptions,
  { path, extension, bytePairs }: Extract<ImportSource, { kind: "text" }>,
  writer: TensorFileWriter,
): Promise<WrittenFile & Details> => {
  const every = options.holdOut;
  const text = await splitText(textFiles(path, extension), every);
  async function* chosen(wanted: (line: TextLine) => boolean): AsyncIterable<string> {
    for await (const line of text.lines()) if (wanted(line)) yield line.line;
  }
  const tokenizer =
    bytePairs === undefined
      ? await learnCharacters(chosen(() => true))
      : await learnBytePairs(
          chosen(({ heldOut }) => !heldOut),
          bytePairs,
        );
  const [train, held] = ["train", "heldout"].map((part) =>
    writer.tensor(`${part}.tokens`, "i32", []),
  );
  for await (const { line, heldOut } of text.lines())
    await (heldOut ? held : train)?.append(Uint32Array.from(tokenizer.encode(line)));
  await writeFile(tokenizerPath(options.out), printTokenizer(tokenizer));
  const vocabulary = tokenizer.size;
  const written = await writer.finish(metadataOf(options, { vocabulary: String(vocabulary) }));
  return {
    ...written,
    split: { kind: text.split, every },
    vocabulary,
    tokenizer: tokenizerPath(options.out).split("/").at(-1),
  };
};

/**
 * Imports a data set. Rows pass one by one, so that it may be larger than memory. The same files and options give the
 * same bytes and roots. Throws DATA_… with the file and the place.
 */
export const importDataset = async (options: ImportOptions): Promise<Manifest> => {
  const { source, out, holdOut, licence } = options;
  if (!Number.isInteger(holdOut) || holdOut < 2)
    throw new AssayError("DATA_SPLIT_INVALID", `cannot hold out every ${holdOut}th row`, {
      remedy: "hold out one of 2 or more",
    });
  const writer = new TensorFileWriter(out);
  try {
    const { tensors, ...details } =
      source.kind === "text"
        ? await importText(options, source, writer)
        : await importRows(options, source, writer);
    return {
      format: "assay-dataset/1",
      source: source.kind,
      licence,
      columns: tensors,
      ...details,
    };
  } catch (error) {
    await writer.discard();
    await rm(tokenizerPath(out), { force: true });
    throw error;
  }
};
