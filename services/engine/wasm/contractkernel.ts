import { elements } from "../ir/shape.ts";
import type { Contraction, ContractionOperand } from "./contraction.ts";
import { FunctionBuilder } from "./function.ts";
import { BufferParameters, type Kernel } from "./kernel.ts";
import { loopNest, startCursor } from "./loops.ts";
import { blockFunction, NARROW_TILE, tileBytes, type Tile } from "./microkernel.ts";
import type { ModuleBuilder } from "./module.ts";
import { I, VALUE } from "./opcodes.ts";
import { packFunction } from "./pack.ts";
import { isWorthDividing, overPart, type Part, startPart, type Threads } from "./parallel.ts";
import { buffersOf, Reader } from "./reader.ts";

const { i32 } = VALUE;

/** Block sizes: a panel of the right operand stays in the first-level cache, a block of the left one in the second. */
const MOST_TERMS = 384;
const MOST_ROWS = 128;
const MOST_COLUMNS = 2048;

/** Splits `whole` into equal blocks of at most `most`, each a multiple of `unit`. */
const blockSize = (whole: number, most: number, unit: number): number => {
  const blocks = Math.ceil(whole / most);
  return Math.ceil(whole / blocks / unit) * unit;
};

/** Compiles a contraction: packs blocks of both operands, then runs the register-blocked inner kernel over them. */
export const emitContraction = (
  module: ModuleBuilder,
  contraction: Contraction,
  widest: Tile,
  threads: Threads | null,
): Kernel => {
  const tile = contraction.columns <= NARROW_TILE.columns ? NARROW_TILE : widest;
  const { op, left, right, rows, columns, terms, batch, batchStrides, rowStride } = contraction;
  const own = { kind: "value" as const, index: op.index };
  const parameters = new BufferParameters([
    ...buffersOf(left.access),
    ...buffersOf(right.access),
    own,
  ]);
  const scratch = parameters.buffers.length;
  const f = new FunctionBuilder(
    `contract_${String(rows)}x${String(columns)}x${String(terms)}`,
    Array.from({ length: scratch + 1 }, () => i32),
  );
  const stepGlobal = module.global("step");
  const locals = {
    base: (buffer: typeof own | (typeof parameters.buffers)[number]) => parameters.of(buffer),
    stepGlobal,
  };
  const sides = [left, right].map((operand) => ({
    operand,
    reader: new Reader(f, operand.access, locals),
  }));
  const [leftSide, rightSide] = sides;
  if (leftSide === undefined || rightSide === undefined)
    throw new Error("a contraction has two sides");
  const out = startCursor(f, { offset: 0, strides: batchStrides }, 4, parameters.of(own));

  const rowBlock = blockSize(rows, MOST_ROWS, tile.rows);
  const columnBlock = blockSize(columns, MOST_COLUMNS, tile.columns);
  const termBlock = blockSize(terms, MOST_TERMS, 1);
  const edge = tileBytes(tile);
  const leftBytes = rowBlock * termBlock * 4;
  const rightBytes = columnBlock * termBlock * 4;
  const pack = {
    left: module.add(packFunction(left, tile.rows, stepGlobal)),
    right: module.add(packFunction(right, tile.columns, stepGlobal)),
  };
  const block = module.helper(`contractBlock${String(tile.columns)}`, () => blockFunction(tile));
  const [row, column, term] = [f.local(i32), f.local(i32), f.local(i32)];
  const [rowEnd, columnEnd, count] = [f.local(i32), f.local(i32), f.local(i32)];

  const pushPack = (
    side: { operand: ContractionOperand; reader: Reader },
    which: "left" | "right",
  ): void => {
    const [from, to] = which === "left" ? [row, rowEnd] : [column, columnEnd];
    for (const buffer of new BufferParameters(buffersOf(side.operand.access)).buffers)
      f.get(parameters.of(buffer));
    for (const cursor of side.reader.cursors) f.get(cursor.local);
    f.get(from).get(to).get(term).get(count).get(scratch);
    f.i32(which === "left" ? edge : edge + leftBytes).op(I.i32Add);
    f.call(pack[which]);
  };
  const cursors = [...leftSide.reader.cursors, ...rightSide.reader.cursors, out];
  const work = elements(batch) * rows * columns * terms;
  const shared = isWorthDividing(threads, work) ? sharedSide(threads, contraction) : null;
  const part =
    shared === null || threads === null
      ? null
      : startPart(
          f,
          threads,
          { batch: batch[0] ?? 1, rows, columns }[shared],
          { batch: 1, rows: tile.rows, columns: tile.columns }[shared],
        );
  const inside = (): void => {
    overBlocks(
      f,
      column,
      columnEnd,
      shared === "columns" ? part : null,
      columns,
      columnBlock,
      () => {
        const termEnd = f.local(i32);
        overBlocks(f, term, termEnd, null, terms, termBlock, () => {
          f.get(termEnd).get(term).op(I.i32Sub).set(count);
          pushPack(rightSide, "right");
          overBlocks(f, row, rowEnd, shared === "rows" ? part : null, rows, rowBlock, () => {
            pushPack(leftSide, "left");
            f.get(scratch).i32(edge).op(I.i32Add);
            f.get(scratch)
              .i32(edge + leftBytes)
              .op(I.i32Add);
            f.get(rowEnd).get(row).op(I.i32Sub);
            f.get(columnEnd).get(column).op(I.i32Sub);
            f.get(count);
            f.get(out.local)
              .get(row)
              .i32(rowStride * 4)
              .op(I.i32Mul)
              .op(I.i32Add);
            f.get(column).i32(2).op(I.i32Shl).op(I.i32Add);
            f.i32(rowStride * 4)
              .get(term)
              .op(I.i32Eqz)
              .f32Bits(op.initial)
              .get(scratch)
              .call(block);
          });
        });
      },
    );
  };
  if (part !== null && shared === "batch")
    overPart(f, part, cursors, () => loopNest(f, batch, 1, batch.length, cursors, inside));
  else loopNest(f, batch, 0, batch.length, cursors, inside);
  return {
    ops: [op.index],
    function: module.add(f),
    buffers: parameters.buffers,
    scratch: edge + leftBytes + rightBytes,
    path: "contraction",
    divided: shared !== null,
    notes: [],
  };
};

/** What threads share: a batch of their own each, else the longer side of the product. */
const sharedSide = (
  { count }: Threads,
  { batch, rows, columns }: Contraction,
): "batch" | "rows" | "columns" => {
  if ((batch[0] ?? 1) >= 2 * count || (batch[0] ?? 1) === count) return "batch";
  return rows >= columns ? "rows" : "columns";
};

/** Runs `body` with `at` and `end` set to the bounds of each block in turn, of a part or of the whole. */
const overBlocks = (
  f: FunctionBuilder,
  at: number,
  end: number,
  part: Part | null,
  whole: number,
  size: number,
  body: () => void,
): void => {
  const limit = (): FunctionBuilder => (part === null ? f.i32(whole) : f.get(part.to));
  const blocks = (): void => {
    f.doWhile(() => {
      f.get(at).i32(size).op(I.i32Add).tee(end);
      limit().get(end);
      limit().op(I.i32LtS).op(I.select).set(end);
      body();
      f.get(end).tee(at);
      limit().op(I.i32LtS);
    });
  };
  if (part === null) {
    f.i32(0).set(at);
    blocks();
    return;
  }
  f.get(part.from).tee(at).get(part.to).op(I.i32LtS);
  f.if(blocks);
};
