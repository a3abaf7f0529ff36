/** What changed, told to all of the market's processes. Messages name rows; receivers read the rows. */
import type { Logger } from "@assay/runtime/logger";
import type { Notifications } from "./database/notifications.ts";
import type { Sql, SqlDatabase } from "./database/sql.ts";

export interface BusMessages {
  /** The indexer has moved on. */
  readonly chain: {
    readonly block: number;
    readonly jobs: readonly string[];
    /** Providers, operators and requesters with new stake, standing or cancelled requests. */
    readonly accounts: readonly string[];
    readonly rolledBack: boolean;
  };
  readonly offer: { readonly digest: string };
  readonly request: { readonly digest: string };
  readonly proposal: { readonly id: string; readonly provider: string };
  readonly report: { readonly jobId: string };
  readonly presence: { readonly provider: string };
}
export type Topic = keyof BusMessages;
type Subscriber<T extends Topic> = (message: BusMessages[T]) => void;

const CHANNEL = "assay_market";
/** A NOTIFY payload is at most 8,000 bytes. */
const IDS_A_MESSAGE = 40;

/** Tells on `topic`; inside a transaction only once that commits. */
export const tell = async <T extends Topic>(
  sql: Sql,
  topic: T,
  message: BusMessages[T],
): Promise<void> => {
  await sql.notify(CHANNEL, JSON.stringify([topic, message]));
};

/** As {@link tell} for any number of jobs and accounts, in several messages if need be. */
export const tellChain = async (sql: Sql, message: BusMessages["chain"]): Promise<void> => {
  const { jobs, accounts, ...rest } = message;
  let at = 0;
  do {
    await tell(sql, "chain", {
      ...rest,
      jobs: jobs.slice(at, at + IDS_A_MESSAGE),
      accounts: accounts.slice(at, at + IDS_A_MESSAGE),
    });
    at += IDS_A_MESSAGE;
  } while (at < Math.max(jobs.length, accounts.length));
};

export interface Bus {
  tell<T extends Topic>(topic: T, message: BusMessages[T]): Promise<void>;
  /** The result ends the subscription. */
  on<T extends Topic>(topic: T, subscriber: Subscriber<T>): () => void;
  /** Called when messages may have been missed: read everything again. The result ends the subscription. */
  onGap(subscriber: () => void): () => void;
  close(): Promise<void>;
}

export const openBus = async (
  sql: SqlDatabase,
  notifications: Notifications,
  logger: Logger,
): Promise<Bus> => {
  const subscribers = new Map<Topic, Set<Subscriber<Topic>>>();
  const stop = await notifications.listen(CHANNEL, (payload) => {
    const [topic, message] = JSON.parse(payload) as [Topic, BusMessages[Topic]];
    for (const subscriber of subscribers.get(topic) ?? [])
      try {
        subscriber(message);
      } catch (error) {
        logger.error({ topic, err: error }, "a subscriber failed");
      }
  });
  return {
    tell: (topic, message) => tell(sql, topic, message),
    on(topic, subscriber) {
      const set = subscribers.get(topic) ?? new Set();
      subscribers.set(topic, set);
      set.add(subscriber as Subscriber<Topic>);
      return () => set.delete(subscriber as Subscriber<Topic>);
    },
    onGap: (subscriber) => notifications.onGap(subscriber),
    close: stop,
  };
};
