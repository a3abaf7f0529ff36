/** Ends a process in order: what was opened last is closed first. */
import { AssayError } from "@assay/protocol/errors";
import type { Logger } from "./logger.ts";

export type Disposer = () => Promise<void> | void;

export interface Shutdown {
  /** Registers a disposer; disposers run in the reverse order, each one awaited. */
  add(name: string, dispose: Disposer): void;
  /** Aborted as soon as closing begins: loops stop taking new work. */
  readonly signal: AbortSignal;
  /** Closes everything once; later calls wait for the first. Rejects with `SHUTDOWN_INCOMPLETE` if a disposer failed or hung. */
  close(reason?: string): Promise<void>;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  /** Milliseconds granted to each disposer. */
  readonly patience?: number;
}

export const createShutdown = ({ logger, patience = 10_000 }: ShutdownOptions): Shutdown => {
  const disposers: { name: string; dispose: Disposer }[] = [];
  const abort = new AbortController();
  let closing: Promise<void> | undefined;

  const closeAll = async (reason: string): Promise<void> => {
    logger.debug({ reason }, "closing");
    abort.abort(reason);
    const failed: string[] = [];
    for (const { name, dispose } of disposers.reverse()) {
      try {
        await withPatience(dispose, patience);
      } catch (error) {
        failed.push(name);
        logger.error({ part: name, err: error }, "a part did not close");
      }
    }
    if (failed.length > 0)
      throw new AssayError(
        "SHUTDOWN_INCOMPLETE",
        `These parts did not close: ${failed.join(", ")}.`,
        { details: { failed } },
      );
  };

  return {
    signal: abort.signal,
    add(name, dispose) {
      disposers.push({ name, dispose });
    },
    close(reason = "asked to") {
      closing ??= closeAll(reason);
      return closing;
    },
  };
};

/** Closes on SIGINT and SIGTERM, and when the process that started this one over IPC is gone, and then leaves the process; a second signal leaves at once. */
export const closeOnSignals = (shutdown: Shutdown): void => {
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(128 + number));
      shutdown.close(signal).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
  }
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
};

const withPatience = async (dispose: Disposer, patience: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`still open after ${patience} ms`)), patience);
  });
  try {
    await Promise.race([Promise.resolve().then(dispose), tooLong]);
  } finally {
    clearTimeout(timer);
  }
};
