import { AssayError } from "@assay/protocol/errors";
import type { OpList, Program } from "../ir/types.ts";
import type { BufferRef } from "./access.ts";
import { elements } from "../ir/shape.ts";
import { emitContraction } from "./contractkernel.ts";
import { matchContraction, type Contraction } from "./contraction.ts";
import { FunctionBuilder } from "./function.ts";
import { fuse } from "./fuse.ts";
import { helpersOf, type Helpers } from "./helpers.ts";
import type { Kernel, KernelPath } from "./kernel.ts";
import { barrier, ONE_THREAD, type Threads } from "./parallel.ts";
import { emitLoopKernel } from "./loopkernel.ts";
import { lower } from "./lower.ts";
import { meetings, type Span, type Work } from "./meetings.ts";
import type { Tile } from "./microkernel.ts";
import { ModuleBuilder } from "./module.ts";
import { I } from "./opcodes.ts";
import { planMemory, storedOps, type MemoryPlan, type ScheduledKernel } from "./plan.ts";

export interface KernelReport {
  readonly list: OpList;
  /** Ops of the list that the kernel computes. */
  readonly ops: readonly number[];
  readonly path: KernelPath;
  /** Whether threads share it, where there are several. */
  readonly divided: boolean;
  readonly notes: readonly string[];
}

/** What the compiler made of a program: nothing that runs slowly goes unnamed. */
export interface CompileReport {
  /** Bytes of linear memory: fixed once compiled, all of it is allocated before the first step. */
  readonly peakBytes: number;
  readonly moduleBytes: number;
  readonly kernels: readonly KernelReport[];
  /** The kernels on the scalar path or with parts computed lane by lane. */
  readonly slow: readonly KernelReport[];
}

export interface Compiled {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly plan: MemoryPlan;
  readonly report: CompileReport;
  /** Threads that have to run it together. */
  readonly threads: number;
}

const LISTS = ["init", "step", "eval"] as const;
const EXPORTED = { init: "runInit", step: "runStep", eval: "runEval" } as const;

const PAGE_BYTES = 65536;
const MOST_PAGES = 65536;

/** Compiles a checked program to a WebAssembly module with the functions `runInit`, `runStep`, `runEval` and `canonicalise`.
 * For one thread where no part of a step is worth dividing: others would be met at every step, and do nothing. Throws
 * ENGINE_MEMORY_LIMIT beyond 4 GiB.
 */
export const compile = (program: Program, tile: Tile, division = ONE_THREAD): Compiled => {
  const { count } = division;
  const module = new ModuleBuilder(count > 1);
  const threads = count > 1 ? { ...division, global: module.global("thread") } : null;
  const helpers = helpersOf(module);
  const kernels = {
    init: compileList(program, "init", module, helpers, tile, threads),
    step: compileList(program, "step", module, helpers, tile, threads),
    eval: compileList(program, "eval", module, helpers, tile, threads),
  };
  if (threads !== null && !kernels.step.some(({ kernel }) => kernel.divided))
    return compile(program, tile);
  const plan = planMemory(program, kernels, count);
  if (plan.pages > MOST_PAGES) {
    throw new AssayError(
      "ENGINE_MEMORY_LIMIT",
      `the program needs ${plan.pages * PAGE_BYTES} bytes, a WebAssembly memory holds ${MOST_PAGES * PAGE_BYTES}`,
      {
        remedy:
          "Use a smaller batch, fewer parameters, a smaller data set, or fewer held-out rows (evaluateAtMost).",
        details: { bytes: plan.pages * PAGE_BYTES },
      },
    );
  }
  for (const list of LISTS)
    module.export(
      EXPORTED[list],
      module.add(listFunction(program, list, kernels[list], plan, module, threads)),
    );
  module.export("canonicalise", helpers.canonicalise());
  const bytes = module.finish(plan.pages);
  const reports = LISTS.flatMap((list) =>
    kernels[list].map(({ kernel }) => ({
      list,
      ops: kernel.ops,
      path: kernel.path,
      divided: kernel.divided,
      notes: kernel.notes,
    })),
  );
  return {
    bytes,
    plan,
    threads: count,
    report: {
      peakBytes: plan.pages * PAGE_BYTES,
      moduleBytes: bytes.length,
      kernels: reports,
      slow: reports.filter((kernel) => kernel.path === "scalar" || kernel.notes.length > 0),
    },
  };
};

const compileList = (
  program: Program,
  list: OpList,
  module: ModuleBuilder,
  helpers: Helpers,
  tile: Tile,
  threads: Threads | null,
): ScheduledKernel[] => {
  const ops = lower(program, list);
  const contractions = new Map<number, Contraction>();
  for (const op of ops) {
    const contraction = matchContraction(op);
    if (contraction !== null) contractions.set(op.index, contraction);
  }
  const groups = fuse(ops, new Set(contractions.keys()));
  const stored = storedOps(program, list, groups);
  return groups.map((group) => {
    const contraction = contractions.get(group.ops[0]?.index ?? -1);
    const kernel =
      contraction === undefined
        ? emitLoopKernel(module, helpers, group, stored, threads)
        : emitContraction(module, contraction, tile, threads);
    return { group, kernel };
  });
};

/** Bytes of a buffer, in the memory that the plan gives it. */
const spanOf = (
  program: Program,
  list: OpList,
  plan: MemoryPlan,
  { kind, index }: BufferRef,
): Span => {
  const from = kind === "value" ? plan.lists[list].values.get(index) : plan[kind][index];
  const tensor = kind === "value" ? program[list][index]?.out : program[kind][index];
  if (from === undefined || tensor === undefined)
    throw new Error(`${kind} ${String(index)} has no place in memory`);
  return { from, to: from + 4 * elements(tensor.shape) };
};

/** The function that calls a list's kernels in order, and then copies what could not be made in place. */
const listFunction = (
  program: Program,
  list: OpList,
  kernels: readonly ScheduledKernel[],
  plan: MemoryPlan,
  module: ModuleBuilder,
  threads: Threads | null,
): FunctionBuilder => {
  const f = new FunctionBuilder(list, []);
  const { copies, scratch } = plan.lists[list];
  const span = (buffer: BufferRef): Span => spanOf(program, list, plan, buffer);
  const call = (kernel: Kernel): void => {
    for (const buffer of kernel.buffers) f.i32(span(buffer).from);
    if (kernel.scratch > 0) {
      f.i32(scratch);
      if (threads !== null)
        f.globalGet(threads.global).i32(plan.scratchBytes).op(I.i32Mul).op(I.i32Add);
    }
    f.call(kernel.function);
  };
  const copy = (): void => {
    for (const { from, to, bytes } of copies) f.i32(to).i32(from).i32(bytes).op(I.memoryCopy);
  };
  if (threads === null) {
    for (const { kernel } of kernels) call(kernel);
    copy();
    return f;
  }
  const pieces: (Work & { readonly emit: () => void })[] = kernels.map(({ kernel }) => {
    const made = (buffer: BufferRef): boolean =>
      buffer.kind === "value" && kernel.ops.includes(buffer.index);
    return {
      divided: kernel.divided,
      reads: kernel.buffers.filter((buffer) => !made(buffer)).map(span),
      writes: kernel.buffers.filter(made).map(span),
      emit: () => call(kernel),
    };
  });
  if (copies.length > 0)
    pieces.push({
      divided: false,
      reads: copies.map(({ from, bytes }) => ({ from, to: from + bytes })),
      writes: copies.map(({ to, bytes }) => ({ from: to, to: to + bytes })),
      emit: copy,
    });
  const wait = barrier(module, threads, plan.control);
  const meet = meetings(pieces);
  // What the first thread does alone between two meetings takes one branch.
  let alone: (() => void)[] = [];
  const flush = (): void => {
    const some = alone;
    alone = [];
    if (some.length === 0) return;
    f.globalGet(threads.global).op(I.i32Eqz);
    f.if(() => some.forEach((emit) => emit()));
  };
  pieces.forEach(({ divided, emit }, i) => {
    if (meet[i] === true) {
      flush();
      f.call(wait);
    }
    if (divided) emit();
    else alone.push(emit);
  });
  flush();
  f.call(wait);
  return f;
};
