/** A data set: the tensors of one safetensors file as columns, in an order that its root commits to. */
import type { Hasher, Hex } from "@assay/protocol/commitments/hash";
import { tensorRoot } from "@assay/protocol/commitments/tensor";
import { treeRoot } from "@assay/protocol/commitments/tree";
import { AssayError } from "@assay/protocol/errors";
import type { Words } from "../backend.ts";
import { elements, sameShape } from "../ir/shape.ts";
import { DTYPE, type NamedTensor, type TensorType } from "../ir/types.ts";
import type { NamedWords } from "./safetensors.ts";

const typeText = (type: TensorType): string => `${type.dtype}[${type.shape.join(",")}]`;

/** The bytes of a tensor as a commitment sees them. */
export const committed = (type: TensorType, words: Words) => ({
  dtype: DTYPE[type.dtype],
  shape: type.shape,
  bytes: new Uint8Array(words.buffer, words.byteOffset, words.byteLength),
});

/** Root of one tensor. */
export const wordsRoot = (hasher: Hasher, type: TensorType, words: Words): Hex =>
  tensorRoot(hasher, committed(type, words));

/** Root of a list of tensors in order: the data root of columns, the model root of parameters. */
export const tensorListRoot = (hasher: Hasher, tensors: readonly NamedWords[]): Hex =>
  treeRoot(
    hasher,
    tensors.map((tensor) => wordsRoot(hasher, tensor, tensor.words)),
  );

/**
 * The tensors of a file that are declared, in the declared order. Throws ENGINE_DATA_COLUMN for one that is missing
 * or of another type.
 */
export function selectTensors<T extends NamedTensor>(
  tensors: readonly T[],
  declared: readonly NamedTensor[],
): T[] {
  return declared.map((wanted) => {
    const tensor = tensors.find(({ name }) => name === wanted.name);
    if (
      tensor !== undefined &&
      tensor.dtype === wanted.dtype &&
      sameShape(tensor.shape, wanted.shape)
    )
      return tensor;
    const has = tensor === undefined ? `none of ${tensors.length}` : typeText(tensor);
    throw new AssayError(
      "ENGINE_DATA_COLUMN",
      `The program reads "${wanted.name}" as ${typeText(wanted)}; the file has ${has}.`,
      {
        remedy:
          "Use the data set that the program was built for, or build the program for this one.",
        details: { name: wanted.name },
      },
    );
  });
}

/** Which rows train and which are held out. */
export interface RowSplit {
  readonly train: readonly number[];
  readonly heldOut: readonly number[];
}

/** Holds out every `every`-th row in file order: rows `every − 1`, `2·every − 1`, … counted from 0. */
export function splitRows(count: number, every: number): RowSplit {
  if (!Number.isInteger(every) || every < 2)
    throw new RangeError(`cannot hold out every ${every}th row`);
  const rows = Array.from({ length: count }, (_, row) => row);
  const held = (row: number): boolean => row % every === every - 1;
  return { train: rows.filter((row) => !held(row)), heldOut: rows.filter(held) };
}

/** The given rows (of the first dimension) as a tensor of their own. */
export function takeRows(
  tensor: NamedWords,
  rows: readonly number[],
  name = tensor.name,
): NamedWords {
  const [count, ...rest] = tensor.shape;
  if (count === undefined) throw new RangeError("a scalar has no rows");
  const width = elements(rest);
  const words = new Uint32Array(rows.length * width);
  rows.forEach((row, i) => {
    if (row < 0 || row >= count) throw new RangeError(`row ${row} of ${count}`);
    words.set(tensor.words.subarray(row * width, (row + 1) * width), i * width);
  });
  return { name, dtype: tensor.dtype, shape: [rows.length, ...rest], words };
}

/** A column from numbers: f32 values are rounded to binary32, i32 values must be integers of 32 bits. */
export function column(name: string, type: TensorType, values: ArrayLike<number>): NamedWords {
  if (values.length !== elements(type.shape)) {
    throw new RangeError(`${values.length} values for ${typeText(type)}`);
  }
  if (type.dtype === "f32")
    return { name, ...type, words: new Uint32Array(Float32Array.from(values).buffer) };
  const wrong = Array.from(values).find(
    (value) => !Number.isInteger(value) || value !== (value | 0),
  );
  if (wrong !== undefined) throw new RangeError(`${wrong} is not a 32-bit integer`);
  return { name, ...type, words: new Uint32Array(Int32Array.from(values).buffer) };
}
