/** Arrays in files of their own: IDX (the format of MNIST) and npy (numpy's), features in one and labels in another. */
import type { AssayError } from "@assay/protocol/errors";
import { elements } from "../../ir/shape.ts";
import type { Shape } from "../../ir/types.ts";
import {
  ByteReader,
  bytesOf,
  type ElementType,
  invalidSource,
  readElement,
  type RowSource,
} from "./source.ts";

type Format = "IDX" | "NPY";

interface ArrayHeader {
  readonly shape: Shape;
  readonly type: ElementType;
}

interface OpenArray extends ArrayHeader {
  readonly file: string;
  readonly format: Format;
  readonly reader: ByteReader;
}

const wrong = (format: Format, file: string, message: string): AssayError =>
  invalidSource(format, file, message, `give a whole ${format} file of numbers`);

const IDX_TYPES: Readonly<Record<number, Omit<ElementType, "littleEndian">>> = {
  0x08: { bytes: 1, kind: "unsigned" },
  0x09: { bytes: 1, kind: "signed" },
  0x0b: { bytes: 2, kind: "signed" },
  0x0c: { bytes: 4, kind: "signed" },
  0x0d: { bytes: 4, kind: "float" },
  0x0e: { bytes: 8, kind: "float" },
};

/** Two zero bytes, the type, the rank, then a big-endian size a dimension. */
const idxHeader = async (file: string, reader: ByteReader): Promise<ArrayHeader> => {
  const magic = await reader.take(4);
  const type = IDX_TYPES[magic?.[2] ?? 0];
  const rank = magic?.[3] ?? 0;
  if (!magic || magic[0] !== 0 || magic[1] !== 0 || type === undefined || rank < 1 || rank > 4)
    throw wrong("IDX", file, "does not begin as an IDX file of 1 to 4 dimensions");
  const sizes = await reader.take(4 * rank);
  if (!sizes) throw wrong("IDX", file, "ends amid its header");
  const view = new DataView(sizes.buffer);
  const shape = Array.from({ length: rank }, (_, d) => view.getUint32(4 * d));
  return { shape, type: { ...type, littleEndian: false } };
};

const NPY_KINDS: Readonly<Record<string, ElementType["kind"]>> = {
  u: "unsigned",
  b: "unsigned",
  i: "signed",
  f: "float",
};

/** `\x93NUMPY`, version, the length of a Python dictionary, the dictionary (numpy's NEP 1). */
const npyHeader = async (file: string, reader: ByteReader): Promise<ArrayHeader> => {
  const magic = await reader.take(8);
  if (!magic || Buffer.from(magic.subarray(0, 6)).toString("latin1") !== "\x93NUMPY")
    throw wrong("NPY", file, "does not begin as an npy file");
  const wide = (magic[6] ?? 1) > 1;
  const length = await reader.take(wide ? 4 : 2);
  if (!length) throw wrong("NPY", file, "ends amid its header");
  const view = new DataView(length.buffer);
  const size = wide ? view.getUint32(0, true) : view.getUint16(0, true);
  const text = size > 2 ** 16 ? null : await reader.take(size);
  if (!text) throw wrong("NPY", file, "ends amid its header");
  const header = Buffer.from(text).toString("latin1");
  const descr = /'descr':\s*'([<>|=])([ubif])([1248])'/.exec(header);
  const shape = /'shape':\s*\(([0-9,\s]*)\)/.exec(header)?.[1];
  const kind = NPY_KINDS[descr?.[2] ?? ""];
  const bytes = Number(descr?.[3]) as ElementType["bytes"];
  if (!descr || kind === undefined || shape === undefined || (kind === "float" && bytes < 4))
    throw wrong("NPY", file, `holds no array of numbers that can be read: ${header.trim()}`);
  if (!/'fortran_order':\s*False/.test(header))
    throw wrong("NPY", file, "is in Fortran order; write it with numpy.ascontiguousarray");
  const sizes = shape
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  if (sizes.length < 1 || sizes.length > 4)
    throw wrong("NPY", file, `has ${sizes.length} dimensions, not 1 to 4`);
  return { shape: sizes, type: { bytes, kind, littleEndian: descr[1] !== ">" } };
};

const open = async (format: Format, file: string): Promise<OpenArray> => {
  const reader = new ByteReader(bytesOf(file));
  const header = await (format === "IDX" ? idxHeader : npyHeader)(file, reader);
  return { ...header, file, format, reader };
};

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The numbers of the next row. */
const takeRow = async (array: OpenArray): Promise<ArrayLike<number>> => {
  const { file, format, reader, shape, type } = array;
  const width = elements(shape.slice(1));
  const bytes = await reader.take(width * type.bytes);
  if (!bytes) throw wrong(format, file, `ends before its ${shape[0] ?? 0} rows do`);
  if (type.bytes === 1 && type.kind === "unsigned") return bytes;
  if (type.bytes === 4 && type.kind === "float" && type.littleEndian === LITTLE_ENDIAN)
    return new Float32Array(bytes.buffer);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: width }, (_, k) => readElement(view, k, type));
};

/** Numbers times a factor, each rounded to binary32 once. */
const scaled = (values: ArrayLike<number>, factor: number): Float32Array<ArrayBuffer> => {
  const result = new Float32Array(values.length);
  for (let k = 0; k < values.length; k++) result[k] = (values[k] ?? 0) * factor;
  return result;
};

export interface ArrayOptions {
  /** File of the labels, a whole number a row. */
  readonly labels: string;
  /** Features are multiplied by this; 1/255 for bytes, else 1, when not given. */
  readonly scale?: number | undefined;
}

/**
 * Rows of two arrays of one format and as many rows: `x` f32[features], `y` i32. Arrays of three or four dimensions
 * are images. Throws DATA_IDX_INVALID or DATA_NPY_INVALID.
 */
export const arraySource = async (
  format: Format,
  file: string,
  { labels: labelFile, scale }: ArrayOptions,
): Promise<RowSource> => {
  const [features, labels] = [await open(format, file), await open(format, labelFile)];
  const [rows = 0, ...sizes] = features.shape;
  if (labels.shape[0] !== rows || elements(labels.shape) !== rows)
    throw wrong(format, labelFile, `has [${labels.shape.join()}] labels for ${rows} rows`);
  const [height, width, channels = 1] = sizes;
  const factor = scale ?? (features.type.bytes === 1 ? 1 / 255 : 1);
  return {
    columns: [
      { name: "x", dtype: "f32", shape: [elements(sizes)] },
      { name: "y", dtype: "i32", shape: [] },
    ],
    image: height === undefined || width === undefined ? undefined : [height, width, channels],
    async *rows() {
      const [x, y] = [await open(format, file), await open(format, labelFile)];
      for (let row = 0; row < rows; row++) {
        const label = (await takeRow(y))[0] ?? Number.NaN;
        if (label !== (label | 0) || label < 0)
          throw wrong(format, labelFile, `row ${row} has the label ${label}`);
        const values = scaled(await takeRow(x), factor);
        yield [new Uint32Array(values.buffer), Uint32Array.of(label)];
      }
      if ((await x.reader.take(1)) !== undefined)
        throw wrong(format, file, `goes on after its ${rows} rows`);
    },
  };
};
