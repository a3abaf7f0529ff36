import { accessKey, affinesOf, mapStrides, type Access } from "./access.ts";
import { elements } from "../ir/shape.ts";
import { collapse, project, rowMajor } from "./collapse.ts";
import { FunctionBuilder } from "./function.ts";
import type { Group } from "./fuse.ts";
import type { Helpers } from "./helpers.ts";
import { BufferParameters, type Kernel, type KernelPath } from "./kernel.ts";
import { enterLevel, loopNest, startCursor, type Cursor } from "./loops.ts";
import type { LoweredOp } from "./lower.ts";
import type { ModuleBuilder } from "./module.ts";
import { I, VALUE } from "./opcodes.ts";
import { isWorthDividing, overPart, startPart, type Threads } from "./parallel.ts";
import { buffersOf, laneShape, Reader } from "./reader.ts";
import { emitScalar } from "./scalar.ts";
import { advanceRows, emitMaps, hoist, valueType, type MapCode } from "./values.ts";
import { emitVector, isLanewise } from "./vector.ts";

/** The ops of a group in the merged loop levels of their kernel: output levels first, then the fold's own. */
interface Nest {
  readonly extents: readonly number[];
  readonly outputLevels: number;
  readonly fold: LoweredOp | null;
  readonly maps: readonly LoweredOp[];
  readonly storeStrides: readonly number[];
}

const nestOf = (group: Group): Nest => {
  const [first] = group.ops;
  if (first === undefined) throw new Error("a group has at least one op");
  const fold = group.ops.find((op) => op.reduction !== null) ?? null;
  const shape = first.shape.filter((extent) => extent !== 1);
  const reduction = fold?.reduction ?? [];
  // Shapes of the group's ops differ at most in dimensions of extent 1, whose strides play no part.
  const squeezed = group.ops.map((op) =>
    withAccesses(op, (access) =>
      mapStrides(access, (strides) => [
        ...strides.filter((_, d) => d >= op.shape.length || op.shape[d] !== 1),
        ...(op.reduction === null ? reduction.map(() => 0) : []),
      ]),
    ),
  );
  const dense = [...rowMajor(shape), ...reduction.map(() => 0)];
  const strideLists = squeezed.flatMap((op) =>
    op.accesses.flatMap((a) => affinesOf(a).map((affine) => affine.strides)),
  );
  const merged = collapse([...shape, ...reduction], [dense, ...strideLists], [shape.length]);
  const ops = squeezed.map((op) =>
    withAccesses(op, (access) => mapStrides(access, (s) => project(merged, s))),
  );
  return {
    extents: merged.extents,
    outputLevels: merged.kept.filter((d) => d < shape.length).length,
    fold: ops.find((op) => op.reduction !== null) ?? null,
    maps: ops.filter((op) => op.reduction === null),
    storeStrides: project(merged, dense),
  };
};

const withAccesses = (op: LoweredOp, map: (access: Access) => Access): LoweredOp => ({
  ...op,
  accesses: op.accesses.map(map),
});

/** Parts that one long level is cut into, so that threads can share it: the most of these that divides it evenly. */
const PARTS = [64, 32, 16, 12, 10, 8, 6, 5, 4, 3, 2];

/** The nest with an outermost level for threads to share, and whether it has one. */
const dividedNest = (nest: Nest, threads: Threads | null): { nest: Nest; divided: boolean } => {
  if (!isWorthDividing(threads, elements(nest.extents))) return { nest, divided: false };
  const [extent = 1] = nest.extents;
  if (nest.outputLevels !== 1)
    return { nest, divided: nest.outputLevels > 1 && extent >= threads.count };
  const parts = PARTS.find((p) => extent % (4 * p) === 0 && p >= threads.count);
  if (parts === undefined) return { nest, divided: false };
  const length = extent / parts;
  const cut = (strides: readonly number[]): number[] => [(strides[0] ?? 0) * length, ...strides];
  const cutOp = (op: LoweredOp): LoweredOp => withAccesses(op, (access) => mapStrides(access, cut));
  return {
    divided: true,
    nest: {
      extents: [parts, length, ...nest.extents.slice(1)],
      outputLevels: 2,
      fold: nest.fold && cutOp(nest.fold),
      maps: nest.maps.map(cutOp),
      storeStrides: cut(nest.storeStrides),
    },
  };
};

/** Elements per turn of the innermost output loop, largest first; 1 is the scalar rest. */
const blockSizes = (nest: Nest): number[] => {
  const width = nest.extents[nest.outputLevels - 1] ?? 1;
  if (nest.outputLevels === 0 || width < 4) return [1];
  return nest.fold === null ? [4, 1] : [16, 8, 4, 1];
};

/** Compiles a group of maps, or a fold with the maps that follow it, to one loop nest. */
export const emitLoopKernel = (
  module: ModuleBuilder,
  helpers: Helpers,
  group: Group,
  stored: ReadonlySet<number>,
  threads: Threads | null,
): Kernel => {
  const { nest, divided } = dividedNest(nestOf(group), threads);
  const members = new Set(group.ops.map((op) => op.index));
  const outputs = group.ops.filter((op) => stored.has(op.index));
  const all = nest.fold === null ? nest.maps : [nest.fold, ...nest.maps];
  const external = (access: Access): boolean =>
    !(
      access.origin.kind === "buffer" &&
      access.origin.buffer.kind === "value" &&
      members.has(access.origin.buffer.index)
    );
  const accesses = all.flatMap((op) => op.accesses).filter(external);
  const parameters = new BufferParameters([
    ...accesses.flatMap(buffersOf),
    ...outputs.map((op) => ({ kind: "value" as const, index: op.index })),
  ]);

  const f = new FunctionBuilder(
    nameOf(group),
    parameters.buffers.map(() => VALUE.i32),
  );
  const locals = {
    base: (buffer: Parameters<typeof parameters.of>[0]) => parameters.of(buffer),
    stepGlobal: module.global("step"),
  };
  const readers = new Map<string, Reader>();
  for (const access of accesses) {
    const key = accessKey(access);
    if (!readers.has(key)) readers.set(key, new Reader(f, access, locals));
  }
  const readerOf = (access: Access): Reader => {
    const reader = readers.get(accessKey(access));
    if (reader === undefined) throw new Error("every external access has a reader");
    return reader;
  };
  const targets = new Map<number, Cursor>();
  for (const op of outputs) {
    const base = parameters.of({ kind: "value", index: op.index });
    targets.set(op.index, startCursor(f, { offset: 0, strides: nest.storeStrides }, 4, base));
  }
  const cursors = [
    ...[...readers.values()].flatMap((reader) => reader.cursors),
    ...targets.values(),
  ];
  const level = nest.outputLevels - 1;
  const types = new Map(all.map((op) => [op.index, op.dtype]));
  const store: MapCode["store"] = (op, steps, lanes, push) => {
    const target = targets.get(op);
    if (target === undefined) return;
    f.get(target.local);
    push();
    const scalar = types.get(op) === "f32" ? I.f32Store : I.i32Store;
    f.memory(lanes ? I.v128Store : scalar, steps * 4);
  };
  const code: MapCode = { f, helpers, maps: nest.maps, level, readerOf, store };

  const sizes = blockSizes(nest);
  const lanesUsed = sizes.length > 1;
  const block = (size: number, hoisted: ReturnType<typeof hoist>): void => {
    const given: ReadonlyMap<number, number>[] =
      nest.fold === null
        ? Array.from({ length: Math.max(1, size / 4) }, () => new Map<number, number>())
        : emitFold(f, helpers, nest, nest.fold, size, readerOf, cursors).map(
            (local) => new Map([[nest.fold?.index ?? 0, local]]),
          );
    given.forEach((values, i) => {
      emitMaps(code, members, hoisted, size > 1, i * 4, values);
      for (const [op, local] of values) store(op, i * 4, size > 1, () => f.get(local));
    });
  };

  if (level < 0) {
    block(1, hoist({ ...code, maps: [] }, members, false));
  } else {
    const inner = (): void => {
      const hoisted = hoist(code, members, lanesUsed);
      enterLevel(f, level, cursors, (advance) => {
        let rest = nest.extents[level] ?? 1;
        for (const size of sizes) {
          const count = Math.floor(rest / size);
          if (count === 0) continue;
          rest -= count * size;
          f.repeat(count, () => {
            block(size, hoisted);
            advance(size);
            advanceRows(f, hoisted, size);
          });
        }
      });
    };
    const outer = (from: number): void => loopNest(f, nest.extents, from, level, cursors, inner);
    if (divided && threads !== null)
      overPart(f, startPart(f, threads, nest.extents[0] ?? 1), cursors, () => outer(1));
    else outer(0);
  }
  const path: KernelPath = lanesUsed || elements(nest.extents) < 4 ? "vector" : "scalar";
  return {
    ops: group.ops.map((op) => op.index),
    function: module.add(f),
    buffers: parameters.buffers,
    scratch: 0,
    path,
    divided,
    notes: lanesUsed ? notesOf(all, external, level) : [],
  };
};

/** Folds `size` neighbouring outputs side by side; returns the accumulators: one scalar, or a local per four lanes. */
const emitFold = (
  f: FunctionBuilder,
  helpers: Helpers,
  nest: Nest,
  fold: LoweredOp,
  size: number,
  readerOf: (access: Access) => Reader,
  cursors: readonly Cursor[],
): number[] => {
  const level = nest.outputLevels - 1;
  const lanes = size > 1;
  const float = fold.dtype === "f32";
  const type = lanes ? VALUE.v128 : valueType(fold.dtype);
  const accumulators = Array.from({ length: Math.max(1, size / 4) }, () => f.local(type));
  for (const accumulator of accumulators) {
    const { initial } = fold;
    if (lanes) f.v128([initial, initial, initial, initial]);
    else if (float) f.f32Bits(initial);
    else f.i32(initial);
    f.set(accumulator);
  }
  loopNest(f, nest.extents, nest.outputLevels, nest.extents.length, cursors, () => {
    const shared = fold.accesses.map((access) => {
      if (!lanes || laneShape(access, level) !== "uniform") return null;
      const local = f.local(VALUE.v128);
      readerOf(access).vector(level);
      f.set(local);
      return local;
    });
    accumulators.forEach((accumulator, i) => {
      const operands = fold.accesses.map((access, k) => {
        const known = shared[k];
        if (known !== null && known !== undefined) return known;
        const local = f.local(lanes ? VALUE.v128 : valueType(access.dtype));
        if (lanes) readerOf(access).vector(level, i * 4);
        else readerOf(access).scalar();
        f.set(local);
        return local;
      });
      const args = [accumulator, ...operands];
      if (lanes)
        emitVector(
          f,
          helpers,
          fold.name,
          args.map((local) => ({ local, mask: false, constant: null })),
        );
      else emitScalar(f, helpers, fold.name, args);
      f.set(accumulator);
    });
  });
  return accumulators;
};

const nameOf = (group: Group): string => {
  const [first] = group.ops;
  const over = (first?.reduction ?? []).join("x");
  const names = group.ops.map((op) => op.name).slice(0, 4);
  return `${names.join("_")}[${first?.shape.join("x") ?? ""}${over === "" ? "" : `/${over}`}]`;
};

const notesOf = (
  ops: readonly LoweredOp[],
  external: (access: Access) => boolean,
  level: number,
): string[] => {
  const notes: string[] = [];
  for (const op of ops) {
    const constants = op.accesses.map((a) => (a.origin.kind === "constant" ? a.origin.bits : null));
    if (isLanewise(op.name, constants))
      notes.push(`op ${String(op.index)}: ${op.name} lane by lane`);
    op.accesses.forEach((access, k) => {
      if (external(access) && laneShape(access, level) === "gather") {
        notes.push(`op ${String(op.index)}: operand ${String(k)} gathered lane by lane`);
      }
    });
  }
  return notes;
};
