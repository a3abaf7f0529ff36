/**
 * Rounds of matching: requests that came in together are decided together, and the pairs become proposals. A request
 * that nobody fits stays open and is tried again when the book changes.
 */
import type { Deployment } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import type { Address, Hex } from "viem";
import { tell } from "../../bus.ts";
import type { ChainReads } from "../../chain.ts";
import type { Sql, SqlDatabase } from "../../database/sql.ts";
import type { TaskQueues } from "../../queue/queues.ts";
import type { BookKeeper } from "../book/keeper.ts";
import { decide, type Decision, type OpenRequest } from "../clear/decide.ts";
import {
  askOfRequest,
  changeRequest,
  excludedProviders,
  holdsPlace,
  isClosed,
  readRequest,
  settleExpired,
  stateOfProposals,
  type RequestRow,
} from "../requests.ts";

export interface RoundsOptions {
  readonly sql: SqlDatabase;
  readonly keeper: BookKeeper;
  readonly queues: TaskQueues;
  readonly chain: ChainReads;
  readonly deployment: Deployment;
  readonly logger: Logger;
  /** This matcher's account. */
  readonly account: Address;
  /** Seconds that an agent has to answer a proposal. */
  readonly answerTime: number;
  /** Milliseconds for which requests are gathered before they are decided together. */
  readonly window: number;
}

export interface Rounds {
  /** Resolves once the request has been decided and what follows is written. */
  consider(requestDigest: string): Promise<void>;
  /** Tries again every request that nobody fitted. */
  reconsider(): void;
  /** Whether the request is being considered, or will be when the book changes. */
  has(requestDigest: string): boolean;
  close(): Promise<void>;
}

/** Milliseconds between two explanations of why nobody fits one request. */
const EXPLAIN_EVERY = 2_000;

const seconds = (): number => Math.floor(Date.now() / 1_000);

export const createRounds = (options: RoundsOptions): Rounds => {
  const { sql, keeper, queues, chain, deployment, logger, account, answerTime, window } = options;
  const pending = new Map<string, PromiseWithResolvers<void>>();
  const unmatched = new Set<string>();
  /** When it was last said why nobody fits a request. */
  const explained = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  /** Runs when an explanation that was put off is due. */
  let later: NodeJS.Timeout | undefined;
  /** Runs when the first of the providers that were busy or silent may be asked again. */
  let retry: NodeJS.Timeout | undefined;
  let retryAt = Infinity;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  /** The request as the decision needs it; undefined where it needs nobody now. */
  const openRequest = (row: RequestRow): OpenRequest | undefined => {
    if (isClosed(row)) return undefined;
    const { request } = row.signed;
    if (request.expiry <= seconds()) return undefined;
    const held = row.proposals.filter(holdsPlace).length;
    const places = request.replicas - held;
    if (places <= 0) return undefined;
    return {
      digest: row.digest,
      ask: askOfRequest(row.signed, account),
      places,
      exclude: new Set(excludedProviders(row.proposals, seconds()).keys()),
      explain: Date.now() - (explained.get(row.digest) ?? 0) > EXPLAIN_EVERY,
    };
  };

  const askAgainLater = ({ proposals }: RequestRow): void => {
    const next = Math.min(...excludedProviders(proposals, seconds()).values());
    if (next >= retryAt) return;
    retryAt = next;
    clearTimeout(retry);
    retry = setTimeout(() => {
      retryAt = Infinity;
      reconsider();
    }, dueAt(next).delay);
  };

  const act = async (row: RequestRow, decision: Decision): Promise<void> => {
    const { digest, pairings, explanation, rejected } = decision;
    if (pairings.length === 0) {
      unmatched.add(digest);
      askAgainLater(row);
      const replicas = row.signed.request.replicas;
      const state = stateOfProposals(row.proposals, replicas);
      if (explanation !== undefined) {
        explained.set(digest, Date.now());
        await changeRequest(sql, digest, {
          state,
          explanation: `${whyAgain(row)}${explanation}`,
          rejected,
        });
      } else {
        if (state !== row.state)
          await changeRequest(sql, digest, { state, explanation: row.explanation });
        later ??= setTimeout(() => {
          later = undefined;
          reconsider();
        }, EXPLAIN_EVERY);
      }
      return;
    }
    unmatched.delete(digest);
    explained.delete(digest);
    const answerBy = seconds() + answerTime;
    const ids = await sql.transaction(async (run) => {
      const made: string[] = [];
      for (const [place, { match, collateral }] of pairings.entries()) {
        const id = `${digest}-${row.proposals.length + place}`;
        await insertProposal(run, { id, digest, match, collateral, answerBy });
        made.push(id);
      }
      await changeRequest(run, digest, {
        state: "proposed",
        explanation: `${whyAgain(row)}${explanation ?? ""}`,
      });
      return made;
    });
    for (const id of ids) await queues.add("answerDue", id, { proposalId: id }, dueAt(answerBy));
    logger.info(
      { request: digest, providers: pairings.map(({ match }) => match.offer.provider) },
      "proposed",
    );
  };

  const round = async (): Promise<void> => {
    const batch = [...pending];
    pending.clear();
    try {
      const rows = (await Promise.all(batch.map(([digest]) => readRequest(sql, digest)))).filter(
        (row) => row !== undefined,
      );
      for (const row of rows)
        if (await settleExpired(sql, row, seconds())) {
          unmatched.delete(row.digest);
          explained.delete(row.digest);
        }
      const open = rows.map(openRequest).filter((request) => request !== undefined);
      if (open.length > 0) {
        const decisions = decide(keeper.book, open, {
          rates: await chain.rates(),
          now: seconds(),
          token: deployment.token,
        });
        for (const decision of decisions) {
          const row = rows.find(({ digest }) => digest === decision.digest);
          if (row) await act(row, decision);
        }
        // The next round must see what this one has taken.
        await keeper.refresh(
          decisions.flatMap(({ pairings }) => pairings.map(({ match }) => match.offer.provider)),
        );
      }
      for (const [, wait] of batch) wait.resolve();
    } catch (error) {
      for (const [, wait] of batch) wait.reject(error);
    }
  };

  const schedule = (): void => {
    if (timer !== undefined || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      running = running.then(round);
    }, window);
  };

  const consider = (digest: string): Promise<void> => {
    // Rejected, so that the queue keeps the task: waiting for a round that never comes would keep the queue from closing.
    if (closed) return Promise.reject(new Error("the matcher is closing"));
    const waiting = pending.get(digest);
    if (waiting) return waiting.promise;
    const wait = Promise.withResolvers<void>();
    pending.set(digest, wait);
    schedule();
    return wait.promise;
  };

  const reconsider = (): void => {
    const again = [...unmatched];
    unmatched.clear();
    for (const digest of again)
      consider(digest).catch((error: unknown) => {
        unmatched.add(digest);
        logger.error({ request: digest, err: error }, "a request could not be tried again");
      });
  };

  return {
    consider,
    reconsider,
    has: (digest) => pending.has(digest) || unmatched.has(digest),
    async close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(later);
      await running;
      clearTimeout(retry);
      for (const [, wait] of pending) wait.reject(new Error("the matcher is closing"));
      pending.clear();
    },
  };
};

/** What became of the request's last job, where it is matched again. */
const whyAgain = ({ proposals }: RequestRow): string => {
  const lost = proposals.findLast((one) => one.state === "agreed" && !holdsPlace(one));
  if (lost === undefined) return "";
  const fate = lost.job_state === "expired" ? "expired" : `is ${lost.job_state}`;
  return `The job with ${lost.provider} ${fate} and gave its place back. `;
};

/** Milliseconds until just after a second is over. */
const dueAt = (second: number): { delay: number } => ({ delay: (second + 1) * 1_000 - Date.now() });

interface NewProposal {
  readonly id: string;
  readonly digest: Hex;
  readonly match: Decision["pairings"][number]["match"];
  readonly collateral: bigint;
  readonly answerBy: number;
}

const insertProposal = async (
  sql: Sql,
  { id, digest, match: { offer }, collateral, answerBy }: NewProposal,
): Promise<void> => {
  await sql.query(
    `INSERT INTO market_proposal (id, request_digest, provider, offer_digest, unit_price, collateral, answer_by, state, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', now() AT TIME ZONE 'utc')`,
    [
      id,
      digest,
      offer.provider,
      offer.digest,
      offer.unitPrice.toString(),
      collateral.toString(),
      answerBy,
    ],
  );
  await tell(sql, "proposal", { id, provider: offer.provider });
};
