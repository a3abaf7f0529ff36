/** Threads that run one compiled program together, on one memory. The caller's thread is the first of them. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { OpList } from "../ir/types.ts";
import { CONTROL } from "./parallel.ts";
import type { WasmExports, WasmModule } from "./runtime.ts";

/** What a thread of a team is told when it starts. */
export interface TeamMember {
  readonly module: WasmModule;
  readonly memory: WasmExports["memory"];
  readonly thread: number;
  /** Byte address of the control words. */
  readonly control: number;
  readonly seedLow: number;
  readonly seedHigh: number;
}

/** Numbers of the lists in the control words. */
export const LIST_NUMBERS: Readonly<Record<OpList, number>> = { init: 0, step: 1, eval: 2 };

/** Runs a list once, or its steps from `from` on, on one thread: threads meet at the barriers inside. */
export const runList = (exports: WasmExports, list: number, from: number, count: number): void => {
  const { step, runInit, runStep, runEval } = exports;
  for (let i = 0; i < count; i++) {
    step.value = from + i;
    if (list === LIST_NUMBERS.init) runInit();
    else if (list === LIST_NUMBERS.step) runStep();
    else runEval();
  }
};

export class Team {
  readonly #workers: readonly Worker[];
  readonly #control: Int32Array;

  private constructor(workers: readonly Worker[], control: Int32Array) {
    this.#workers = workers;
    this.#control = control;
  }

  /** Starts `count − 1` threads beside the caller's and waits until they are ready. */
  static async start(count: number, member: Omit<TeamMember, "thread">): Promise<Team> {
    const workers = Array.from({ length: count - 1 }, (_, i) => {
      const workerData: TeamMember = { ...member, thread: i + 1 };
      return new Worker(new URL("thread.ts", import.meta.url), { workerData, name: "engine" });
    });
    try {
      await Promise.all(workers.map((worker) => once(worker, "message")));
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
    for (const worker of workers) worker.unref();
    return new Team(workers, new Int32Array(member.memory.buffer, member.control, 16));
  }

  /** Tells the other threads what the caller is about to run. */
  tell(list: OpList, from: number, count: number): void {
    const control = this.#control;
    Atomics.store(control, CONTROL.list, LIST_NUMBERS[list]);
    Atomics.store(control, CONTROL.step, from);
    Atomics.store(control, CONTROL.count, count);
    Atomics.add(control, CONTROL.command, 1);
    Atomics.notify(control, CONTROL.command);
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }
}
