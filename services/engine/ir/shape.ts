import type { Op, Shape } from "./types.ts";

/** Number of elements of a shape; 1 for a scalar. */
export const elements = (shape: Shape): number =>
  shape.reduce((product, dimension) => product * dimension, 1);

/** Terms that one output element takes: the size of a fold's reduction, 1 for a map. */
export const terms = (op: Op): number => (op.form === "fold" ? elements(op.reduction) : 1);

/** The sizes of the coordinates that an access runs over: output dimensions, then reduction dimensions. */
export const coordinates = (op: Op): Shape =>
  op.form === "fold" ? [...op.out.shape, ...op.reduction] : op.out.shape;

/** Whether two shapes are the same. */
export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((dimension, d) => dimension === b[d]);
