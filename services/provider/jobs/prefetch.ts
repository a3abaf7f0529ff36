/**
 * Inputs of requests that were proposed. A large data set takes longer than there is to answer: fetching goes on then, so that it is
 * there when the agent is asked again.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { wordsOf } from "@assay/engine/columns/column";
import type { ContentStore } from "@assay/storage/content";
import type { Hex } from "viem";
import { fetchInputs, type InputLimits, type JobInputs, type NamedInputs } from "./inputs.ts";

export interface Prefetch {
  /** Throws what fetching throws, and the reason of `signal` once that is aborted: fetching goes on. */
  inputs(digest: Hex, request: NamedInputs, signal: AbortSignal): Promise<JobInputs>;
  /** The request was answered; `again`: with a refusal after which it may be proposed again. What is kept is a file, and no memory. */
  answered(digest: Hex, again: boolean): Promise<void>;
}

export interface PrefetchParts {
  readonly store: ContentStore;
  readonly limits: InputLimits;
  /** Folder for data sets that do not fit into memory, of this process alone. */
  readonly dir: string;
  /** Requests that may wait to be proposed again. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** A market that never asks again leaves nothing behind for longer. */
const KEEP_MS = 3_600_000;

interface Entry {
  readonly inputs: Promise<JobInputs>;
  readonly path: string;
  readonly abort: AbortController;
  /** Runs while nobody waits for the answer. */
  timer: NodeJS.Timeout | undefined;
}

const orAborted = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });

export const createPrefetch = (parts: PrefetchParts): Prefetch => {
  const entries = new Map<Hex, Entry>();
  let begun = 0;

  const drop = async (digest: Hex, entry: Entry): Promise<void> => {
    if (entries.get(digest) === entry) entries.delete(digest);
    clearTimeout(entry.timer);
    entry.abort.abort();
    // Only now nothing writes into its file.
    await entry.inputs.catch(() => undefined);
    await rm(entry.path, { force: true });
  };

  const begin = (digest: Hex, request: NamedInputs): Entry => {
    const abort = new AbortController();
    const signal = AbortSignal.any([parts.signal, abort.signal]);
    // Another one each time: the last may still be on its way out.
    const path = join(parts.dir, `${digest}-${begun++}.safetensors`);
    const inputs = fetchInputs(parts.store, request, parts.limits, path, signal);
    const entry: Entry = { inputs, path, abort, timer: undefined };
    entries.set(digest, entry);
    // What failed is tried anew.
    inputs.catch(() => drop(digest, entry));
    return entry;
  };

  const leave = (digest: Hex, entry: Entry): void => {
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => void drop(digest, entry), KEEP_MS).unref();
    // What was to be in memory is in the cache now.
    entry.inputs.then(
      ({ data }) => (wordsOf(data).length > 0 ? drop(digest, entry) : undefined),
      () => undefined,
    );
  };

  return {
    inputs: async (digest, request, signal) => {
      const entry = entries.get(digest) ?? begin(digest, request);
      clearTimeout(entry.timer);
      entry.timer = undefined;
      return orAborted(entry.inputs, signal);
    },
    answered: async (digest, again) => {
      const entry = entries.get(digest);
      if (entry === undefined) return;
      if (!again) return drop(digest, entry);
      leave(digest, entry);
      const waiting = [...entries].filter(([, { timer }]) => timer !== undefined);
      for (const [oldest, one] of waiting.slice(0, Math.max(0, waiting.length - parts.most)))
        await drop(oldest, one);
    },
  };
};
