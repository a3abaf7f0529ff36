/** Repeats what may succeed a moment later. */
import { setTimeout as sleep } from "node:timers/promises";

export interface RetryOptions {
  /** Tries in all. */
  readonly attempts?: number;
  /** Milliseconds before the second try; doubles each time, with jitter, up to `longest`. */
  readonly first?: number;
  readonly longest?: number;
  readonly isRetryable?: (error: unknown) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The result of `action`, tried again with exponential back-off while `isRetryable` says so; the last error otherwise. */
export const retry = async <T>(
  action: () => Promise<T>,
  {
    attempts = 6,
    first = 100,
    longest = 5_000,
    isRetryable = () => true,
    signal,
  }: RetryOptions = {},
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error) || signal?.aborted) throw error;
      const pause = Math.min(longest, first * 2 ** (attempt - 1));
      await sleep(pause * (0.5 + Math.random() / 2), undefined, signal ? { signal } : {});
    }
  }
};
