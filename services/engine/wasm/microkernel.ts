import { FunctionBuilder } from "./function.ts";
import { I, VALUE } from "./opcodes.ts";

const { i32, f32, v128 } = VALUE;

/** Rows and columns of the part of the output that stays in registers. Columns are a multiple of four. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
}

/** For 128-bit registers: eight accumulators, and room for the operands. */
export const NARROW_TILE: Tile = { rows: 4, columns: 8 };
/** For an engine that joins neighbouring lanes to 256 bits: the same in registers of twice the width. */
export const WIDE_TILE: Tile = { rows: 4, columns: 16 };

/** Bytes of scratch memory for a tile that hangs over the edge of the output. */
export const tileBytes = (tile: Tile): number => tile.rows * tile.columns * 4;

/** Terms of one turn of the inner loop. */
const UNROLL = 2;

/**
 * `(left, right, rows, columns, terms, out, outStride, first, initial, tile)`: `out[i][j] = fold over k of
 * left[i][k] · right[k][j]`, continuing from what `out` holds unless `first`. `left` is packed in panels of
 * `tile.rows` rows, `right` in panels of `tile.columns` columns, term by term, both filled up with zeros.
 * `outStride` is in bytes. Each output takes its terms in order, rounded after the multiply and after the add.
 */
export const blockFunction = (shape: Tile): FunctionBuilder => {
  const f = new FunctionBuilder("contractBlock", [
    ...Array.from({ length: 8 }, () => i32),
    f32,
    i32,
  ]);
  const [left, right, rows, columns, terms, out, outStride, first, initial, tile] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
  ];
  const [leftAt, outAt, row, column] = [f.local(i32), f.local(i32), f.local(i32), f.local(i32)];
  const [height, width, whole] = [f.local(i32), f.local(i32), f.local(i32)];
  const [target, stride] = [f.local(i32), f.local(i32)];

  const tileStride = f.local(i32);
  f.i32(shape.columns * 4).set(tileStride);

  const minimum = (limit: number, local: number, done: number, result: number): void => {
    f.get(local).get(done).op(I.i32Sub).tee(result).i32(limit);
    f.get(result).i32(limit).op(I.i32LtS).op(I.select).set(result);
  };
  f.i32(0).set(column);
  f.doWhile(() => {
    minimum(shape.columns, columns, column, width);
    f.i32(0).set(row);
    f.get(left).set(leftAt);
    f.get(out).get(column).i32(2).op(I.i32Shl).op(I.i32Add).set(outAt);
    f.doWhile(() => {
      minimum(shape.rows, rows, row, height);
      f.get(height).i32(shape.rows).op(I.i32Eq).get(width).i32(shape.columns).op(I.i32Eq);
      f.op(I.i32And).set(whole);
      f.get(outAt).get(tile).get(whole).op(I.select).set(target);
      f.get(outStride)
        .i32(shape.columns * 4)
        .get(whole)
        .op(I.select)
        .set(stride);
      f.get(whole).get(first).op(I.i32Or).op(I.i32Eqz);
      f.if(() => copyTile(f, tile, tileStride, outAt, outStride, height, width));
      emitTile(f, shape, { left: leftAt, right, terms, out: target, stride, first, initial });
      f.get(whole).op(I.i32Eqz);
      f.if(() => copyTile(f, outAt, outStride, tile, tileStride, height, width));
      f.get(leftAt)
        .get(terms)
        .i32(shape.rows * 4)
        .op(I.i32Mul)
        .op(I.i32Add)
        .set(leftAt);
      f.get(outAt).get(outStride).i32(shape.rows).op(I.i32Mul).op(I.i32Add).set(outAt);
      f.advance(row, shape.rows);
      f.get(row).get(rows).op(I.i32LtS);
    });
    f.get(right)
      .get(terms)
      .i32(shape.columns * 4)
      .op(I.i32Mul)
      .op(I.i32Add)
      .set(right);
    f.advance(column, shape.columns);
    f.get(column).get(columns).op(I.i32LtS);
  });
  return f;
};

/** Copies `height` × `width` elements; strides in bytes. */
const copyTile = (
  f: FunctionBuilder,
  to: number,
  toStride: number,
  from: number,
  fromStride: number,
  height: number,
  width: number,
): void => {
  const [target, source, row, column] = [f.local(i32), f.local(i32), f.local(i32), f.local(i32)];
  const [rowTarget, rowSource] = [f.local(i32), f.local(i32)];
  f.get(to).set(rowTarget);
  f.get(from).set(rowSource);
  f.get(height).set(row);
  f.doWhile(() => {
    f.get(rowTarget).set(target);
    f.get(rowSource).set(source);
    f.get(width).set(column);
    f.doWhile(() => {
      f.get(target).get(source).memory(I.i32Load).memory(I.i32Store);
      f.advance(target, 4);
      f.advance(source, 4);
      f.get(column).i32(1).op(I.i32Sub).tee(column);
    });
    f.get(rowTarget).get(toStride).op(I.i32Add).set(rowTarget);
    f.get(rowSource).get(fromStride).op(I.i32Add).set(rowSource);
    f.get(row).i32(1).op(I.i32Sub).tee(row);
  });
};

interface TileLocals {
  readonly left: number;
  readonly right: number;
  readonly terms: number;
  readonly out: number;
  readonly stride: number;
  readonly first: number;
  readonly initial: number;
}

/** The register-blocked inner kernel: one accumulator per four elements of the tile. */
const emitTile = (f: FunctionBuilder, shape: Tile, at: TileLocals): void => {
  const halves = shape.columns / 4;
  const accumulators = Array.from({ length: shape.rows * halves }, () => f.local(v128));
  const rows = Array.from({ length: shape.rows }, () => f.local(i32));
  rows.forEach((row, i) => {
    const above = rows[i - 1];
    if (above === undefined) f.get(at.out).set(row);
    else f.get(above).get(at.stride).op(I.i32Add).set(row);
  });
  f.get(at.first);
  f.if(
    () => {
      const start = f.local(v128);
      f.get(at.initial).op(I.f32x4Splat).set(start);
      for (const accumulator of accumulators) f.get(start).set(accumulator);
    },
    () =>
      accumulators.forEach((accumulator, i) => {
        const row = rows[Math.floor(i / halves)] ?? at.out;
        f.get(row)
          .memory(I.v128Load, (i % halves) * 16)
          .set(accumulator);
      }),
  );

  const [a, b] = [f.local(i32), f.local(i32)];
  f.get(at.left).set(a);
  f.get(at.right).set(b);
  const columns = Array.from({ length: halves }, () => f.local(v128));
  const splat = f.local(v128);
  const term = (k: number): void => {
    columns.forEach((column, h) => {
      f.get(b)
        .memory(I.v128Load, k * shape.columns * 4 + h * 16)
        .set(column);
    });
    for (let i = 0; i < shape.rows; i++) {
      f.get(a)
        .memory(I.v128Load32Splat, (k * shape.rows + i) * 4)
        .set(splat);
      columns.forEach((column, h) => {
        const accumulator = accumulators[i * halves + h] ?? splat;
        f.get(accumulator).get(splat).get(column).op(I.f32x4Mul).op(I.f32x4Add).set(accumulator);
      });
    }
  };
  const loop = (count: number, unroll: number): void => {
    f.get(count);
    f.if(() => {
      f.doWhile(() => {
        for (let k = 0; k < unroll; k++) term(k);
        f.advance(a, unroll * shape.rows * 4);
        f.advance(b, unroll * shape.columns * 4);
        f.get(count).i32(1).op(I.i32Sub).tee(count);
      });
    });
  };
  const count = f.local(i32);
  f.get(at.terms).i32(UNROLL).op(I.i32DivU).set(count);
  loop(count, UNROLL);
  if (UNROLL > 1) {
    f.get(at.terms).i32(UNROLL).op(I.i32RemU).set(count);
    loop(count, 1);
  }
  accumulators.forEach((accumulator, i) => {
    const row = rows[Math.floor(i / halves)] ?? at.out;
    f.get(row)
      .get(accumulator)
      .memory(I.v128Store, (i % halves) * 16);
  });
};
