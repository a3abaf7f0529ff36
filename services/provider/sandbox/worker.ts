/** The threads that foreign programs run in. */
import { Worker } from "node:worker_threads";
import type { Words } from "@assay/engine/backend";

/**
 * Heap of a thread in MiB: several times what parsing and compiling the largest program can take. A thread that reached its
 * limit could take the whole process with it, so programs are bounded before they get here (`jobs/inputs.ts`); the
 * program's own memory is outside the heap and known before it starts.
 */
const HEAP_MIB = 1_024;

/** A thread without environment, arguments, standard input or output. The tensors given away are empty afterwards. */
export const lockedWorker = (file: URL, workerData: unknown, give: readonly Words[]): Worker => {
  const worker = new Worker(file, {
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
