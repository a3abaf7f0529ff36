import type { Affine } from "../ir/types.ts";
import { movesPlainly, type BufferRef } from "./access.ts";
import type { ContractionOperand } from "./contraction.ts";
import { FunctionBuilder } from "./function.ts";
import { BufferParameters } from "./kernel.ts";
import type { Cursor } from "./loops.ts";
import { I, VALUE } from "./opcodes.ts";
import { lanesOneByOne, neighbourLanes, transposedLanes, type PackCode } from "./packlanes.ts";
import { buffersOf, laneShape, Reader } from "./reader.ts";

const { i32 } = VALUE;

/** Lanes that are packed together where their neighbourhood allows it. */
const GROUP = 4;

/** How the lanes of an operand lie in memory, which decides how they are packed. */
type Layout =
  /** Lanes of a panel are always neighbours. */
  | "panels"
  /** Lanes are neighbours, but a panel may reach over the end of a row of them. */
  | "groups"
  /** Terms are neighbours: four lanes are transposed. */
  | "terms"
  | "scattered";

const layoutOf = (operand: ContractionOperand, width: number): Layout => {
  const { access, batch, lanes, terms } = operand;
  const split = batch + lanes.length;
  const row = lanes.at(-1) ?? 1;
  if (laneShape(access, split - 1) === "contiguous" && row >= GROUP)
    return lanes.length === 1 || row % width === 0 ? "panels" : "groups";
  const plain = terms.every((_, k) => movesPlainly(access, split + k));
  const run = terms.at(-1) ?? 1;
  const neighbours = laneShape(access, split + terms.length - 1) === "contiguous";
  return plain && neighbours && run >= GROUP ? "terms" : "scattered";
};

/**
 * `(buffers…, cursors…, lane, laneEnd, term, terms, target)`: copies the operand's lanes `[lane, laneEnd)` and `terms`
 * terms from `term` on to `target`, in panels of `width` lanes, term by term; lanes past the end become zeros. The
 * cursors are those of the operand's reader, at its place in the batch.
 */
export const packFunction = (
  operand: ContractionOperand,
  width: number,
  stepGlobal: number,
): FunctionBuilder => {
  const parameters = new BufferParameters(buffersOf(operand.access));
  const { access, batch, lanes: laneExtents, terms: termExtents } = operand;
  const affines = 1 + access.guards.length + (access.lookup === null ? 0 : 1);
  const first = parameters.buffers.length;
  const at = first + affines;
  const layout = layoutOf(operand, width);
  const f = new FunctionBuilder(
    `pack${String(width)}_${layout}[${laneExtents.join("x")}/${termExtents.join("x")}]`,
    Array.from({ length: at + 5 }, () => i32),
  );
  const [lane, laneEnd, term, terms, target] = [at, at + 1, at + 2, at + 3, at + 4];

  const split = batch + laneExtents.length;
  const moving: PackCode["moving"][number][] = [];
  const start = (_: FunctionBuilder, affine: Affine, scale: number): Cursor => {
    const cursor = { strides: affine.strides, scale, local: f.local(i32) };
    const scaled = affine.strides.map((stride) => stride * scale);
    moving.push({
      cursor,
      given: first + moving.length,
      lanes: scaled.slice(batch, split),
      terms: scaled.slice(split),
    });
    return cursor;
  };
  const base = (buffer: BufferRef): number => parameters.of(buffer);
  const code: PackCode = {
    f,
    width,
    laneExtents,
    laneEnd,
    terms: { extents: termExtents, first: term, count: terms },
    lastLane: split - 1,
    plainTerms: termExtents.every((_, k) => movesPlainly(access, split + k)),
    reader: new Reader(f, access, { base, stepGlobal }, start),
    moving,
  };

  f.doWhile(() => {
    if (layout === "panels") {
      f.get(laneEnd).get(lane).op(I.i32Sub).i32(width).op(I.i32GeS);
      f.if(
        () => neighbourLanes(code, lane, target, width),
        () => lanesOneByOne(code, lane, target, width),
      );
    } else if (layout === "scattered") {
      lanesOneByOne(code, lane, target, width);
    } else {
      panelByGroups(code, layout, lane, target);
    }
    f.get(target)
      .get(terms)
      .i32(width * 4)
      .op(I.i32Mul)
      .op(I.i32Add)
      .set(target);
    f.advance(lane, width);
    f.get(lane).get(laneEnd).op(I.i32LtS);
  });
  return f;
};

/** A panel in groups of four lanes, each packed fast where it can be. */
const panelByGroups = (
  code: PackCode,
  layout: "groups" | "terms",
  firstLane: number,
  target: number,
): void => {
  const { f, width, laneExtents, laneEnd } = code;
  const [lane, end, column, fast] = [f.local(i32), f.local(i32), f.local(i32), f.local(i32)];
  f.get(firstLane).tee(lane).i32(width).op(I.i32Add).set(end);
  f.get(target).set(column);
  f.doWhile(() => {
    f.get(lane).i32(GROUP).op(I.i32Add).get(laneEnd).op(I.i32LeS).set(fast);
    const slow = (): void => lanesOneByOne(code, lane, column, GROUP);
    if (layout === "groups") {
      const row = laneExtents.at(-1) ?? 1;
      f.get(lane)
        .i32(row)
        .op(I.i32RemU)
        .i32(row - GROUP)
        .op(I.i32LeS);
      f.get(fast).op(I.i32And);
      f.if(() => neighbourLanes(code, lane, column, GROUP), slow);
    } else {
      transposedLanes(code, lane, column, fast);
      f.get(fast).op(I.i32Eqz);
      f.if(slow);
    }
    f.advance(column, GROUP * 4);
    f.advance(lane, GROUP);
    f.get(lane).get(end).op(I.i32LtS);
  });
};
