/** A thread's end as an error with a code. */
import { AssayError } from "@assay/protocol/errors";
import { ranOutOfHeap } from "@assay/runtime/threads";

/** REPLAY_OUT_OF_MEMORY or REPLAY_CRASHED. */
export const crashed = (cause: Error): AssayError =>
  ranOutOfHeap(cause)
    ? new AssayError("REPLAY_OUT_OF_MEMORY", "the run needed more memory than it may use", {
        remedy: "Raise ASSAY_WATCHER_MEMORY_MIB, or leave jobs of this size to others.",
        cause,
      })
    : new AssayError("REPLAY_CRASHED", `the thread of a run ended: ${cause.message}`, {
        remedy: "It is tried again from its last checkpoint.",
        retryable: true,
        cause,
      });
