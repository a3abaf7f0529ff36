import { elements } from "../ir/shape.ts";
import { affinesOf, isUniform, mapStrides, type Access } from "./access.ts";
import { collapse, project, rowMajor } from "./collapse.ts";
import type { LoweredOp } from "./lower.ts";

/** One operand of a contraction over its own merged loops: batch, then lanes (rows or columns), then terms. */
export interface ContractionOperand {
  readonly access: Access;
  readonly batch: number;
  readonly lanes: readonly number[];
  readonly terms: readonly number[];
}

/**
 * `out[b, m, n] = fold over k of left[b, m, k] · right[b, n, k]`: a matrix product in any transposition, batched,
 * with whatever guards and row lookups its operands have (a convolution reads its patches through them).
 */
export interface Contraction {
  readonly op: LoweredOp;
  readonly batch: readonly number[];
  readonly rows: number;
  readonly columns: number;
  readonly terms: number;
  readonly left: ContractionOperand;
  readonly right: ContractionOperand;
  /** Strides of the output: per batch dimension, and from row to row. Columns are neighbours. */
  readonly batchStrides: readonly number[];
  readonly rowStride: number;
}

/** Below these sizes a plain loop does as well. */
const LEAST_ROWS = 4;
const LEAST_COLUMNS = 4;
const LEAST_WORK = 2048;

interface Roles {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly batch: readonly number[];
}

/**
 * Splits the output dimensions for a given pair: the columns are the last dimensions, those along which `left` stands
 * still; the rows are the longest run of the others along which `right` stands still.
 */
const rolesOf = (shape: readonly number[], left: Access, right: Access): Roles => {
  let from = shape.length;
  while (from > 0 && isUniform(left, from - 1)) from -= 1;
  const columns = shape.map((_, d) => d).slice(from);
  const runs: number[][] = [[]];
  for (let d = 0; d < from; d++) {
    if (isUniform(right, d)) runs.at(-1)?.push(d);
    else runs.push([]);
  }
  const size = (run: readonly number[]): number => elements(run.map((d) => shape[d] ?? 1));
  const rows = runs.reduce((best, run) => (size(run) > size(best) ? run : best));
  return {
    rows,
    columns,
    batch: shape
      .map((_, d) => d)
      .slice(0, from)
      .filter((d) => !rows.includes(d)),
  };
};

/** Recognises a `mulAdd` fold whose operands each lack some of the output dimensions; null for any other op. */
export const matchContraction = (op: LoweredOp): Contraction | null => {
  const [x, y] = op.accesses;
  if (op.name !== "mulAdd" || op.reduction === null || x === undefined || y === undefined)
    return null;
  if (x.origin.kind !== "buffer" || y.origin.kind !== "buffer") return null;
  const kept = op.shape.map((_, d) => d).filter((d) => op.shape[d] !== 1);
  const shape = kept.map((d) => op.shape[d] ?? 1);
  const squeeze = (access: Access): Access =>
    mapStrides(access, (s) => [...kept.map((d) => s[d] ?? 0), ...s.slice(op.shape.length)]);
  const last = shape.length - 1;
  const [a, b] = [squeeze(x), squeeze(y)];
  const [left, right] = last >= 0 && isUniform(a, last) ? [a, b] : [b, a];
  const roles = rolesOf(shape, left, right);
  const sizeOf = (dims: readonly number[]): number[] => dims.map((d) => shape[d] ?? 1);
  const rows = elements(sizeOf(roles.rows));
  const columns = elements(sizeOf(roles.columns));
  const terms = elements(op.reduction);
  if (rows < LEAST_ROWS || columns < LEAST_COLUMNS || rows * columns * terms < LEAST_WORK)
    return null;
  const dense = rowMajor(shape);
  const operand = (access: Access, lanes: readonly number[]): ContractionOperand =>
    operandOf(access, shape, op.reduction ?? [], roles.batch, lanes);
  return {
    op,
    batch: sizeOf(roles.batch),
    rows,
    columns,
    terms,
    left: operand(left, roles.rows),
    right: operand(right, roles.columns),
    batchStrides: roles.batch.map((d) => dense[d] ?? 0),
    rowStride: dense[roles.rows.at(-1) ?? 0] ?? 0,
  };
};

const operandOf = (
  access: Access,
  shape: readonly number[],
  reduction: readonly number[],
  batch: readonly number[],
  lanes: readonly number[],
): ContractionOperand => {
  const order = [...lanes, ...reduction.map((_, k) => shape.length + k)];
  const extents = [...lanes.map((d) => shape[d] ?? 1), ...reduction];
  const pick = (strides: readonly number[]): number[] => order.map((d) => strides[d] ?? 0);
  const merged = collapse(
    extents,
    affinesOf(access).map((affine) => pick(affine.strides)),
    [lanes.length],
  );
  const laneLevels = merged.kept.filter((d) => d < lanes.length).length;
  return {
    access: mapStrides(access, (s) => [
      ...batch.map((d) => s[d] ?? 0),
      ...project(merged, pick(s)),
    ]),
    batch: batch.length,
    lanes: merged.extents.slice(0, laneLevels),
    terms: merged.extents.slice(laneLevels),
  };
};
