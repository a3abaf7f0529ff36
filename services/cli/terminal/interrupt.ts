/** Ctrl-C as a wish to leave, not as a crash. */

/** Exit code of a command that Ctrl-C ended, as shells expect it. */
const INTERRUPTED = 130;

/**
 * Runs `work` until it ends or Ctrl-C is pressed. Then the signal is aborted, `left` says what goes on without this command, and
 * undefined comes back; a second Ctrl-C ends the process at once.
 */
export const untilInterrupted = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
  left: () => void,
): Promise<T | undefined> => {
  const abort = new AbortController();
  const leave = (): void => abort.abort(new Error("interrupted"));
  process.once("SIGINT", leave);
  try {
    return await work(abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    left();
    process.exitCode = INTERRUPTED;
    return undefined;
  } finally {
    process.removeListener("SIGINT", leave);
  }
};
