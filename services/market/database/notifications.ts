/** Messages between the market's processes, through the database: the same on PGlite and on a server. */
import type { Logger } from "@assay/runtime/logger";
import { retry } from "@assay/runtime/retry";
import pg from "pg";
import type { Deliver } from "./sql.ts";

export type Listener = (payload: string) => void;

export interface Notifications {
  /** Resolves once every later NOTIFY on `channel` reaches `listener`; the result ends that. */
  listen(channel: string, listener: Listener): Promise<() => Promise<void>>;
  /** Called after a lost connection came back: messages may have been missed meanwhile. The result ends that. */
  onGap(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Listeners of a database that lives in this process, and the way to reach them. */
export const localNotifications = (): { notifications: Notifications; deliver: Deliver } => {
  const listeners = new Map<string, Set<Listener>>();
  return {
    notifications: {
      listen: (channel, listener) => {
        const set = listeners.get(channel) ?? new Set();
        listeners.set(channel, set.add(listener));
        return Promise.resolve(() => {
          set.delete(listener);
          return Promise.resolve();
        });
      },
      onGap: () => () => undefined,
      close: () => Promise.resolve(),
    },
    // Later, as from a server: a listener never runs inside the call that told it.
    deliver: (channel, payload) => {
      for (const listener of listeners.get(channel) ?? []) queueMicrotask(() => listener(payload));
    },
  };
};

/** Holds one connection for LISTEN and makes a new one when it is lost. */
export const serverNotifications = (url: string, logger: Logger): Notifications => {
  const listeners = new Map<string, Set<Listener>>();
  const onGap = new Set<() => void>();
  let closed = false;
  let client: Promise<pg.Client> | undefined;

  const open = async (): Promise<pg.Client> => {
    const fresh = new pg.Client({ connectionString: url, keepAlive: true });
    fresh.on("notification", ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? "");
    });
    fresh.on("error", (error) => {
      if (closed) return;
      logger.warn({ err: error }, "the notification connection was lost");
      client = reopen();
      client.catch((reason: unknown) =>
        logger.error({ err: reason }, "no notifications until the database answers"),
      );
    });
    await fresh.connect();
    for (const channel of listeners.keys()) await fresh.query(`LISTEN "${channel}"`);
    return fresh;
  };

  const reopen = async (): Promise<pg.Client> => {
    const fresh = await retry(open, {
      attempts: Number.POSITIVE_INFINITY,
      isRetryable: () => !closed,
    });
    for (const gap of onGap) gap();
    return fresh;
  };

  return {
    async listen(channel, listener) {
      const known = listeners.get(channel);
      if (known) known.add(listener);
      else {
        listeners.set(channel, new Set([listener]));
        const had = client !== undefined;
        client ??= open();
        const ready = await client;
        if (had) await ready.query(`LISTEN "${channel}"`);
      }
      return () => {
        listeners.get(channel)?.delete(listener);
        return Promise.resolve();
      };
    },
    onGap(listener) {
      onGap.add(listener);
      return () => {
        onGap.delete(listener);
      };
    },
    async close() {
      closed = true;
      await (await client?.catch(() => undefined))?.end();
    },
  };
};
