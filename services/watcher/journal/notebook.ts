/** Journal and memory as one: what is written is remembered at once. */
import { randomBytes } from "node:crypto";
import { AssayError } from "@assay/protocol/errors";
import type { MarketDomain } from "@assay/protocol/signing/typed-data";
import { openJournal, type WithoutTime } from "@assay/runtime/journal";
import type { TransactionAttempt, TransactionJournal } from "@assay/runtime/transactions";
import { toHex, type Address, type Hex } from "viem";
import { eventSchema, type EventOf, type WatcherEvent } from "./events.ts";
import { stillNeeded } from "./needed.ts";

export type NewEvent = WithoutTime<WatcherEvent>;

export type Verdict = EventOf<"judged">["verdict"];

export interface Memory {
  readonly salt: Hex;
  readonly cursor: EventOf<"cursor"> | undefined;
  /** Jobs that are looked after. */
  readonly jobs: ReadonlySet<Hex>;
  /** What was found about a submission; a later receipt is another one. */
  verdictOf(jobId: Hex, traceRoot: Hex): Verdict | undefined;
  /** Contracts with games that this watcher began. */
  readonly disputes: ReadonlySet<Address>;
}

export interface Notebook {
  readonly memory: Memory;
  /** Resolves once the event is on disk and part of `memory`. */
  note(event: NewEvent): Promise<void>;
  readonly transactions: TransactionJournal;
  close(): Promise<void>;
}

export interface Owner extends MarketDomain {
  readonly watcher: Address;
}

/** Size from which on a journal is written anew without what is no longer needed. */
const COMPACT_ABOVE_BYTES = 2 ** 20;

/** Opens the journal at `path`. @throws JOURNAL_OF_ANOTHER, JOURNAL_CORRUPT, JOURNAL_UNWRITABLE */
export const openNotebook = async (
  path: string,
  owner: Owner,
  aboveBytes = COMPACT_ABOVE_BYTES,
): Promise<Notebook> => {
  // What happens before there is a memory is in the history.
  let forget: (kept: readonly WatcherEvent[]) => void = () => undefined;
  const journal = await openJournal(path, {
    event: eventSchema,
    loss: "games of jobs that are still open are then found on the chain, and their jobs run again",
    compaction: { aboveBytes, keep: stillNeeded, onCompacted: (kept) => forget(kept) },
  });
  let [first] = journal.history;
  first ??= await journal.append({
    kind: "opened",
    version: 1,
    ...owner,
    salt: toHex(randomBytes(32)),
  });
  if (
    first.kind !== "opened" ||
    first.chainId !== owner.chainId ||
    first.market !== owner.market ||
    first.watcher !== owner.watcher
  ) {
    await journal.close();
    throw new AssayError("JOURNAL_OF_ANOTHER", `${path} belongs to another key or another market`, {
      remedy: "Give this watcher a state folder of its own (ASSAY_WATCHER_STATE_DIR).",
      details: { path, found: first, expected: owner },
    });
  }
  const { memory, attempts, add, reset } = recollect(first.salt, journal.history);
  forget = reset;
  const note = async (event: NewEvent): Promise<void> => add(await journal.append(event));
  return {
    memory,
    note,
    transactions: {
      load: (key) => Promise.resolve(attempts.get(key)),
      save: (key, { nonce, hashes }) =>
        note({ kind: "transaction", key, nonce, hashes: [...hashes] }),
    },
    close: () => journal.close(),
  };
};

const recollect = (salt: Hex, history: readonly WatcherEvent[]) => {
  const jobs = new Set<Hex>();
  const disputes = new Set<Address>();
  const attempts = new Map<string, TransactionAttempt>();
  const verdicts = new Map<string, Verdict>();
  const memory: { -readonly [K in keyof Memory]: Memory[K] } = {
    salt,
    cursor: undefined,
    jobs,
    verdictOf: (jobId, traceRoot) => verdicts.get(`${jobId} ${traceRoot}`),
    disputes,
  };
  const add = (event: WatcherEvent): void => {
    switch (event.kind) {
      case "cursor":
        memory.cursor = event;
        break;
      case "watched":
        jobs.add(event.jobId);
        break;
      case "judged":
        verdicts.set(`${event.jobId} ${event.traceRoot}`, event.verdict);
        break;
      case "challenging":
        jobs.add(event.jobId);
        disputes.add(event.disputes);
        break;
      case "closed":
        jobs.delete(event.jobId);
        break;
      case "transaction":
        attempts.set(event.key, event);
        break;
      default:
    }
  };
  const reset = (events: readonly WatcherEvent[]): void => {
    for (const known of [jobs, disputes, attempts, verdicts]) known.clear();
    for (const event of events) add(event);
  };
  reset(history);
  return { memory, attempts, add, reset };
};
