/**
 * Follows a market's submissions, runs the chosen ones again, and challenges those that are wrong; has providers slashed that signed two
 * results for one checkpoint.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { pruneBlocks } from "@assay/storage/prune";
import type { Address, Hex } from "viem";
import { createConflictWatch } from "./conflicts/slash.ts";
import { openDesk, type DeskOptions } from "./desk.ts";
import { createFollower, type Cursor, type News } from "./follow/follow.ts";
import { leftOut, type Choice } from "./follow/select.ts";
import { keepJob, type Kept } from "./play/keep.ts";

export interface WatcherOptions extends DeskOptions {
  readonly choice: Choice;
  /** Bytes on disk for fetched content. */
  readonly cacheBytes: number;
  /** Blocks below the head that may be undone. */
  readonly finality: number;
}

export interface StartedWatcher {
  readonly watcher: Address;
  /** Stops at once; a later start goes on with every game and run. */
  stop(): Promise<void>;
  /** Resolves when the watcher has stopped; rejects when it had to (the journal cannot be written). */
  readonly finished: Promise<void>;
}

/** Blocks between two cursors in the journal. */
const CURSOR_EVERY = 32;
/** Milliseconds between two questions to the market, unless the chain is looked at less often. */
const CONFLICTS_EVERY = 2_000;
const LONGEST_PAUSE = 30_000;
/** So often a pause is doubled at most. */
const DOUBLINGS = 6;

/** Throws as {@link openDesk}. */
export const startWatcher = async (options: WatcherOptions): Promise<StartedWatcher> => {
  const abort = new AbortController();
  const { signal } = abort;
  const { choice, pollMs, logger } = options;
  const desk = await openDesk(options, signal);
  const { keep, context, deployment } = desk;
  const { chain, notebook } = keep;
  const { memory } = notebook;

  const stopped = Promise.withResolvers<void>();
  stopped.promise.catch(() => undefined);
  const tasks = new Map<Hex, Promise<void>>();
  /** Jobs of which something was told while they were looked after. */
  const again = new Set<Hex>();
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      abort.abort(new AssayError("WATCHER_STOPPED", "the watcher was stopped"));
      await Promise.allSettled([following, slashing, ...tasks.values()]);
      await desk.close();
      stopped.resolve();
    })();
    return stopping;
  };
  const fail = (error: unknown): void => {
    if (signal.aborted) return;
    logger.fatal({ err: error }, "the watcher cannot go on");
    stopped.reject(error);
    void stop();
  };

  const watch = async (jobId: Hex): Promise<void> => {
    let kept: Kept = "parked";
    do {
      again.delete(jobId);
      kept = await keepJob(keep, jobId);
      logger.info({ jobId, outcome: kept }, kept === "parked" ? "waiting" : "done with a job");
    } while (again.has(jobId) && !signal.aborted);
    // Of a folder of somebody else's nothing is removed.
    if (kept !== "parked" && desk.cachesContent)
      await pruneBlocks(join(options.stateDir, "blocks"), options.cacheBytes);
  };
  const begin = (jobId: Hex): void => {
    if (tasks.has(jobId)) {
      again.add(jobId);
      return;
    }
    const task = watch(jobId)
      .catch((error: unknown) => {
        if (!signal.aborted) fail(error);
      })
      .finally(() => tasks.delete(jobId));
    tasks.set(jobId, task);
  };

  /** Whether to look after a job that was told of. */
  const take = async (news: News): Promise<void> => {
    const { jobId } = news;
    if (tasks.has(jobId) || memory.jobs.has(jobId)) return begin(jobId);
    if (news.kind === "agreed" && !options.early) return;
    if (news.kind === "submitted") {
      if (memory.verdictOf(jobId, news.traceRoot) !== undefined) return;
      if (news.windowEnd < (await chain.now())) return;
    }
    const { found } = await chain.job(jobId);
    if (found === undefined) return;
    const { terms } = found.job;
    const audit = news.kind === "committed";
    // Before it is shown a committed job is only of use to those who may be drawn, whatever share of others is run.
    if (audit && !(await keep.auditing?.mayAudit(terms))) return;
    const reason = leftOut(audit ? { ...choice, fraction: 1 } : choice, memory.salt, terms);
    if (reason !== undefined) {
      logger.debug({ jobId, reason }, "left to others");
      return;
    }
    await notebook.note({ kind: "watched", jobId });
    begin(jobId);
  };

  const news: News[] = [];
  let position: Cursor | undefined = memory.cursor;
  const advance = createFollower({
    client: context.publicClient,
    market: deployment.contracts.market,
    startBlock: deployment.startBlock,
    cursor: memory.cursor,
    finality: options.finality,
    onNews: (one) => news.push(one),
    onCursor: async (cursor) => {
      position = cursor;
    },
  });
  /** The cursor is written once everything before it was taken. */
  const round = async (): Promise<void> => {
    await advance();
    for (let one = news[0]; one !== undefined; one = news[0]) {
      await take(one);
      news.shift();
    }
    const { cursor } = memory;
    if (position !== undefined && position.number >= (cursor?.number ?? -1) + CURSOR_EVERY)
      await notebook.note({ kind: "cursor", number: position.number, hash: position.hash });
  };

  const resume = async (): Promise<void> => {
    for (const jobId of memory.jobs) begin(jobId);
    // Games that the journal does not know of, because it was lost.
    for (const disputes of new Set([deployment.contracts.disputes, ...memory.disputes]))
      for (const jobId of await chain.challengedJobs(disputes)) {
        const { state } = await chain.job(jobId);
        if (state === "submitted" && !memory.jobs.has(jobId)) begin(jobId);
      }
  };

  /** Does the same again and again until the watcher stops; after failures at longer intervals. */
  const repeat = async (
    action: () => Promise<void>,
    everyMs: number,
    failed: string,
  ): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await action();
        failures = 0;
      } catch (error) {
        if (isAssayError(error, "JOURNAL_UNWRITABLE")) return fail(error);
        if (signal.aborted) return;
        failures++;
        logger.warn({ err: error, failures }, failed);
      }
      const pause = Math.min(LONGEST_PAUSE, everyMs * 2 ** Math.min(failures, DOUBLINGS));
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  };

  let resumed = false;
  const following = repeat(
    async () => {
      if (!resumed) await resume();
      resumed = true;
      await round();
    },
    pollMs,
    "cannot follow the chain; trying again",
  );
  // Receipts are kept by markets alone: without one there is nobody to ask.
  const slashing =
    options.apiUrl === undefined
      ? undefined
      : repeat(
          createConflictWatch({
            context,
            market: deployment.contracts.market,
            chain,
            concerns: (terms) =>
              leftOut(
                { fraction: 1, maxUnits: undefined, only: choice.only },
                memory.salt,
                terms,
              ) === undefined,
            logger,
          }),
          Math.max(pollMs, CONFLICTS_EVERY),
          "cannot ask the market for conflicts; trying again",
        );
  return { watcher: options.account.address, stop, finished: stopped.promise };
};
