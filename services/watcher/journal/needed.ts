/** Which events of a watcher's journal are still needed: what is left when the rest is gone tells a next process the same. */
import type { Hex } from "viem";
import type { EventOf, WatcherEvent } from "./events.ts";

/**
 * Verdicts kept of jobs that are done with: blocks behind the cursor are read again after a start, and a submission told of in them is
 * run again where nothing is known of it.
 */
const VERDICTS_KEPT = 4_096;

const verdictKey = ({ jobId, traceRoot }: EventOf<"judged">): string => `${jobId} ${traceRoot}`;

/** Jobs that are looked after when all of this has happened, and those that no longer are. */
const jobsOf = (
  events: readonly WatcherEvent[],
): { readonly live: ReadonlySet<string>; readonly done: ReadonlySet<string> } => {
  const [live, done] = [new Set<string>(), new Set<string>()];
  for (const event of events)
    if (event.kind === "watched" || event.kind === "challenging") {
      live.add(event.jobId);
      done.delete(event.jobId);
    } else if (event.kind === "closed") {
      live.delete(event.jobId);
      done.add(event.jobId);
    }
  return { live, done };
};

/** A job's id, or a position's. */
const HASH = /^0x[0-9a-f]{64}$/;

/** The last event of each key, of those that have one. */
const lastOfEach = <E extends WatcherEvent>(
  events: readonly WatcherEvent[],
  keyOf: (event: WatcherEvent) => readonly [key: string, event: E] | undefined,
): Map<string, E> => {
  const last = new Map<string, E>();
  for (const event of events) {
    const keyed = keyOf(event);
    if (keyed === undefined) continue;
    // Set anew, so that the map is in the order of the last ones.
    last.delete(keyed[0]);
    last.set(...keyed);
  }
  return last;
};

/**
 * What is left of a journal: whose it is, with the secret; the latest cursor; of the jobs that are looked after, their verdicts and
 * challenges; transactions, whose keys name the job, but for those of jobs that are done with, and payments, whose keys no later process
 * makes again; the contracts where games were begun; the latest verdicts of other jobs.
 */
export const stillNeeded = (events: readonly WatcherEvent[]): WatcherEvent[] => {
  const { live, done } = jobsOf(events);
  const isLive = ({ jobId }: { readonly jobId: Hex }): boolean => live.has(jobId);
  const needed = new Set<WatcherEvent>();
  const need = (some: Iterable<WatcherEvent>): void => {
    for (const event of some) needed.add(event);
  };

  need(events.filter(({ kind }) => kind === "opened"));
  need(events.filter(({ kind }) => kind === "cursor").slice(-1));
  const watched = lastOfEach(events, (event) =>
    event.kind === "watched" && isLive(event) ? [event.jobId, event] : undefined,
  );
  need(watched.values());
  const begun = lastOfEach(events, (event) =>
    event.kind === "challenging" ? [event.disputes, event] : undefined,
  );
  need(begun.values());
  const challenged = lastOfEach(events, (event) =>
    event.kind === "challenging" && isLive(event) ? [event.jobId, event] : undefined,
  );
  need(challenged.values());
  // A challenge that only tells of its contract must not bring its job back.
  const ended = new Set(
    [...begun.values()].filter((event) => !isLive(event)).map(({ jobId }) => jobId),
  );
  const closed = lastOfEach(events, (event) =>
    event.kind === "closed" && ended.has(event.jobId) ? [event.jobId, event] : undefined,
  );
  need(closed.values());
  const verdicts = lastOfEach<EventOf<"judged">>(events, (event) =>
    event.kind === "judged" ? [verdictKey(event), event] : undefined,
  );
  need([...verdicts.values()].filter(isLive));
  need([...verdicts.values()].filter((event) => !isLive(event)).slice(-VERDICTS_KEPT));
  const isPending = (key: string): boolean => {
    const parts = key.split(":");
    return parts.some((part) => HASH.test(part)) && !parts.some((part) => done.has(part));
  };
  const transactions = lastOfEach(events, (event) =>
    event.kind === "transaction" && isPending(event.key) ? [event.key, event] : undefined,
  );
  need(transactions.values());
  return events.filter((event) => needed.has(event));
};
