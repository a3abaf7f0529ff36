/** Random accesses that pass the checker: direct ones stay inside their tensor, the others carry guards or rows. */
import { elements } from "../ir/shape.ts";
import type {
  Affine,
  Guard,
  Indirection,
  Operand,
  Shape,
  Source,
  TensorType,
} from "../ir/types.ts";
import type { Random } from "./random.ts";

export interface Candidate {
  readonly source: Extract<Source, { readonly index: number }>;
  readonly type: TensorType;
}

const range = (strides: readonly number[], sizes: Shape): { low: number; high: number } =>
  strides.reduce(
    (sum, stride, d) => {
      const reach = stride * ((sizes[d] as number) - 1);
      return { low: sum.low + Math.min(0, reach), high: sum.high + Math.max(0, reach) };
    },
    { low: 0, high: 0 },
  );

/** Row-major strides of a shape over coordinates of the same sizes: the plain access. */
function rowMajor(sizes: Shape): number[] {
  let stride = 1;
  return sizes
    .toReversed()
    .map((size) => {
      const here = stride;
      stride *= size;
      return here;
    })
    .toReversed();
}

function randomStrides(random: Random, sizes: Shape): number[] {
  const plain = rowMajor(sizes);
  switch (random.integer(0, 4)) {
    case 0:
      return plain;
    case 1:
      return plain.map((stride) => (random.oneIn(2) ? 0 : stride));
    case 2:
      return sizes.map(() => random.integer(-1, 2));
    case 3: {
      const shuffled = [...sizes.keys()].sort(() => (random.oneIn(2) ? 1 : -1));
      const permuted = rowMajor(shuffled.map((d) => sizes[d] as number));
      return sizes.map((_, d) => permuted[shuffled.indexOf(d)] as number);
    }
    default:
      return sizes.map(() => random.integer(-7, 7));
  }
}

/** An affine whose values are all inside `[0, size)`; strides are dropped until it fits. */
function inside(random: Random, sizes: Shape, size: number): Affine {
  const wanted = randomStrides(random, sizes);
  for (;;) {
    const { low, high } = range(wanted, sizes);
    const slack = size - 1 - (high - low);
    if (slack >= 0)
      return { offset: random.integer(0, Math.min(slack, 100)) - low, strides: wanted };
    const worst = wanted.reduce(
      (best, stride, d) =>
        Math.abs(stride) * (sizes[d] as number) >
        Math.abs(wanted[best] as number) * (sizes[best] as number)
          ? d
          : best,
      0,
    );
    wanted[worst] = random.oneIn(2) ? Math.sign(wanted[worst] as number) * 1 : 0;
    if (range(wanted, sizes).high - range(wanted, sizes).low > size - 1) wanted[worst] = 0;
  }
}

/** An affine that may leave the tensor on both sides. */
function loose(random: Random, sizes: Shape): Affine {
  return { offset: random.integer(-4, 4), strides: randomStrides(random, sizes) };
}

/** A guard that often fails for some coordinates and passes for others. */
function guard(random: Random, sizes: Shape): Guard {
  const affine = { offset: random.integer(-2, 1), strides: sizes.map(() => random.integer(-1, 2)) };
  return { ...affine, limit: random.integer(1, 8) };
}

function indirection(
  random: Random,
  sizes: Shape,
  tables: readonly Candidate[],
  guarded: boolean,
): Indirection {
  const table = random.pick(tables);
  const size = elements(table.type.shape);
  return {
    ...(guarded ? loose(random, sizes) : inside(random, sizes, size)),
    source: table.source,
    rowStride: random.integer(-1, 6),
    limit: random.pick([1, 3, 8, 1000]),
  };
}

/** A random operand that reads the candidate. `tables` are the i32 tensors that may pick rows. */
export function memoryOperand(
  random: Random,
  sizes: Shape,
  candidate: Candidate,
  tables: readonly Candidate[],
): Operand {
  const size = elements(candidate.type.shape);
  const { source } = candidate;
  const guards = random.oneIn(3)
    ? random.list(random.integer(1, 3), () => guard(random, sizes))
    : [];
  if (tables.length > 0 && random.oneIn(4)) {
    const rows = indirection(random, sizes, tables, guards.length > 0);
    return { source, ...loose(random, sizes), guards, indirection: rows };
  }
  const affine = guards.length > 0 ? loose(random, sizes) : inside(random, sizes, size);
  return { source, ...affine, guards, indirection: null };
}

/** An operand without memory: a constant, the step, or the access itself. */
export function fixedOperand(random: Random, sizes: Shape, source: Source): Operand {
  const guards = random.oneIn(5) ? [guard(random, sizes)] : [];
  if (source.kind === "index")
    return { source, ...loose(random, sizes), guards, indirection: null };
  return { source, offset: 0, strides: sizes.map(() => 0), guards, indirection: null };
}
