/**
 * What one operand reads of a column in a file, as a tensor of its own: the *stage*, filled from the file just before the op runs.
 * The operand then reads the stage, and gets the same bits.
 */
import type { Words } from "../backend.ts";
import { guardedRangeOf, type Interval } from "../ir/interval.ts";
import type { Affine, Guard, Indirection } from "../ir/types.ts";
import type { ColumnReader } from "./column.ts";

/** `count` rows of `width` elements, one every `pitch` elements from `from` on. What lies outside the column is 0. */
export interface FixedPart {
  readonly kind: "fixed";
  readonly from: number;
  readonly pitch: number;
  readonly count: number;
  readonly width: number;
}

/**
 * For each of `count` elements `r` of a table, from its element `first` on, the `width` elements from `from + rowStride · r` on; zeros
 * where `r` is not in `[0, limit)`.
 */
export interface PickedPart {
  readonly kind: "picked";
  readonly first: number;
  readonly count: number;
  readonly from: number;
  readonly rowStride: number;
  readonly limit: number;
  readonly width: number;
}

export type Part = FixedPart | PickedPart;

/** A part of a column, and where in it the operand finds its elements. */
export interface Staging<P extends Part> {
  readonly part: P;
  readonly address: Affine;
  /** Has to pass too. */
  readonly guard: Guard | null;
}

export const partElements = ({ count, width }: Part): number => count * width;

const widthOf = ({ low, high }: Interval): number => high - low + 1;

/** One stretch with all that is read; addresses that the column does not have stay outside of it. */
const stretch = (address: Affine, { low, high }: Interval, length: number): Staging<FixedPart> => {
  const from = Math.min(Math.max(low, 0), length - 1);
  const width = Math.max(1, Math.min(high, length - 1) - from + 1);
  return {
    part: { kind: "fixed", from, pitch: width, count: 1, width },
    address: { offset: address.offset - from, strides: address.strides },
    guard: null,
  };
};

/** An operand's coordinates: how far they run, and where a guard keeps it from reading. */
export interface Loops {
  readonly extents: readonly number[];
  readonly guards: readonly Guard[];
}

/**
 * What `address` reads of a column of `length` elements: the rows of its largest stride, where they do not overlap; else all from the
 * first element to the last.
 */
export const stageFixed = (
  address: Affine,
  { extents, guards }: Loops,
  length: number,
): Staging<FixedPart> => {
  const { offset, strides } = address;
  const reach = strides.map((stride, d) => ((extents[d] ?? 1) > 1 ? Math.abs(stride) : 0));
  const pitch = Math.max(0, ...reach);
  const outer = reach.indexOf(pitch);
  const inRow = { offset: 0, strides: strides.map((stride, d) => (d === outer ? 0 : stride)) };
  const row = guardedRangeOf(inRow, extents, guards);
  const width = widthOf(row);
  if (width < 1 || width >= pitch)
    return stretch(address, guardedRangeOf(address, extents, guards), length);
  const count = extents[outer] as number;
  const stride = strides[outer] as number;
  return {
    part: {
      kind: "fixed",
      from: offset + row.low + (stride > 0 ? 0 : stride * (count - 1)),
      pitch,
      count,
      width,
    },
    address: {
      offset: (stride > 0 ? 0 : width * (count - 1)) - row.low,
      strides: inRow.strides.map((own, d) => (d === outer ? Math.sign(stride) * width : own)),
    },
    guard: null,
  };
};

/** The same for an operand whose rows a table of `tableLength` elements picks. */
export const stagePicked = (
  address: Affine,
  indirection: Indirection,
  { extents, guards }: Loops,
  tableLength: number,
): Staging<PickedPart> => {
  const { rowStride, limit, offset, strides } = indirection;
  const row = guardedRangeOf(address, extents, guards);
  const width = Math.max(1, widthOf(row));
  const looked = guardedRangeOf({ offset, strides }, extents, guards);
  const first = Math.min(Math.max(looked.low, 0), tableLength - 1);
  const count = Math.max(1, Math.min(looked.high, tableLength - 1) - first + 1);
  // An address behind the table is behind the stage too, but may be no 32-bit number there.
  const isInside = looked.low >= first && looked.high < first + count;
  return {
    part: { kind: "picked", first, count, from: row.low, rowStride, limit, width },
    address: {
      offset: address.offset - row.low + width * (offset - first),
      strides: address.strides.map((stride, d) => stride + width * (strides[d] ?? 0)),
    },
    guard: isInside ? null : { offset: offset - first, strides, limit: count },
  };
};

/** Reads elements of a column; those that it does not have are 0. */
const readRow = (column: ColumnReader, from: number, into: Words): void => {
  const begin = Math.min(Math.max(0, -from), into.length);
  const end = Math.max(begin, Math.min(into.length, column.length - from));
  into.fill(0, 0, begin);
  into.fill(0, end);
  if (end > begin) column.read(from + begin, into.subarray(begin, end));
};

/**
 * Fills a stage. `table`: all elements of the table that picks the rows. Throws ENGINE_COLUMN_UNREADABLE.
 */
export const fillStage = (
  part: Part,
  column: ColumnReader,
  table: Words | undefined,
  into: Words,
): void => {
  const { count, width } = part;
  if (part.kind === "fixed" && part.pitch === width) {
    readRow(column, part.from, into);
    return;
  }
  for (let k = 0; k < count; k++) {
    const row = into.subarray(k * width, (k + 1) * width);
    if (part.kind === "fixed") {
      readRow(column, part.from + k * part.pitch, row);
      continue;
    }
    // As u32: a negative row is beyond any limit.
    const picked = table?.[part.first + k];
    if (picked === undefined) throw new RangeError(`no element ${part.first + k} in the table`);
    if (picked < part.limit) readRow(column, part.from + part.rowStride * picked, row);
    else row.fill(0);
  }
};
