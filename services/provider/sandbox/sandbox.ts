/** Runs foreign programs in threads of their own, which can be killed at any moment. */
import { copyColumns, wordsOf } from "@assay/engine/columns/column";
import type { SpeedReport } from "@assay/engine/wasm/report";
import { AssayError } from "@assay/protocol/errors";
import { ranOutOfHeap, runThread, type ThreadRun } from "@assay/runtime/threads";
import type {
  Assignment,
  CheckpointMessage,
  FromThread,
  Measurement,
  Pace,
  ToThread,
  TrainedModel,
} from "./messages.ts";

export interface SandboxOptions {
  readonly assignment: Assignment;
  /** The program is compiled; the first step follows. */
  readonly onCompiled?: ((speed: SpeedReport) => void) | undefined;
  readonly onStep: (step: number, loss: number | null) => void;
  /** The thread goes on once this resolves. */
  readonly onCheckpoint: (checkpoint: CheckpointMessage) => Promise<void>;
  /** Kills the thread. */
  readonly signal: AbortSignal;
}

/** Trains to the end. Throws the engine's codes, JOB_OUT_OF_MEMORY, JOB_CRASHED, and JOB_STOPPED once `signal` is aborted. */
export const trainInSandbox = ({
  assignment,
  signal,
  onCompiled,
  onStep,
  onCheckpoint,
}: SandboxOptions): Promise<TrainedModel> =>
  inThread<TrainedModel>(assignment, signal, (message, reply, reject) => {
    if (message.kind === "compiled") onCompiled?.(message.speed);
    else if (message.kind === "step") onStep(message.step, message.loss);
    else if (message.kind === "checkpoint")
      onCheckpoint(message).then(() => reply({ kind: "kept" }), reject);
    return message.kind === "done" ? { value: message.model } : undefined;
  });

/** Runs a program for a moment. Throws as {@link trainInSandbox}; what of the data is in memory is copied. */
export const measureInSandbox = (measurement: Measurement, signal: AbortSignal): Promise<Pace> =>
  inThread<Pace>({ ...measurement, data: copyColumns(measurement.data) }, signal, (message) =>
    message.kind === "measured" ? { value: message.pace } : undefined,
  );

const inThread = <T>(
  workerData: Assignment | Measurement,
  signal: AbortSignal,
  listen: ThreadRun<FromThread, ToThread, T>["listen"],
): Promise<T> =>
  runThread({
    script: new URL("thread.ts", import.meta.url),
    workerData,
    give: wordsOf(workerData.data),
    signal,
    listen,
    stopped,
    crashed,
  });

const stopped = (cause: unknown): AssayError =>
  new AssayError("JOB_STOPPED", "training was stopped", { retryable: true, cause });

const crashed = (cause: Error): AssayError =>
  ranOutOfHeap(cause)
    ? new AssayError("JOB_OUT_OF_MEMORY", "training needed more memory than a job may use", {
        remedy: "Raise ASSAY_PROVIDER_MEMORY_MIB, or accept smaller jobs.",
        cause,
      })
    : new AssayError("JOB_CRASHED", `the training thread ended: ${cause.message}`, {
        remedy: "The job is tried again from its last checkpoint.",
        retryable: true,
        cause,
      });
