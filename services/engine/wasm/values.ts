import type { DType } from "../ir/types.ts";
import { accessKey, isUniform, type Access } from "./access.ts";
import type { FunctionBuilder } from "./function.ts";
import type { Helpers } from "./helpers.ts";
import type { LoweredOp } from "./lower.ts";
import { I, VALUE, type Instruction, type ValueType } from "./opcodes.ts";
import { laneShape, type Reader } from "./reader.ts";
import { emitScalar } from "./scalar.ts";
import { emitVector, givesMask, maskToInteger } from "./vector.ts";

/** A value that the code holds in a local: one element, or four lanes. */
interface Value {
  local: number;
  mask: boolean;
  readonly constant: number | null;
}

const loadOf = (dtype: DType): Instruction => (dtype === "f32" ? I.f32Load : I.i32Load);
export const valueType = (dtype: DType): ValueType => (dtype === "f32" ? VALUE.f32 : VALUE.i32);

/** What computes the maps of a group at one place of the loops. */
export interface MapCode {
  readonly f: FunctionBuilder;
  readonly helpers: Helpers;
  /** Maps of the group in list order, operands in the kernel's loop levels. */
  readonly maps: readonly LoweredOp[];
  /** The innermost output level, or −1 when there is none. */
  readonly level: number;
  readonly readerOf: (access: Access) => Reader;
  /** Stores the value of an op, if it is needed outside, at `steps` further along the level. */
  readonly store: (op: number, steps: number, lanes: boolean, push: () => void) => void;
}

/** A stretch of neighbouring elements whose checks were made once: byte address, and bytes per element (0 for +0s). */
interface Row {
  readonly pointer: number;
  readonly step: number;
}

/** What is settled before the innermost loop: values that do not change along it, as scalars and splatted, and rows. */
export interface Hoisted {
  readonly rows: Map<string, Row>;
  readonly accesses: Map<string, { scalar: Value; lanes: Value }>;
  readonly ops: Map<number, { scalar: Value; lanes: Value }>;
}

const producerOf = (access: Access, known: ReadonlySet<number>): number | null => {
  const { origin } = access;
  return origin.kind === "buffer" &&
    origin.buffer.kind === "value" &&
    known.has(origin.buffer.index)
    ? origin.buffer.index
    : null;
};

/** Writes the code for everything that is uniform along the innermost loop, in front of it. */
export const hoist = (code: MapCode, members: ReadonlySet<number>, lanes: boolean): Hoisted => {
  const { f, helpers, level } = code;
  const hoisted: Hoisted = { rows: new Map(), accesses: new Map(), ops: new Map() };
  const both = (dtype: DType, constant: number | null): { scalar: Value; lanes: Value } => {
    const scalar = f.local(valueType(dtype));
    f.set(scalar);
    const splat = f.local(VALUE.v128);
    if (lanes)
      f.get(scalar)
        .op(dtype === "f32" ? I.f32x4Splat : I.i32x4Splat)
        .set(splat);
    return {
      scalar: { local: scalar, mask: false, constant },
      lanes: { local: splat, mask: false, constant },
    };
  };
  for (const op of code.maps) {
    const args: number[] = [];
    for (const access of op.accesses) {
      const producer = producerOf(access, members);
      if (producer !== null) {
        const value = hoisted.ops.get(producer);
        if (value !== undefined) args.push(value.scalar.local);
        continue;
      }
      if (!isUniform(access, level)) {
        hoistRow(code, hoisted, access);
        continue;
      }
      const key = accessKey(access);
      let value = hoisted.accesses.get(key);
      if (value === undefined) {
        code.readerOf(access).scalar();
        const constant =
          access.origin.kind === "constant" && access.guards.length === 0
            ? access.origin.bits
            : null;
        value = both(access.dtype, constant);
        hoisted.accesses.set(key, value);
      }
      args.push(value.scalar.local);
    }
    if (args.length < op.accesses.length) continue;
    emitScalar(f, helpers, op.name, args);
    hoisted.ops.set(op.index, both(op.dtype, null));
  }
  return hoisted;
};

const hoistRow = ({ f, level, readerOf }: MapCode, hoisted: Hoisted, access: Access): void => {
  const key = accessKey(access);
  const reader = readerOf(access);
  if (!reader.conditional || laneShape(access, level) !== "contiguous" || hoisted.rows.has(key))
    return;
  const row = { pointer: f.local(VALUE.i32), step: f.local(VALUE.i32) };
  reader.pointer();
  f.tee(row.pointer).op(I.i32Eqz).op(I.i32Eqz).i32(2).op(I.i32Shl).set(row.step);
  hoisted.rows.set(key, row);
};

/** Moves the rows along the innermost loop. */
export const advanceRows = (f: FunctionBuilder, hoisted: Hoisted, count: number): void => {
  for (const { pointer, step } of hoisted.rows.values())
    f.get(pointer).get(step).i32(count).op(I.i32Mul).op(I.i32Add).set(pointer);
};

/**
 * Computes and stores all maps of the group for one element or four lanes, `steps` further along the innermost
 * level. `given` holds the fold's result.
 */
export const emitMaps = (
  code: MapCode,
  members: ReadonlySet<number>,
  hoisted: Hoisted,
  lanes: boolean,
  steps: number,
  given: ReadonlyMap<number, number>,
): void => {
  const { f, helpers, level } = code;
  const loaded = new Map<string, Value>();
  const computed = new Map<number, Value>();
  for (const [op, local] of given) computed.set(op, { local, mask: false, constant: null });

  const operand = (access: Access): Value => {
    const producer = producerOf(access, members);
    if (producer !== null) {
      const uniform = hoisted.ops.get(producer);
      const value = computed.get(producer) ?? (lanes ? uniform?.lanes : uniform?.scalar);
      if (value === undefined) throw new Error(`op ${String(producer)} is not computed yet`);
      return value;
    }
    const key = accessKey(access);
    const uniform = hoisted.accesses.get(key);
    if (uniform !== undefined) return lanes ? uniform.lanes : uniform.scalar;
    let value = loaded.get(key);
    if (value === undefined) {
      const row = hoisted.rows.get(key);
      const reader = code.readerOf(access);
      if (row !== undefined)
        f.get(row.pointer).memory(lanes ? I.v128Load : loadOf(access.dtype), steps * 4);
      else if (lanes) reader.vector(level, steps);
      else reader.scalar(level, steps);
      value = {
        local: f.local(lanes ? VALUE.v128 : valueType(access.dtype)),
        mask: false,
        constant: null,
      };
      f.set(value.local);
      loaded.set(key, value);
    }
    return value;
  };

  const asInteger = (value: Value): void => {
    if (!value.mask) return;
    const local = f.local(VALUE.v128);
    f.get(value.local);
    maskToInteger(f);
    f.set(local);
    value.local = local;
    value.mask = false;
  };

  const stores: (() => void)[] = [];
  for (const op of code.maps) {
    const uniform = hoisted.ops.get(op.index);
    let value = lanes ? uniform?.lanes : uniform?.scalar;
    if (value === undefined) {
      const args = op.accesses.map(operand);
      args.forEach((arg, i) => {
        if (op.name !== "select" || i > 0) asInteger(arg);
      });
      if (lanes) emitVector(f, helpers, op.name, args);
      else
        emitScalar(
          f,
          helpers,
          op.name,
          args.map((arg) => arg.local),
        );
      value = {
        local: f.local(lanes ? VALUE.v128 : valueType(op.dtype)),
        mask: lanes && givesMask(op.name),
        constant: null,
      };
      f.set(value.local);
      computed.set(op.index, value);
    }
    const result = value;
    stores.push(() => {
      code.store(op.index, steps, lanes, () => {
        asInteger(result);
        f.get(result.local);
      });
    });
  }
  // Stores come last: an op may write its state tensor in place while another map of the group still reads it.
  for (const store of stores) store();
};
