/** Runs foreign programs in threads of their own, which can be killed at any moment. */
import type { Worker } from "node:worker_threads";
import { AssayError } from "@assay/protocol/errors";
import type {
  Assignment,
  CheckpointMessage,
  FromThread,
  Measurement,
  Pace,
  ToThread,
  TrainedModel,
} from "./messages.ts";
import { lockedWorker } from "./worker.ts";

export interface SandboxOptions {
  readonly assignment: Assignment;
  readonly onStep: (step: number, loss: number | null) => void;
  /** The thread goes on once this resolves. */
  readonly onCheckpoint: (checkpoint: CheckpointMessage) => Promise<void>;
  /** Kills the thread. */
  readonly signal: AbortSignal;
}

/** What a thread says until it is done; `answer` gives the last word, or undefined to listen on. */
type Listener<T> = (
  message: FromThread,
  worker: Worker,
  reject: (error: unknown) => void,
) => T | undefined;

/** Trains to the end. Throws the engine's codes, JOB_OUT_OF_MEMORY, JOB_CRASHED, and JOB_STOPPED once `signal` is aborted. */
export const trainInSandbox = ({
  assignment,
  signal,
  onStep,
  onCheckpoint,
}: SandboxOptions): Promise<TrainedModel> =>
  inThread<TrainedModel>(assignment, signal, (message, worker, reject) => {
    if (message.kind === "step") onStep(message.step, message.loss);
    else if (message.kind === "checkpoint")
      onCheckpoint(message).then(
        () => worker.postMessage({ kind: "kept" } satisfies ToThread, []),
        reject,
      );
    return message.kind === "done" ? message.model : undefined;
  });

/** Runs a program for a moment. Throws as {@link trainInSandbox}; the data is copied. */
export const measureInSandbox = (measurement: Measurement, signal: AbortSignal): Promise<Pace> =>
  inThread<Pace>(
    { ...measurement, data: measurement.data.map((words) => words.slice()) },
    signal,
    (message) => (message.kind === "measured" ? message.pace : undefined),
  );

/** The thread is gone when this settles. */
const inThread = async <T>(
  workerData: Assignment | Measurement,
  signal: AbortSignal,
  listen: Listener<T>,
): Promise<T> => {
  if (signal.aborted) throw stopped(signal);
  const worker = lockedWorker(new URL("thread.ts", import.meta.url), workerData, workerData.data);
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(stopped(signal));
      signal.addEventListener("abort", onAbort, { once: true });
      worker.on("message", (message: FromThread) => {
        if (message.kind === "failed")
          reject(new AssayError(message.code, message.message, { retryable: message.retryable }));
        const last = listen(message, worker, reject);
        if (last !== undefined) resolve(last);
      });
      worker.once("error", (cause: NodeJS.ErrnoException) => reject(crashed(cause)));
      worker.once("exit", (code) => reject(crashed(new Error(`thread ended with ${code}`))));
    });
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
    await worker.terminate();
  }
};

const stopped = (signal: AbortSignal): AssayError =>
  new AssayError("JOB_STOPPED", "training was stopped", {
    retryable: true,
    cause: signal.reason,
  });

const crashed = (cause: NodeJS.ErrnoException): AssayError =>
  cause.code === "ERR_WORKER_OUT_OF_MEMORY"
    ? new AssayError("JOB_OUT_OF_MEMORY", "training needed more memory than a job may use", {
        remedy: "Raise ASSAY_PROVIDER_MEMORY_MIB, or accept smaller jobs.",
        cause,
      })
    : new AssayError("JOB_CRASHED", `the training thread ended: ${cause.message}`, {
        remedy: "The job is tried again from its last checkpoint.",
        retryable: true,
        cause,
      });
