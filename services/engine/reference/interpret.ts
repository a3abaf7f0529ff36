/** One op over all its elements, as plain loops over the coordinates. */
import { primitiveAt } from "../ir/primitives.ts";
import { coordinates, elements, terms } from "../ir/shape.ts";
import type { FoldOp, MapOp, Op } from "../ir/types.ts";
import { Odometer, Reader, type OperandMemory } from "./access.ts";
import { foldFunction, mapFunction, type SeedWords } from "./arithmetic.ts";
import { CANONICAL_NAN, decodeBits } from "./bits.ts";
import type { Memory } from "./memory.ts";

/** Runs an op once; its operands and output are bound. */
export type BoundOp = () => void;

const name = (op: Op) => {
  const primitive = primitiveAt(op.opcode);
  if (primitive === undefined) throw new RangeError(`no primitive ${op.opcode}`);
  return primitive.name;
};

function writer(out: Memory): (index: number, value: number) => void {
  const { values, words } = out;
  return (index, value) => {
    if (Number.isNaN(value)) words[index] = CANONICAL_NAN;
    else values[index] = value;
  };
}

function bindMap(op: MapOp, readers: readonly Reader[], out: Memory, seed: SeedWords): BoundOp {
  const f = mapFunction(name(op));
  const [x, y, z] = readers;
  const count = elements(op.out.shape);
  const write = writer(out);
  const odometer = new Odometer(
    coordinates(op),
    readers.flatMap((reader) => reader.walkers),
  );
  return () => {
    for (let i = 0; i < count; i++) {
      write(i, f(x?.read() ?? 0, y?.read() ?? 0, z?.read() ?? 0, seed));
      odometer.advance();
    }
  };
}

function bindFold(op: FoldOp, readers: readonly Reader[], out: Memory): BoundOp {
  const g = foldFunction(name(op));
  const [x, y] = readers;
  const count = elements(op.out.shape);
  const length = terms(op);
  const initial = decodeBits(op.initial, op.out.dtype);
  const write = writer(out);
  const odometer = new Odometer(
    coordinates(op),
    readers.flatMap((reader) => reader.walkers),
  );
  return () => {
    for (let i = 0; i < count; i++) {
      let acc = initial;
      for (let r = 0; r < length; r++) {
        acc = g(acc, x?.read() ?? 0, y?.read() ?? 0);
        odometer.advance();
      }
      write(i, acc);
    }
  };
}

/** A stretch of one fold: `count` terms along a line through each tensor. */
function productRun(
  acc: number,
  x: Float32Array,
  y: Float32Array,
  from: { readonly x: number; readonly y: number },
  stride: { readonly x: number; readonly y: number },
  count: number,
): number {
  let [i, j] = [from.x, from.y];
  let sum = Math.fround(acc);
  for (let r = 0; r < count; r++) {
    sum = Math.fround(sum + Math.fround((x[i] as number) * (y[j] as number)));
    i += stride.x;
    j += stride.y;
  }
  return sum;
}

/** The `mulAdd` fold over two tensors without guards and indirections: nearly all the work of a training job. */
function bindProducts(op: FoldOp, x: Reader, y: Reader, out: Memory): BoundOp {
  const [xs, ys] = [x.values, y.values];
  if (!(xs instanceof Float32Array) || !(ys instanceof Float32Array))
    throw new TypeError("mulAdd reads f32");
  const sizes = [...coordinates(op)];
  const run = op.reduction.length === 0 ? 1 : (sizes.pop() as number);
  const stride =
    op.reduction.length === 0
      ? { x: 0, y: 0 }
      : { x: x.address.strides.at(-1) as number, y: y.address.strides.at(-1) as number };
  const count = elements(op.out.shape);
  const runs = terms(op) / run;
  const initial = decodeBits(op.initial, "f32");
  const write = writer(out);
  const odometer = new Odometer(sizes, [x.address, y.address]);
  return () => {
    for (let i = 0; i < count; i++) {
      let acc = initial;
      for (let r = 0; r < runs; r++) {
        acc = productRun(
          acc,
          xs,
          ys,
          { x: x.address.position, y: y.address.position },
          stride,
          run,
        );
        odometer.advance();
      }
      write(i, acc);
    }
  };
}

/** Prepares an op over the given memory: `memory[k]` is behind operand `k`, results go to `out`. */
export function bindOp(
  op: Op,
  memory: readonly OperandMemory[],
  out: Memory,
  seed: SeedWords,
): BoundOp {
  const readers = op.operands.map((operand, k) => new Reader(operand, memory[k] as OperandMemory));
  if (op.form === "map") return bindMap(op, readers, out, seed);
  const [x, y] = readers;
  if (name(op) === "mulAdd" && x?.direct && y?.direct) return bindProducts(op, x, y, out);
  return bindFold(op, readers, out);
}
