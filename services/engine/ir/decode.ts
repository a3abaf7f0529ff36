/** Inverse of `encode.ts`. Strict: bytes that no encoding has (unknown kinds, anything left over) are refused. */
import { ByteReader } from "./bytes.ts";
import { FLAG_PARAMETER, FORM, NUMERICS } from "./encode.ts";
import { programFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import {
  type Affine,
  DTYPE,
  type DType,
  type Guard,
  type Indirection,
  type Op,
  type Operand,
  type Program,
  type Shape,
  SOURCE,
  type Source,
  type TensorType,
} from "./types.ts";

function readDType(from: ByteReader): DType {
  const byte = from.u8();
  for (const [name, value] of Object.entries(DTYPE)) if (value === byte) return name as DType;
  throw new RangeError(`no dtype ${byte}`);
}

/** A count of at most `limit`, so that junk cannot ask for much memory. */
function counted<T>(count: number, limit: number, read: (index: number) => T): T[] {
  if (count > limit) throw new RangeError(`${count} of something limited to ${limit}`);
  return Array.from({ length: count }, (_, i) => read(i));
}

const readShape = (from: ByteReader): Shape => counted(from.u8(), LIMITS.rank, () => from.u32());

const readType = (from: ByteReader): TensorType => ({
  dtype: readDType(from),
  shape: readShape(from),
});

const readAffine = (from: ByteReader, rank: number): Affine => ({
  offset: from.i32(),
  strides: counted(rank, 2 * LIMITS.rank, () => from.i32()),
});

function zero(value: number): void {
  if (value !== 0) throw new RangeError(`${value} where 0 belongs`);
}

function readSource(from: ByteReader): Source {
  const byte = from.u8();
  const word = from.u32();
  switch (byte) {
    case SOURCE.value:
      return { kind: "value", index: word };
    case SOURCE.state:
      return { kind: "state", index: word };
    case SOURCE.data:
      return { kind: "data", index: word };
    case SOURCE.parent:
      return { kind: "parent", index: word };
    case SOURCE.immediate:
      return { kind: "immediate", bits: word, dtype: readDType(from) };
    case SOURCE.step:
      zero(word);
      return { kind: "step" };
    case SOURCE.index:
      zero(word);
      return { kind: "index" };
    default:
      throw new RangeError(`no source of kind ${byte}`);
  }
}

const readGuard = (from: ByteReader, rank: number): Guard => ({
  ...readAffine(from, rank),
  limit: from.u32(),
});

function readIndirection(from: ByteReader, rank: number): Indirection {
  const source = readSource(from);
  if (!("index" in source)) throw new RangeError(`a source of kind ${source.kind} has no rows`);
  return { source, ...readAffine(from, rank), rowStride: from.i32(), limit: from.u32() };
}

function readOperand(from: ByteReader, rank: number): Operand {
  const source = readSource(from);
  const affine = readAffine(from, rank);
  const guards = counted(from.u8(), LIMITS.guards, () => readGuard(from, rank));
  const flag = from.u8();
  if (flag > 1) throw new RangeError(`has-indirection is ${flag}`);
  return {
    source,
    ...affine,
    guards,
    indirection: flag === 1 ? readIndirection(from, rank) : null,
  };
}

function readOp(from: ByteReader): Op {
  const form = from.u8();
  const opcode = from.u8();
  const out = readType(from);
  if (form === FORM.map) {
    const operands = counted(from.u8(), LIMITS.operands, () => readOperand(from, out.shape.length));
    return { form: "map", opcode, out, operands };
  }
  if (form !== FORM.fold) throw new RangeError(`no form ${form}`);
  const reduction = readShape(from);
  const initial = from.u32();
  const rank = out.shape.length + reduction.length;
  const operands = counted(from.u8(), LIMITS.operands, () => readOperand(from, rank));
  return { form: "fold", opcode, out, reduction, initial, operands };
}

function whole<T>(place: string, bytes: Uint8Array, read: (from: ByteReader) => T): T {
  const from = new ByteReader(bytes);
  try {
    const value = read(from);
    if (from.rest > 0) throw new RangeError(`${from.rest} bytes left over`);
    return value;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw programFault("structure", place, cause.message, cause);
  }
}

/** The op of an encoding. Throws ENGINE_PROGRAM_STRUCTURE; checks nothing that `checkProgram` checks. */
export const decodeOp = (bytes: Uint8Array, place = "op"): Op => whole(place, bytes, readOp);

/** A program without its ops; the header tells how many of each there are. */
export interface DecodedHeader extends Omit<Program, "init" | "step" | "eval"> {
  readonly counts: Readonly<Record<"init" | "step" | "eval", number>>;
}

/** The header of an encoding, with names by position ("data 0"). Throws ENGINE_PROGRAM_STRUCTURE. */
export const decodeHeader = (bytes: Uint8Array): DecodedHeader =>
  whole("header", bytes, (from) => {
    const numerics = from.u16();
    if (numerics !== NUMERICS) throw new RangeError(`numerics version ${numerics}`);
    const head = { numerics: "f32-1" as const, steps: from.u32(), interval: from.u32() };
    const counts = { init: from.u16(), step: from.u16(), eval: from.u16() };
    const tensors = (what: string, limit: number) =>
      counted(from.u16(), limit, (i) => ({ name: `${what} ${i}`, ...readType(from) }));
    const data = tensors("data", LIMITS.dataTensors);
    const parent = tensors("parent", LIMITS.stateTensors);
    const state = counted(from.u16(), LIMITS.stateTensors, (i) => {
      const type = readType(from);
      const flags = from.u8();
      if (flags > FLAG_PARAMETER) throw new RangeError(`state tensor ${i} has flags ${flags}`);
      const parameter = flags === FLAG_PARAMETER;
      return { name: `state ${i}`, ...type, parameter, initOp: from.u16(), stepOp: from.u16() };
    });
    const outputs = counted(from.u16(), LIMITS.outputs, (i) => ({
      name: `output ${i}`,
      op: from.u16(),
    }));
    return { ...head, counts, data, parent, state, outputs };
  });
