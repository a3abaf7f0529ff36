/** Threads for strangers' programs: no environment, no arguments, no standard input or output, a bounded heap. */
import { Worker } from "node:worker_threads";
import { AssayError, isAssayError } from "@assay/protocol/errors";

/**
 * Heap of a thread in MiB: several times what parsing and compiling the largest program can take. A thread that reached its
 * limit could take the whole process with it, so programs are bounded before they get here; a program's own memory is outside
 * the heap and known before it starts.
 */
const HEAP_MIB = 1_024;

/** Starts a thread. The buffers of `give` are no longer the caller's. */
export const startThread = (
  script: URL,
  workerData: unknown,
  give: readonly ArrayBufferView[] = [],
): Worker => {
  const worker = new Worker(script, {
    workerData,
    transferList: give.map((view) => view.buffer as ArrayBuffer),
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

/** What a thread says last when it failed. */
export interface ThreadFailure {
  readonly kind: "failed";
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** An error as a message. What nobody foresaw may be this machine's fault, so it may be tried again. */
export const threadFailure = (error: unknown, unforeseen: string): ThreadFailure => ({
  kind: "failed",
  code: isAssayError(error) ? error.code : unforeseen,
  message: error instanceof Error ? error.message : String(error),
  retryable: isAssayError(error) ? error.retryable : true,
});

/** Whether a thread ended because its heap was full. */
export const ranOutOfHeap = (cause: Error): boolean =>
  (cause as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";

export interface ThreadRun<From, To, T> {
  readonly script: URL;
  readonly workerData: unknown;
  /** Views whose buffers are given away with it. */
  readonly give: readonly ArrayBufferView[];
  /** Kills the thread. */
  readonly signal: AbortSignal;
  /** Hears every message until it gives the last word. */
  readonly listen: (
    message: From,
    reply: (message: To) => void,
    reject: (error: unknown) => void,
  ) => { readonly value: T } | undefined;
  /** Of a run that the signal ended. */
  readonly stopped: (reason: unknown) => AssayError;
  /** Of a thread that ended without a last word. */
  readonly crashed: (cause: Error) => AssayError;
}

/** Runs a thread to its last word; it is gone when this settles. Throws what the thread, `stopped` or `crashed` say. */
export const runThread = async <From extends { readonly kind: string }, To, T>(
  run: ThreadRun<From | ThreadFailure, To, T>,
): Promise<T> => {
  const { signal, stopped, crashed } = run;
  if (signal.aborted) throw stopped(signal.reason);
  const worker = startThread(run.script, run.workerData, run.give);
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(stopped(signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      const reply = (message: To): void => worker.postMessage(message, []);
      worker.on("message", (message: From | ThreadFailure) => {
        if (isFailure(message))
          reject(new AssayError(message.code, message.message, { retryable: message.retryable }));
        const last = run.listen(message, reply, reject);
        if (last !== undefined) resolve(last.value);
      });
      worker.once("error", (cause) => reject(crashed(cause)));
      worker.once("exit", (code) => reject(crashed(new Error(`thread ended with ${code}`))));
    });
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
};

const isFailure = (message: { readonly kind: string }): message is ThreadFailure =>
  message.kind === "failed";
