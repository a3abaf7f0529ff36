/** Runs strangers' programs in threads of their own, which can be killed at any moment. */
import { copyColumns, wordsOf } from "@assay/engine/columns/column";
import { AssayError } from "@assay/protocol/errors";
import { runThread, type ThreadRun } from "@assay/runtime/threads";
import { crashed } from "../crashed.ts";
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

/** What of the data is in memory is copied: the caller keeps its own. */
const inThread = <T>(
  assignment: Assignment,
  signal: AbortSignal,
  listen: ThreadRun<FromThread, ToThread, T>["listen"],
): Promise<T> => {
  const data = copyColumns(assignment.data);
  const parent = assignment.parent.map((words) => words.slice());
  return runThread({
    script: new URL("thread.ts", import.meta.url),
    workerData: { ...assignment, data, parent },
    give: [...wordsOf(data), ...parent],
    signal,
    listen,
    stopped,
    crashed,
  });
};

const stopped = (cause: unknown): AssayError =>
  new AssayError("REPLAY_STOPPED", "the run was stopped", { retryable: true, cause });
