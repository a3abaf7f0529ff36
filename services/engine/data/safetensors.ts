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

function readHeader(
  bytes: Uint8Array,
  maxHeaderBytes: number,
): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length < 8) throw invalid("it is shorter than 8 bytes");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > bytes.length - 8) throw invalid(`its header length is ${length}`);
  if (length > maxHeaderBytes)
    throw invalid(`its header has ${length} bytes, more than ${maxHeaderBytes}`);
  const end = 8 + Number(length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, end));
    return { header: members.parse(JSON.parse(text)), body: bytes.subarray(end) };
  } catch (cause) {
    throw invalid("its header is not a JSON object", cause);
  }
}

function readEntry(name: string, value: unknown): NamedTensor & { begin: number; end: number } {
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

/** The tensors of a file; elements are copied out. Throws ENGINE_SAFETENSORS_INVALID. */
export function decodeSafetensors(
  bytes: Uint8Array,
  { maxHeaderBytes = HEADER_LIMIT }: DecodeOptions = {},
): TensorFile {
  const { header, body } = readHeader(bytes, maxHeaderBytes);
  const { [METADATA]: meta = {}, ...rest } = header;
  const metadata = texts.safeParse(meta);
  if (!metadata.success) throw invalid("its metadata is not text", metadata.error);
  const entries = Object.entries(rest).map(([name, value]) => readEntry(name, value));
  entries.sort((a, b) => a.begin - b.begin);
  let at = 0;
  const tensors = entries.map(({ name, dtype, shape, begin, end }): NamedWords => {
    if (begin !== at) throw invalid(`"${name}" starts at byte ${begin}, not ${at}`);
    if (end > body.length) throw invalid(`"${name}" ends at byte ${end} of ${body.length}`);
    at = end;
    return {
      name,
      dtype,
      shape,
      words: new Uint32Array(new Uint8Array(body.subarray(begin, end)).buffer),
    };
  });
  if (at !== body.length) throw invalid(`${body.length - at} bytes belong to no tensor`);
  return { tensors, metadata: metadata.data };
}
