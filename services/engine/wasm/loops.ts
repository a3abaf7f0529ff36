import type { Affine } from "../ir/types.ts";
import type { FunctionBuilder } from "./function.ts";
import { I, VALUE } from "./opcodes.ts";

/** An affine form that follows the loops: its present value (times `scale`, plus a base) is in `local`. */
export interface Cursor {
  readonly strides: readonly number[];
  readonly scale: number;
  local: number;
}

/** Starts a cursor at the origin of the loop nest: `base + scale · offset` in a fresh local. */
export const startCursor = (
  f: FunctionBuilder,
  affine: Affine,
  scale: number,
  base: number | null,
): Cursor => {
  const start = affine.offset * scale;
  if (base !== null && start === 0) return { strides: affine.strides, scale, local: base };
  const local = f.local(VALUE.i32);
  if (base === null) f.i32(start).set(local);
  else f.get(base).i32(start).op(I.i32Add).set(local);
  return { strides: affine.strides, scale, local };
};

const strideAt = (cursor: Cursor, level: number): number => cursor.strides[level] ?? 0;

/** Gives every cursor that moves at this level a local of its own while `body` is written. */
export const enterLevel = (
  f: FunctionBuilder,
  level: number,
  cursors: readonly Cursor[],
  body: (advance: (count: number) => void) => void,
): void => {
  const moving = cursors.filter((cursor) => strideAt(cursor, level) !== 0);
  const outer = moving.map((cursor) => cursor.local);
  for (const cursor of moving) {
    const local = f.local(VALUE.i32);
    f.get(cursor.local).set(local);
    cursor.local = local;
  }
  body((count) => {
    for (const cursor of moving)
      f.advance(cursor.local, strideAt(cursor, level) * cursor.scale * count);
  });
  moving.forEach((cursor, i) => {
    cursor.local = outer[i] ?? cursor.local;
  });
};

/** Loops over the levels `[first, last)` in row-major order, moving the cursors along. */
export const loopNest = (
  f: FunctionBuilder,
  extents: readonly number[],
  first: number,
  last: number,
  cursors: readonly Cursor[],
  body: () => void,
): void => {
  if (first >= last) {
    body();
    return;
  }
  enterLevel(f, first, cursors, (advance) => {
    f.repeat(extents[first] ?? 1, () => {
      loopNest(f, extents, first + 1, last, cursors, body);
      advance(1);
    });
  });
};
