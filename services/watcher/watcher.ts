/** Follows a market's submissions, runs the chosen ones again, and challenges those that are wrong. */
import { mkdir } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { lockFolder } from "@assay/runtime/lock";
import type { Logger } from "@assay/runtime/logger";
import { retry } from "@assay/runtime/retry";
import { createTransactionSender } from "@assay/runtime/transactions";
import { createAssay } from "@assay/sdk";
import { domainOf } from "@assay/sdk/context";
import { openContentStore } from "@assay/storage/open";
import { pruneBlocks } from "@assay/storage/prune";
import { parseUnits, type Address, type Hex, type LocalAccount } from "viem";
import { BUBBLED_ERRORS, createChain } from "./chain.ts";
import { deploymentOf } from "./deployment.ts";
import { createFollower, type Cursor, type News } from "./follow/follow.ts";
import { leftOut, type Choice } from "./follow/select.ts";
import { openNotebook } from "./journal/notebook.ts";
import { keepJob, type Kept } from "./play/keep.ts";
import { createSlots } from "./slots.ts";

export interface WatcherOptions {
  /** Challenges, and pays bonds and gas. */
  readonly account: LocalAccount;
  readonly rpcUrl: string;
  /** Market to ask for contracts and content. */
  readonly apiUrl?: string | undefined;
  /** Contracts; asked of the market, or known, where left out. */
  readonly deployment?: Deployment | undefined;
  /** Gateway URL or folder of content; default: the market's gateway. */
  readonly content?: string | undefined;
  /** Journal, runs and fetched content; one watcher a folder. */
  readonly stateDir: string;
  readonly choice: Choice;
  /** Run jobs when they are agreed. */
  readonly early: boolean;
  /** Runs at a time. */
  readonly capacity: number;
  /** Decimal tokens; undefined: no limit. */
  readonly maxBond?: string | undefined;
  /** Bytes of memory of one run; default: half of the machine's, divided by capacity. */
  readonly memoryBytes?: number | undefined;
  readonly maxDataBytes: number;
  /** Bytes on disk for the checkpoints of one run. */
  readonly checkpointBytes: number;
  /** Bytes on disk for fetched content. */
  readonly cacheBytes: number;
  /** Blocks below the head that may be undone. */
  readonly finality: number;
  /** Milliseconds between two looks at the chain. */
  readonly pollMs: number;
  readonly logger: Logger;
}

export interface StartedWatcher {
  readonly watcher: Address;
  /** Stops at once; a later start goes on with every game and run. */
  stop(): Promise<void>;
  /** Resolves when the watcher has stopped; rejects when it had to (the journal cannot be written). */
  readonly finished: Promise<void>;
}

const START_TRIES = 8;
const FEES_AFTER_MS = 10_000;

/** Throws WATCHER_ALREADY_RUNS, JOURNAL_CORRUPT, JOURNAL_OF_ANOTHER, CHAIN_UNREACHABLE, API_UNREACHABLE, DEPLOYMENT_UNKNOWN. */
export const startWatcher = async (options: WatcherOptions): Promise<StartedWatcher> => {
  await mkdir(options.stateDir, { recursive: true });
  const unlock = await lockFolder(join(options.stateDir, "watcher.lock"), {
    code: "WATCHER_ALREADY_RUNS",
    remedy: "Stop it first, or give this watcher a folder of its own (ASSAY_WATCHER_STATE_DIR).",
  });
  try {
    return await startLocked(options, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
};

const contentOf = (options: WatcherOptions) => {
  const { content = options.apiUrl, stateDir } = options;
  if (content === undefined) {
    throw new AssayError("WATCHER_NO_CONTENT", "no source of programs and data was named", {
      remedy: "Set ASSAY_WATCHER_CONTENT to a gateway's URL or a folder, or ASSAY_WATCHER_API_URL.",
    });
  }
  return /^https?:/.test(content)
    ? openContentStore({ folder: join(stateDir, "blocks"), gatewayUrl: content })
    : openContentStore({ folder: content });
};

const startLocked = async (
  options: WatcherOptions,
  unlock: () => Promise<void>,
): Promise<StartedWatcher> => {
  const { account, logger, stateDir, capacity, choice, pollMs } = options;
  const at = (name: string): string => join(stateDir, name);
  const abort = new AbortController();
  const { signal } = abort;
  const client = { rpcUrl: options.rpcUrl, account, apiUrl: options.apiUrl };
  const store = await contentOf(options);
  const deployment = await retry(
    () => deploymentOf(client, at("deployment.json"), options.deployment),
    {
      attempts: START_TRIES,
      isRetryable: (error) => isAssayError(error) && error.retryable,
    },
  );
  const { context } = createAssay({ rpcUrl: client.rpcUrl, account, deployment });
  const notebook = await openNotebook(at("journal.jsonl"), {
    ...domainOf(deployment),
    watcher: account.address,
  });
  const { memory } = notebook;
  const sender = createTransactionSender({
    account,
    client: context.publicClient,
    logger,
    errorAbi: BUBBLED_ERRORS,
    journal: notebook.transactions,
    stuckAfter: FEES_AFTER_MS,
    signal,
  });
  const chain = createChain({
    context,
    deployment,
    sender,
    maxBond:
      options.maxBond === undefined
        ? undefined
        : parseUnits(options.maxBond, deployment.token.decimals),
  });

  const stopped = Promise.withResolvers<void>();
  stopped.promise.catch(() => undefined);
  const tasks = new Map<Hex, Promise<void>>();
  /** Jobs of which something was told while they were looked after. */
  const again = new Set<Hex>();
  const keep = {
    chain,
    notebook,
    store,
    limits: {
      memoryBytes: options.memoryBytes ?? Math.floor(totalmem() / 2 / capacity),
      maxDataBytes: options.maxDataBytes,
    },
    logger,
    slots: createSlots(capacity),
    runsDir: at("runs"),
    checkpointBytes: options.checkpointBytes,
    early: options.early,
    pollMs,
    signal,
  };

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      abort.abort(new AssayError("WATCHER_STOPPED", "the watcher was stopped"));
      await Promise.allSettled([following, ...tasks.values()]);
      await notebook.close();
      await unlock();
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
    const isCache = options.content === undefined || /^https?:/.test(options.content);
    if (kept !== "parked" && isCache) await pruneBlocks(at("blocks"), options.cacheBytes);
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
    const reason = leftOut(choice, memory.salt, found.job.terms);
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

  const follow = async (): Promise<void> => {
    let failures = 0;
    let resumed = false;
    while (!signal.aborted) {
      try {
        if (!resumed) await resume();
        resumed = true;
        await round();
        failures = 0;
      } catch (error) {
        if (isAssayError(error, "JOURNAL_UNWRITABLE")) return fail(error);
        if (signal.aborted) return;
        failures++;
        logger.warn({ err: error, failures }, "cannot follow the chain; trying again");
      }
      const pause = Math.min(30_000, pollMs * 2 ** Math.min(failures, 6));
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  };
  const following = follow();
  return { watcher: account.address, stop, finished: stopped.promise };
};

/** Blocks between two cursors in the journal. */
const CURSOR_EVERY = 32;
