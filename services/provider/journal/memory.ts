/** What the journal's events add up to. */
import type { Acceptance, Request, Submission } from "@assay/protocol/domain/messages";
import type { TransactionAttempt } from "@assay/runtime/transactions";
import type { Hex } from "viem";
import type { JournalEvent, JournalEventOf } from "./events.ts";

/** One job that this agent signed for. */
export interface JobMemory {
  readonly jobId: Hex;
  readonly proposalId: string;
  readonly request: Request;
  readonly acceptance: Acceptance;
  readonly signature: Hex;
  readonly agreed: boolean;
  readonly submission: Submission | undefined;
  /** Of the commitment to `submission`, for jobs that commit. */
  readonly salt: Hex | undefined;
  readonly submitted: boolean;
  readonly end: JournalEventOf<"ended"> | undefined;
}

export interface Memory {
  readonly jobs: ReadonlyMap<Hex, JobMemory>;
  readonly transactions: ReadonlyMap<string, TransactionAttempt>;
  readonly offer: JournalEventOf<"offered"> | undefined;
  /** Token base units paid out to this provider for jobs in the journal. */
  readonly earned: bigint;
}

/** Adds up events one by one; `memory` always shows the sum so far. */
export interface Recollection {
  readonly memory: Memory;
  readonly add: (event: JournalEvent) => void;
}

export const recollect = (history: readonly JournalEvent[] = []): Recollection => {
  const jobs = new Map<Hex, JobMemory>();
  const transactions = new Map<string, TransactionAttempt>();
  let offer: Memory["offer"];
  let earned = 0n;

  const change = (jobId: Hex, changes: Partial<JobMemory>): void => {
    const job = jobs.get(jobId);
    if (job !== undefined) jobs.set(jobId, { ...job, ...changes });
  };

  const add = (event: JournalEvent): void => {
    switch (event.kind) {
      case "accepted": {
        const { jobId, proposalId, request, acceptance, signature } = event;
        jobs.set(jobId, {
          jobId,
          proposalId,
          request,
          acceptance,
          signature,
          agreed: false,
          submission: undefined,
          salt: undefined,
          submitted: false,
          end: undefined,
        });
        break;
      }
      case "agreed":
        change(event.jobId, { agreed: true });
        break;
      case "trained":
        change(event.jobId, { submission: event.submission });
        break;
      case "salted":
        change(event.jobId, { salt: event.salt });
        break;
      case "submitted":
        change(event.jobId, { submitted: true });
        break;
      case "ended":
        change(event.jobId, { end: event });
        earned += event.paid;
        break;
      case "transaction":
        transactions.set(event.key, { nonce: event.nonce, hashes: event.hashes });
        break;
      case "offered":
        offer = event;
        break;
      default:
    }
  };
  for (const event of history) add(event);
  return {
    add,
    memory: {
      jobs,
      transactions,
      get offer() {
        return offer;
      },
      get earned() {
        return earned;
      },
    },
  };
};

/** Jobs for which there is still something to do, oldest first. */
export const openJobs = (memory: Memory): JobMemory[] =>
  [...memory.jobs.values()].filter((job) => job.end === undefined);
