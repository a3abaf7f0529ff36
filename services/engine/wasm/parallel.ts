/** How kernels are divided among threads, and how threads wait for each other. */
import { FunctionBuilder } from "./function.ts";
import type { Cursor } from "./loops.ts";
import type { ModuleBuilder } from "./module.ts";
import { I, VALUE } from "./opcodes.ts";

const { i32 } = VALUE;

/**
 * Words that threads share, behind the zero bytes of the memory. The first two are the barrier's; the others say what
 * to run.
 */
export const CONTROL = { arrived: 0, turn: 1, command: 2, list: 3, count: 4, step: 5 } as const;
export const CONTROL_BYTES = 64;

/** Turns of waiting before a thread goes to sleep: about as long as waking it takes, which is tens of microseconds. */
const SPINS = 20_000;

/** For how many threads a program is compiled. */
export interface Division {
  readonly count: number;
  /** Evaluations below which a kernel is not worth dividing. */
  readonly leastWork: number;
}

export const ONE_THREAD: Division = { count: 1, leastWork: 0 };
/** A kernel of so few evaluations takes about as long as threads take to meet. */
export const LEAST_WORK = 16_384;

export const divisionFor = (count: number): Division => ({ count, leastWork: LEAST_WORK });

/** A program that is compiled for several threads. */
export interface Threads extends Division {
  /** The global that holds a thread's number. */
  readonly global: number;
}

export const isWorthDividing = (threads: Threads | null, evaluations: number): threads is Threads =>
  threads !== null && evaluations >= threads.leastWork;

/** Locals with the bounds of this thread's part of `extent` units. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** Writes the code that computes the part: neighbouring units, as many a thread as can be. */
export const startPart = (f: FunctionBuilder, threads: Threads, extent: number, unit = 1): Part => {
  const units = Math.ceil(extent / unit);
  const [from, to] = [f.local(i32), f.local(i32)];
  const bound = (next: number, local: number): void => {
    f.globalGet(threads.global).i32(next).op(I.i32Add).i32(units).op(I.i32Mul);
    f.i32(threads.count).op(I.i32DivU).i32(unit).op(I.i32Mul).set(local);
    if (units * unit === extent) return;
    f.get(local).i32(extent).get(local).i32(extent).op(I.i32LtS).op(I.select).set(local);
  };
  bound(0, from);
  bound(1, to);
  return { from, to };
};

/** Runs `body` for each of the part's units, with every cursor that moves at the outermost level moved along. */
export const overPart = (
  f: FunctionBuilder,
  { from, to }: Part,
  cursors: readonly Cursor[],
  body: () => void,
): void => {
  const moving = cursors.filter((cursor) => (cursor.strides[0] ?? 0) !== 0);
  const outer = moving.map((cursor) => cursor.local);
  for (const cursor of moving) {
    const local = f.local(i32);
    f.get(from)
      .i32((cursor.strides[0] ?? 0) * cursor.scale)
      .op(I.i32Mul);
    f.get(cursor.local).op(I.i32Add).set(local);
    cursor.local = local;
  }
  const left = f.local(i32);
  f.get(to).get(from).op(I.i32Sub).tee(left).i32(0).op(I.i32GtS);
  f.if(() =>
    f.doWhile(() => {
      body();
      for (const cursor of moving) f.advance(cursor.local, (cursor.strides[0] ?? 0) * cursor.scale);
      f.get(left).i32(1).op(I.i32Sub).tee(left);
    }),
  );
  moving.forEach((cursor, i) => {
    cursor.local = outer[i] ?? cursor.local;
  });
};

/** A function that returns once every thread has called it. `control` is the address of {@link CONTROL}. */
export const barrier = (module: ModuleBuilder, threads: Threads, control: number): number =>
  module.helper("barrier", () => {
    const f = new FunctionBuilder("barrier", []);
    const [turn, spins] = [f.local(i32), f.local(i32)];
    const [arrived, turnAt] = [control + 4 * CONTROL.arrived, control + 4 * CONTROL.turn];
    const now = (): FunctionBuilder => f.i32(turnAt).memory(I.atomicLoad);
    now().set(turn);
    f.i32(arrived).i32(1).memory(I.atomicAdd);
    f.i32(threads.count - 1).op(I.i32Eq);
    f.if(
      () => {
        f.i32(arrived).i32(0).memory(I.atomicStore);
        f.i32(turnAt).i32(1).memory(I.atomicAdd).op(I.drop);
        f.i32(turnAt).i32(threads.count).memory(I.atomicNotify).op(I.drop);
      },
      () => {
        f.i32(SPINS).set(spins);
        f.doWhile(() => {
          f.get(spins).i32(1).op(I.i32Sub).set(spins);
          now().get(turn).op(I.i32Eq).get(spins).op(I.i32Eqz).op(I.i32Eqz).op(I.i32And);
        });
        now().get(turn).op(I.i32Eq);
        f.if(() =>
          f.doWhile(() => {
            f.i32(turnAt).get(turn).i64(-1).memory(I.atomicWait32).op(I.drop);
            now().get(turn).op(I.i32Eq);
          }),
        );
      },
    );
    return f;
  });
