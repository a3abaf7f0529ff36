/** Runs strangers' programs in threads of their own, which can be killed at any moment. */
import type { Words } from "@assay/engine/backend";
import { AssayError } from "@assay/protocol/errors";
import { crashed, startThread } from "../thread.ts";
import type {
  Assignment,
  CheckpointMessage,
  ConfirmAssignment,
  Disagreement,
  FromThread,
  ReplayAssignment,
  RunRoots,
  ToThread,
} from "./messages.ts";

export interface ReplayOptions {
  readonly assignment: ReplayAssignment;
  /** The thread goes on once this resolves. */
  readonly onCheckpoint: (checkpoint: CheckpointMessage) => Promise<void>;
  /** Kills the thread. */
  readonly signal: AbortSignal;
}

/** Runs a job again. Throws the engine's codes, REPLAY_CRASHED, REPLAY_OUT_OF_MEMORY, and REPLAY_STOPPED once `signal` is aborted. */
export const replayInThread = (options: ReplayOptions): Promise<RunRoots> =>
  inThread(options.assignment, options.signal, (message, reply, reject) => {
    if (message.kind === "checkpoint")
      options.onCheckpoint(message).then(() => reply({ kind: "kept" }), reject);
    return message.kind === "replayed" ? { value: message.run } : undefined;
  });

/** Checks a run against a second one and against the other back end. Throws as {@link replayInThread}. */
export const confirmInThread = (
  assignment: ConfirmAssignment,
  signal: AbortSignal,
): Promise<Disagreement> =>
  inThread(assignment, signal, (message) =>
    message.kind === "confirmed" ? { value: message.disagreement } : undefined,
  );

type Listener<T> = (
  message: FromThread,
  reply: (message: ToThread) => void,
  reject: (error: unknown) => void,
) => { readonly value: T } | undefined;

/** The data is copied: the caller keeps its own. */
const inThread = async <T>(
  assignment: Assignment,
  signal: AbortSignal,
  listen: Listener<T>,
): Promise<T> => {
  if (signal.aborted) throw stopped(signal);
  const copies = (tensors: readonly Words[]) => tensors.map((words): Words => words.slice());
  const [data, parent] = [copies(assignment.data), copies(assignment.parent)];
  const worker = startThread(
    new URL("thread.ts", import.meta.url),
    { ...assignment, data, parent },
    [...data, ...parent],
  );
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(stopped(signal));
      signal.addEventListener("abort", onAbort, { once: true });
      worker.on("message", (message: FromThread) => {
        if (message.kind === "failed")
          reject(new AssayError(message.code, message.message, { retryable: message.retryable }));
        const last = listen(message, (answer) => worker.postMessage(answer, []), reject);
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

const stopped = (signal: AbortSignal): AssayError =>
  new AssayError("REPLAY_STOPPED", "the run was stopped", {
    retryable: true,
    cause: signal.reason,
  });
