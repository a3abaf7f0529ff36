/** Threads for strangers' programs: no environment, no arguments, no standard input, a bounded heap. */
import { Worker } from "node:worker_threads";
import type { Words } from "@assay/engine/backend";
import { AssayError } from "@assay/protocol/errors";

/**
 * Several times what parsing and compiling the largest program can take. A program's own memory is outside the heap and known
 * before it starts.
 */
const HEAP_MIB = 1_024;

/** Starts a thread; the buffers of `give` are no longer the caller's. */
export const startThread = (
  script: URL,
  workerData: unknown,
  give: readonly Words[] = [],
): Worker => {
  const worker = new Worker(script, {
    workerData,
    transferList: give.map((words) => words.buffer as ArrayBuffer),
    env: {},
    argv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  return worker;
};

/** A thread's end as an error with a code. */
export const crashed = (cause: Error): AssayError =>
  (cause as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY"
    ? new AssayError("REPLAY_OUT_OF_MEMORY", "the run needed more memory than it may use", {
        remedy: "Raise ASSAY_WATCHER_MEMORY_MIB, or leave jobs of this size to others.",
        cause,
      })
    : new AssayError("REPLAY_CRASHED", `the thread of a run ended: ${cause.message}`, {
        remedy: "It is tried again from its last checkpoint.",
        retryable: true,
        cause,
      });
