/** Columns of a data set, in memory or in a file. */
import { closeSync, openSync, readSync } from "node:fs";
import { AssayError } from "@assay/protocol/errors";
import type { Column, FileColumn, Words } from "../backend.ts";

export const isInFile = (column: Column): column is FileColumn => !(column instanceof Uint32Array);

/** What of columns is in memory. */
export const wordsOf = (columns: readonly Column[]): Words[] =>
  columns.filter((column): column is Words => !isInFile(column));

/** Columns with memory of their own, to be given away. */
export const copyColumns = (columns: readonly Column[]): Column[] =>
  columns.map((column) => (isInFile(column) ? column : column.slice()));

/** Bytes of columns that lie in files. */
export const bytesInFiles = (columns: readonly Column[]): number =>
  columns.reduce((sum, column) => sum + (isInFile(column) ? 4 * column.length : 0), 0);

/** A column that is being read. */
export interface ColumnReader {
  /** Elements. */
  readonly length: number;
  /** Fills `into` with the elements from `from` on, which must be there. Throws ENGINE_COLUMN_UNREADABLE. */
  read(from: number, into: Words): void;
  close(): void;
}

/** Bytes of one call to the system, which takes no more than 2^31 − 1. */
const MOST_BYTES = 2 ** 30;

const unreadable = ({ path }: FileColumn, cause: unknown): AssayError =>
  new AssayError("ENGINE_COLUMN_UNREADABLE", `the data in ${path} cannot be read`, {
    remedy: "Nothing may change or remove the file while a job or a dispute reads it.",
    retryable: true,
    cause,
  });

class FileReader implements ColumnReader {
  readonly #column: FileColumn;
  #file: number | undefined;

  constructor(column: FileColumn) {
    this.#column = column;
    try {
      this.#file = openSync(column.path, "r");
    } catch (error) {
      throw unreadable(column, error);
    }
  }

  get length(): number {
    return this.#column.length;
  }

  read(from: number, into: Words): void {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    let done = 0;
    while (done < bytes.length) {
      const count = this.#readSome(bytes, done, this.#column.begin + 4 * from + done);
      if (count === 0) throw unreadable(this.#column, new Error("the file is shorter than it was"));
      done += count;
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #readSome(bytes: Uint8Array, at: number, position: number): number {
    if (this.#file === undefined) throw unreadable(this.#column, new Error("it is closed"));
    try {
      return readSync(this.#file, bytes, at, Math.min(MOST_BYTES, bytes.length - at), position);
    } catch (error) {
      throw unreadable(this.#column, error);
    }
  }
}

class WordsReader implements ColumnReader {
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  get length(): number {
    return this.#words.length;
  }

  read(from: number, into: Words): void {
    into.set(this.#words.subarray(from, from + into.length));
  }

  close(): void {
    // Nothing was opened.
  }
}

/** Opens a column. Throws ENGINE_COLUMN_UNREADABLE. */
export const openColumn = (column: Column): ColumnReader =>
  isInFile(column) ? new FileReader(column) : new WordsReader(column);

/** All of a column; one in memory is not copied. Throws ENGINE_COLUMN_UNREADABLE. */
export const wholeColumn = (column: Column): Words => {
  if (!isInFile(column)) return column;
  const words = new Uint32Array(column.length);
  const reader = openColumn(column);
  try {
    reader.read(0, words);
  } finally {
    reader.close();
  }
  return words;
};
