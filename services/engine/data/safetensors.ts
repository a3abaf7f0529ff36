/**
 * The safetensors format: an 8-byte little-endian length, that many bytes of JSON, then the elements. Files written here load
 * in Hugging Face, PyTorch and numpy; files read here hold F32 and I32 tensors only, without holes or overlaps.
 */
import { AssayError } from "@assay/protocol/errors";
import { z } from "zod";
import type { Words } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { DType, NamedTensor } from "../ir/types.ts";

/** A tensor with its elements. */
export interface NamedWords extends NamedTensor {
  readonly words: Words;
}

export interface TensorFile {
  /** In the order of their bytes. */
  readonly tensors: readonly NamedWords[];
  readonly metadata: Readonly<Record<string, string>>;
}

const METADATA = "__metadata__";
/**
 * Bytes of JSON that are read of a file unless told; the format itself allows 100 MB, which parses for most of a minute.
 * Tens of thousands of tensors fit.
 */
const HEADER_LIMIT = 8 * 2 ** 20;

export interface DecodeOptions {
  /** Refuses files whose header is longer. */
  readonly maxHeaderBytes?: number | undefined;
}

const fileType: Record<DType, "F32" | "I32"> = { f32: "F32", i32: "I32" };

// Not a record of zod's: that would lose a member called "__proto__", which is as good a name as any.
const members = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const texts = z.custom<Record<string, string>>(
  (value) =>
    members.safeParse(value).success &&
    Object.values(value as object).every((text) => typeof text === "string"),
);

const entry = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().min(1)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

const invalid = (message: string, cause?: unknown): AssayError =>
  new AssayError("ENGINE_SAFETENSORS_INVALID", `Not a usable safetensors file: ${message}.`, {
    remedy:
      "Write the file again, for example with safetensors.numpy.save_file, as float32 or int32 tensors.",
    cause,
  });

/** What stands before the elements of a file: the length and the JSON that names the tensors, padded to 8 bytes. */
export function safetensorsHeader(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA, metadata);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (header.has(name) || name === METADATA) throw new RangeError(`a second tensor "${name}"`);
    const begin = end;
    end += 4 * elements(shape);
    header.set(name, { dtype: fileType[dtype], shape, data_offsets: [begin, end] });
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, 8);
  bytes.set(json, 8);
  return bytes;
}

/** The bytes of a file. The same tensors, order and metadata always give the same bytes. */
export function encodeSafetensors(
  tensors: readonly NamedWords[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  for (const { name, shape, words } of tensors)
    if (words.length !== elements(shape))
      throw new RangeError(`"${name}" has ${words.length} elements`);
  const header = safetensorsHeader(tensors, metadata);
  const body = tensors.reduce((sum, { words }) => sum + words.byteLength, 0);
  const bytes = new Uint8Array(header.length + body);
  bytes.set(header);
  let at = header.length;
  for (const { words } of tensors) {
    bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), at);
    at += words.byteLength;
  }
  return bytes;
}

/** A tensor and where its elements are in what follows the header, in bytes. */
export interface PlacedTensor extends NamedTensor {
  readonly begin: number;
  readonly end: number;
}

/** What a header says: tensors in the order of their bytes, without holes or overlaps. */
export interface TensorLayout {
  readonly tensors: readonly PlacedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Bytes of all elements. */
  readonly bodyBytes: number;
}

/** Bytes of the length that a file begins with. */
export const LENGTH_BYTES = 8;

/** Bytes of the JSON that follows the length. Throws ENGINE_SAFETENSORS_INVALID beyond what may be read. */
export function headerBytes(
  bytes: Uint8Array,
  { maxHeaderBytes = HEADER_LIMIT }: DecodeOptions = {},
): number {
  if (bytes.length < LENGTH_BYTES) throw invalid(`it is shorter than ${LENGTH_BYTES} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > maxHeaderBytes)
    throw invalid(`its header length is ${length}, more than ${maxHeaderBytes}`);
  return Number(length);
}

function readEntry(name: string, value: unknown): PlacedTensor {
  const parsed = entry.safeParse(value);
  if (!parsed.success) throw invalid(`the entry of "${name}" is malformed`, parsed.error);
  const { dtype: type, shape, data_offsets: offsets } = parsed.data;
  const dtype = (Object.keys(fileType) as DType[]).find((key) => fileType[key] === type);
  if (dtype === undefined) throw invalid(`"${name}" is ${type}; only F32 and I32 are supported`);
  const [begin, end] = offsets;
  if (end - begin !== 4 * elements(shape))
    throw invalid(`"${name}" has ${end - begin} bytes for [${shape.join(",")}]`);
  return { name, dtype, shape, begin, end };
}

/** The layout that the JSON of a header describes. Throws ENGINE_SAFETENSORS_INVALID. */
export function layoutOf(json: Uint8Array): TensorLayout {
  let header: Record<string, unknown>;
  try {
    header = members.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json)));
  } catch (cause) {
    throw invalid("its header is not a JSON object", cause);
  }
  const { [METADATA]: meta = {}, ...rest } = header;
  const metadata = texts.safeParse(meta);
  if (!metadata.success) throw invalid("its metadata is not text", metadata.error);
  const tensors = Object.entries(rest).map(([name, value]) => readEntry(name, value));
  tensors.sort((a, b) => a.begin - b.begin);
  let at = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== at) throw invalid(`"${name}" starts at byte ${begin}, not ${at}`);
    at = end;
  }
  return { tensors, metadata: metadata.data, bodyBytes: at };
}

/** The error for bytes after the last tensor. */
export const excess = (bytes: number): AssayError => invalid(`${bytes} bytes belong to no tensor`);

/** Throws ENGINE_SAFETENSORS_INVALID unless so many bytes follow the header as its tensors have. */
export function checkBody({ tensors, bodyBytes }: TensorLayout, bytes: number): void {
  const short = tensors.find(({ end }) => end > bytes);
  if (short !== undefined) throw invalid(`"${short.name}" ends at byte ${short.end} of ${bytes}`);
  if (bytes !== bodyBytes) throw excess(bytes - bodyBytes);
}

/** The tensors of a file; elements are copied out. Throws ENGINE_SAFETENSORS_INVALID. */
export function decodeSafetensors(bytes: Uint8Array, options: DecodeOptions = {}): TensorFile {
  const length = headerBytes(bytes, options);
  if (length > bytes.length - LENGTH_BYTES) throw invalid(`its header length is ${length}`);
  const body = bytes.subarray(LENGTH_BYTES + length);
  const layout = layoutOf(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  checkBody(layout, body.length);
  const tensors = layout.tensors.map(({ name, dtype, shape, begin, end }) => ({
    name,
    dtype,
    shape,
    words: new Uint32Array(new Uint8Array(body.subarray(begin, end)).buffer),
  }));
  return { tensors, metadata: layout.metadata };
}
