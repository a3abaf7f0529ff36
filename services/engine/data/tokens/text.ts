/** Texts for language models: files read line by line, and which lines are held out. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, invalidSource } from "../import/source.ts";

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The file itself, or all files of a folder and its subfolders with this ending, by path. */
export const textFiles = (path: string, extension = ""): string[] => {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted(byName);
};

/** The lines of a UTF-8 text, each with its line end. Throws DATA_TEXT_INVALID. */
async function* linesOf(file: string): AsyncIterable<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw invalidSource("TEXT", file, "is not UTF-8 text", "convert it with iconv");
    }
  };
  let rest = "";
  for await (const bytes of bytesOf(file)) {
    const lines = (rest + decode(bytes)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield `${line}\n`;
  }
  rest += decode();
  if (rest !== "") yield rest;
}

export interface TextLine {
  readonly line: string;
  readonly heldOut: boolean;
}

/** A text and its split: every n-th file is held out where there are as many, else the last n-th of the bytes. */
export interface SplitText {
  readonly split: "files" | "tail";
  lines(): AsyncIterable<TextLine>;
}

export const splitText = async (files: readonly string[], every: number): Promise<SplitText> => {
  if (files.length >= every)
    return {
      split: "files",
      async *lines() {
        for (const [k, file] of files.entries())
          for await (const line of linesOf(file)) yield { line, heldOut: k % every === every - 1 };
      },
    };
  let total = 0;
  for (const file of files) for await (const bytes of bytesOf(file)) total += bytes.length;
  const from = total - total / every;
  return {
    split: "tail",
    async *lines() {
      let at = 0;
      for (const file of files)
        for await (const line of linesOf(file)) {
          yield { line, heldOut: at >= from };
          at += Buffer.byteLength(line);
        }
    },
  };
};
