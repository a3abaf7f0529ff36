/** The matcher: works on tasks, listens to the bus, and resumes from the database after any interruption. */
import type { Deployment } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import { createTransactionSender } from "@assay/runtime/transactions";
import { randomUUID } from "node:crypto";
import type { LocalAccount, PublicClient } from "viem";
import type { Bus } from "../bus.ts";
import type { ChainReads } from "../chain.ts";
import type { SqlDatabase } from "../database/sql.ts";
import { noteStandingConflicts } from "../intake/conflicts.ts";
import type { TaskQueues } from "../queue/queues.ts";
import { agreeHandler } from "./agree/agree.ts";
import { createPairSender } from "./agree/pairs.ts";
import type { BookKeeper } from "./book/keeper.ts";
import { bubbledErrors } from "./bubbled-errors.ts";
import { createFinisher } from "./finish/finish.ts";
import { transactionJournal } from "./journal.ts";
import { createRounds } from "./propose/rounds.ts";
import { changeProposal, changeRequest, readRequest, settleExpired } from "./requests.ts";
import { sweepLost } from "./sweep.ts";

export interface MatcherOptions {
  readonly sql: SqlDatabase;
  readonly bus: Bus;
  readonly queues: TaskQueues;
  readonly keeper: BookKeeper;
  readonly chain: ChainReads;
  readonly client: PublicClient;
  readonly deployment: Deployment;
  readonly account: LocalAccount;
  readonly logger: Logger;
  /** Seconds that an agent has to answer. */
  readonly answerTime: number;
  /** Milliseconds for which requests, and accepted pairs, are gathered. */
  readonly window: number;
}

export interface Matcher {
  close(): Promise<void>;
}

/** Keeps a burst of changes from causing a round each. */
const RECONSIDER_AFTER = 100;
/** Milliseconds before a job that a reorganisation took is agreed again. */
const AGAIN_AFTER = 5_000;
/** Milliseconds between two looks for what no task will move any more. */
const SWEEP_EVERY = 5_000;
/** Milliseconds between two looks for jobs that their providers do not bring to an end. */
const FINISH_EVERY = 1_000;

export const startMatcher = async (options: MatcherOptions): Promise<Matcher> => {
  const { sql, bus, queues, keeper, chain, client, deployment, account, logger } = options;
  const stopping = new AbortController();
  const sender = createTransactionSender({
    account,
    client,
    logger,
    errorAbi: bubbledErrors,
    journal: transactionJournal(sql),
    signal: stopping.signal,
  });
  const rounds = createRounds({ ...options, account: account.address });
  const pairs = createPairSender({
    sender,
    market: deployment.contracts.market,
    errorAbi: bubbledErrors,
    window: options.window,
  });

  queues.work("intake", ({ requestDigest }) => rounds.consider(requestDigest), {
    concurrency: 256,
  });
  queues.work("agree", agreeHandler({ sql, chain, queues, pairs, logger }), { concurrency: 64 });
  queues.work("answerDue", async ({ proposalId }) => {
    const reason = { code: "NO_ANSWER", reason: "The agent did not answer in time." };
    await changeProposal(sql, proposalId, ["open"], { state: "silent", reason });
    await lookAfter(proposalId);
  });
  queues.work("requestDue", async ({ requestDigest }) => {
    const row = await readRequest(sql, requestDigest);
    if (row !== undefined) await settleExpired(sql, row, Math.floor(Date.now() / 1_000));
  });

  /** A proposal that came to nothing sends its request back to the book. */
  const lookAfter = async (proposalId: string): Promise<void> => {
    const [row] = await sql.query<{ request_digest: string; state: string }>(
      "SELECT request_digest, state FROM market_proposal WHERE id = $1",
      [proposalId],
    );
    if (row?.state === "refused" || row?.state === "silent")
      await queues.add("intake", `${proposalId}-${row.state}`, {
        requestDigest: row.request_digest,
      });
  };

  const inBackground = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => logger.error({ err: error }, "the matcher lost a step"));
  };

  let timer: NodeJS.Timeout | undefined;
  keeper.onChange(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      rounds.reconsider();
    }, RECONSIDER_AFTER);
  });

  const stops = [
    bus.on("proposal", ({ id }) => inBackground(lookAfter(id))),
    bus.on("chain", ({ block, jobs, accounts }) => {
      if (jobs.length > 0) inBackground(followJobs(jobs, block));
      if (accounts.length > 0) inBackground(followCancellations(accounts));
    }),
  ];

  /** Places that jobs have lost are filled again, and jobs that a reorganisation took are agreed again. */
  const followJobs = async (jobs: readonly string[], block: number): Promise<void> => {
    const rows = await sql.query<{
      id: string;
      request_digest: string;
      job_state: string | null;
      state: string;
    }>(
      `SELECT p.id, p.request_digest, p.state, j.state AS job_state FROM market_proposal p
       LEFT JOIN chain_job j ON j.id = p.job_id WHERE p.job_id = ANY($1) AND p.state = 'agreed'`,
      [jobs],
    );
    for (const { id, request_digest, job_state } of rows)
      if (job_state === null) {
        logger.warn({ proposal: id }, "a reorganisation took a job: agreeing again");
        await changeProposal(sql, id, ["agreed"], { state: "accepted" });
        await changeRequest(sql, request_digest, {
          state: "accepted",
          explanation: "A reorganisation of the chain took the job; it is being agreed again.",
        });
        // Later: most often the same transaction is soon mined again.
        const task = { proposalId: id, attempt: block };
        await queues.add("agree", `${id}-${block}`, task, { delay: AGAIN_AFTER });
      } else if (["expired", "slashed", "void"].includes(job_state))
        await queues.add("intake", `${id}-${job_state}`, { requestDigest: request_digest });
  };

  /** Open requests of accounts that did something on the chain may have been cancelled there. */
  const followCancellations = async (accounts: readonly string[]): Promise<void> => {
    const rows = await sql.query<{ digest: string }>(
      `SELECT digest FROM market_request r WHERE state IN ('open', 'proposed', 'accepted') AND requester = ANY($1) AND EXISTS (
         SELECT 1 FROM chain_event e WHERE e.account = r.requester AND e.name IN ('NonceCancelled', 'RequestCancelled'))`,
      [accounts],
    );
    for (const { digest } of rows) {
      const row = await readRequest(sql, digest);
      if (row === undefined || !(await chain.isCancelled(row.signed.request))) continue;
      for (const { id } of row.proposals)
        await changeProposal(sql, id, ["open", "accepted"], { state: "withdrawn" });
      const explanation = "The requester cancelled the request on the chain.";
      await changeRequest(sql, digest, { state: "cancelled", explanation });
    }
  };

  /**
   * Everything that a crash may have left undone is put into the queue again; all of it is idempotent. Under keys of its own: a
   * task that the crash interrupted stays locked for some seconds, and one that failed waits for its next try.
   */
  const resume = async (): Promise<void> => {
    const again = randomUUID();
    const requests = await sql.query<{ digest: string; expiry: number }>(
      `SELECT digest, expiry FROM market_request WHERE state IN ('open', 'proposed', 'accepted')
       OR (state = 'agreed' AND expiry > $1)`,
      [Math.floor(Date.now() / 1_000)],
    );
    for (const { digest, expiry } of requests) {
      const delay = (expiry + 1) * 1_000 - Date.now();
      await queues.add("requestDue", digest, { requestDigest: digest }, { delay });
      await queues.add("intake", `${digest}-${again}`, { requestDigest: digest });
    }
    const proposals = await sql.query<{ id: string; state: string; answer_by: number }>(
      "SELECT id, state, answer_by FROM market_proposal WHERE state IN ('open', 'accepted')",
    );
    for (const { id, state, answer_by } of proposals)
      if (state === "accepted") await queues.add("agree", `${id}-${again}`, { proposalId: id });
      else {
        const delay = (answer_by + 1) * 1_000 - Date.now();
        await queues.add("answerDue", id, { proposalId: id }, { delay });
      }
  };
  await resume();

  let sweeping: Promise<void> | undefined;
  const sweeper = setInterval(() => {
    sweeping ??= sweepLost({ sql, queues, isConsidered: (digest) => rounds.has(digest) })
      .catch((error: unknown) => logger.error({ err: error }, "lost tasks could not be found"))
      .finally(() => {
        sweeping = undefined;
      });
  }, SWEEP_EVERY);
  sweeper.unref();

  const finish = createFinisher({ sql, client, deployment, sender, logger });
  let finishing: Promise<void> | undefined;
  const finisher = setInterval(() => {
    finishing ??= noteStandingConflicts(sql)
      .then(finish)
      .catch((error: unknown) => logger.warn({ err: error }, "jobs could not be looked after"))
      .finally(() => {
        finishing = undefined;
      });
  }, FINISH_EVERY);
  finisher.unref();

  return {
    async close() {
      for (const stop of stops) stop();
      clearTimeout(timer);
      clearInterval(sweeper);
      clearInterval(finisher);
      stopping.abort();
      await Promise.all([sweeping, finishing]);
      await rounds.close();
    },
  };
};
