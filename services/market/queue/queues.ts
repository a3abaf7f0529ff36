/** Durable tasks: BullMQ on Redis, or on the embedded database where there is no Redis. */
import { isAssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import type { PGlite } from "@electric-sql/pglite";
import {
  Queue,
  UnrecoverableError,
  Worker,
  createPostgresBackend,
  runMigrations,
  type JobsOptions,
  type PgPool,
  type WorkerOptions,
} from "bullmq";
import { Redis } from "ioredis";
import { pglitePool } from "./pglite-pool.ts";
import { TASK_NAMES, type TaskName, type Tasks } from "./tasks.ts";

export type Handler<N extends TaskName> = (content: Tasks[N]) => Promise<void>;

export interface TaskQueues {
  /** Adds a task unless one of this key waits or runs. `delay`: milliseconds from now; `attempts`: 12 unless told. */
  add<N extends TaskName>(
    name: N,
    key: string,
    content: Tasks[N],
    options?: { delay?: number; attempts?: number },
  ): Promise<void>;
  /** Starts to work on tasks of this name. A handler that throws is called again later, unless the error is final. */
  work<N extends TaskName>(name: N, handler: Handler<N>, options?: { concurrency?: number }): void;
  /** Tasks that wait, run or are delayed, by name. */
  counts(): Promise<Record<TaskName, number>>;
  /** Lets running handlers finish. */
  close(): Promise<void>;
}

export interface OpenQueuesOptions {
  /** `redis://…`; absent: the embedded database, which must then be given. */
  readonly redisUrl?: string | undefined;
  readonly embedded?: PGlite | undefined;
  readonly logger: Logger;
  /** Keeps apart markets that share one Redis. */
  readonly prefix?: string;
}

const OPTIONS = {
  attempts: 12,
  backoff: { type: "custom" },
  // The key may be used again once the task is over; what happened is in the market's own tables.
  removeOnComplete: true,
  removeOnFail: true,
} satisfies JobsOptions;

/** Milliseconds before a failed task is tried again: doubled each time, up to a wait that an outage may be longer by. */
const FIRST_BACKOFF = 500;
const LONGEST_BACKOFF = 10_000;
const backoff = (failures: number): number =>
  Math.round(
    Math.min(FIRST_BACKOFF * 2 ** (failures - 1), LONGEST_BACKOFF) * (0.5 + Math.random() / 2),
  );

/** A process that was killed holds its tasks for as long as their locks last, and until somebody looks for such locks. */
const WORKING = {
  lockDuration: 10_000,
  stalledInterval: 3_000,
  // After an error of the server, which may be back a moment later.
  runRetryDelay: 1_000,
  // Handlers are idempotent: a task that many processes died with is still a task.
  maxStalledCount: 1_000_000,
  settings: { backoffStrategy: backoff },
} satisfies Partial<WorkerOptions>;

interface Backend {
  queue(name: TaskName): Queue;
  worker(name: TaskName, handler: (content: unknown) => Promise<void>, concurrency: number): Worker;
  close(): Promise<void>;
}

const redisBackend = (url: string, prefix: string): Backend => {
  const producer = new Redis(url, { maxRetriesPerRequest: null });
  const consumer = new Redis(url, { maxRetriesPerRequest: null });
  return {
    queue: (name) => new Queue(name, { connection: producer, prefix }),
    worker: (name, handler, concurrency) =>
      new Worker(name, (job) => handler(job.data), {
        ...WORKING,
        connection: consumer,
        prefix,
        concurrency,
      }),
    async close() {
      await Promise.all([producer.quit(), consumer.quit()]);
    },
  };
};

const embeddedBackend = async (database: PGlite): Promise<Backend> => {
  const connection: PgPool = pglitePool(database);
  const client = await connection.connect();
  await runMigrations(client);
  client.release();
  // One session serves everybody: the market's tables first, then the queue's.
  await database.exec("SET search_path TO public, bullmq");
  return {
    queue: (name) => new Queue(name, { connection }, createPostgresBackend) as unknown as Queue,
    worker: (name, handler, concurrency) =>
      new Worker(
        name,
        (job) => handler(job.data),
        { ...WORKING, connection, concurrency, drainDelay: 1 },
        createPostgresBackend,
      ) as unknown as Worker,
    close: () => Promise.resolve(),
  };
};

export const openQueues = async ({
  redisUrl,
  embedded,
  logger,
  prefix = "assay",
}: OpenQueuesOptions): Promise<TaskQueues> => {
  if (redisUrl === undefined && embedded === undefined)
    throw new Error("openQueues needs a Redis URL or an embedded database");
  const backend =
    redisUrl === undefined
      ? await embeddedBackend(embedded as PGlite)
      : redisBackend(redisUrl, prefix);
  const queues = new Map(TASK_NAMES.map((name) => [name, backend.queue(name)]));
  const workers: Worker[] = [];
  for (const [name, queue] of queues)
    queue.on("error", (error) => logger.warn({ task: name, err: error }, "queue trouble"));
  await Promise.all([...queues.values()].map((queue) => queue.waitUntilReady()));
  const queueOf = (name: TaskName): Queue => {
    const queue = queues.get(name);
    if (queue === undefined) throw new Error(`no queue of ${name} tasks`);
    return queue;
  };

  return {
    async add(name, key, content, { delay = 0, attempts = OPTIONS.attempts } = {}) {
      // BullMQ keeps colons for itself.
      await queueOf(name).add(name, content, {
        ...OPTIONS,
        attempts,
        jobId: key.replaceAll(":", "."),
        delay: Math.max(0, delay),
      });
    },
    work(name, handler, { concurrency = 16 } = {}) {
      const run = async (content: unknown): Promise<void> => {
        try {
          await handler(content as Tasks[typeof name]);
        } catch (error) {
          logger.warn({ task: name, content, err: error }, "a task failed");
          if (isAssayError(error) && !error.retryable)
            throw new UnrecoverableError(`${error.code}: ${error.message}`);
          throw error;
        }
      };
      const worker = backend.worker(name, run, concurrency);
      worker.on("error", (error) => logger.warn({ task: name, err: error }, "queue trouble"));
      workers.push(worker);
    },
    async counts() {
      const entries = await Promise.all(
        TASK_NAMES.map(async (name) => {
          const counts = await queueOf(name).getJobCounts("waiting", "active", "delayed");
          return [name, Object.values(counts).reduce((sum, count) => sum + count, 0)] as const;
        }),
      );
      return Object.fromEntries(entries) as Record<TaskName, number>;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
      await backend.close();
    },
  };
};
