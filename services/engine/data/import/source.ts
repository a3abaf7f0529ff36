/** What a data set is read from: rows one after the other, never all of them at once. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { AssayError } from "@assay/protocol/errors";
import type { Words } from "../../backend.ts";
import type { DType, Shape } from "../../ir/types.ts";

export interface SourceColumn {
  /** `x` (features), `y` (labels). */
  readonly name: string;
  readonly dtype: DType;
  /** Of one row; `[]` for a number a row. */
  readonly shape: Shape;
}

/** Rows in an order that depends on nothing but the files. */
export interface RowSource {
  readonly columns: readonly SourceColumn[];
  /** Names of the classes that `y` numbers, where they have any. */
  readonly classes?: readonly string[] | undefined;
  /** Height, width and channels of a row of `x`. */
  readonly image?: readonly [number, number, number] | undefined;
  /** One entry per column. */
  rows(): AsyncIterable<readonly Words[]>;
}

/** The error for a file that is not what it should be. `format` goes into the code: `DATA_CSV_INVALID`. */
export const invalidSource = (
  format: "CSV" | "IDX" | "NPY" | "IMAGE" | "TEXT",
  file: string,
  message: string,
  remedy: string,
): AssayError =>
  new AssayError(`DATA_${format}_INVALID`, `${file}: ${message}`, { remedy, details: { file } });

/** The bytes of a file in pieces, unpacked where its name ends in `.gz`. Throws DATA_UNREADABLE. */
export async function* bytesOf(file: string): AsyncIterable<Uint8Array> {
  const raw = createReadStream(file, { highWaterMark: 2 ** 18 });
  const stream: Readable = file.endsWith(".gz")
    ? raw.pipe(createGunzip()).on("close", () => raw.destroy())
    : raw;
  raw.on("error", (error) => stream.destroy(error));
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw new AssayError("DATA_UNREADABLE", `cannot read ${file}`, {
      cause,
      remedy: "check the path, and that the file is whole",
    });
  }
}

/** Cuts a stream of bytes: a number of bytes at a time, each piece with a buffer of its own. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next `count` bytes, or undefined at the end of the stream; null where it ends amid them. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer> | undefined | null> {
    const bytes = new Uint8Array(count);
    let have = 0;
    while (have < count) {
      if (this.#piece.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) return have === 0 ? undefined : null;
        this.#piece = next.value;
      }
      const part = this.#piece.subarray(0, count - have);
      bytes.set(part, have);
      have += part.length;
      this.#piece = this.#piece.subarray(part.length);
    }
    return bytes;
  }

  /** What has not been taken, in pieces as they come. */
  async *rest(): AsyncIterable<Uint8Array> {
    yield this.#piece;
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return;
      yield next.value;
    }
  }

  /** Lets go of the source, wherever reading stopped. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

/** How elements are stored in a binary file. */
export interface ElementType {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly kind: "unsigned" | "signed" | "float";
  readonly littleEndian: boolean;
}

/** Element `index` of some bytes. Integers of 64 bits lose what a double cannot hold. */
export const readElement = (
  view: DataView,
  index: number,
  { bytes, kind, littleEndian }: ElementType,
): number => {
  const at = index * bytes;
  if (kind === "float")
    return bytes === 4 ? view.getFloat32(at, littleEndian) : view.getFloat64(at, littleEndian);
  const signed = kind === "signed";
  switch (bytes) {
    case 1:
      return signed ? view.getInt8(at) : view.getUint8(at);
    case 2:
      return signed ? view.getInt16(at, littleEndian) : view.getUint16(at, littleEndian);
    case 4:
      return signed ? view.getInt32(at, littleEndian) : view.getUint32(at, littleEndian);
    default:
      return Number(
        signed ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian),
      );
  }
};
