/** Which providers' agents listen: a lease in the database that their streams renew, so that all processes see it. */
import type { Logger } from "@assay/runtime/logger";
import type { Address } from "viem";
import type { Bus } from "../bus.ts";
import type { SqlDatabase } from "../database/sql.ts";

const LEASE_SECONDS = 30;
const RENEW_EVERY = 10_000;

export interface Presence {
  /** One more stream of this provider is open. */
  enter(provider: Address): Promise<void>;
  /** One is closed; with the last one the provider is offline at once. */
  leave(provider: Address): void;
  close(): Promise<void>;
}

export const presence = (sql: SqlDatabase, bus: Bus, logger: Logger): Presence => {
  const streams = new Map<Address, number>();
  let lane: Promise<unknown> = Promise.resolve();

  const set = async (providers: readonly Address[], seconds: number): Promise<void> => {
    await sql.query(
      `INSERT INTO api_presence (provider, until)
       SELECT provider, (now() AT TIME ZONE 'utc') + make_interval(secs => $2) FROM unnest($1::text[]) AS p(provider)
       ON CONFLICT (provider) DO UPDATE SET until = excluded.until`,
      [providers, seconds],
    );
  };

  // In order, so that a late farewell never hides a new arrival.
  const inOrder = (work: () => Promise<void>): Promise<void> => {
    const run = lane.then(work);
    lane = run.catch((error: unknown) =>
      logger.error({ err: error }, "presence could not be written"),
    );
    return run;
  };

  const renewal = setInterval(() => {
    if (streams.size > 0) inOrder(() => set([...streams.keys()], LEASE_SECONDS)).catch(() => {});
  }, RENEW_EVERY);
  renewal.unref();

  const depart = async (provider: Address): Promise<void> => {
    if (streams.has(provider)) return;
    await set([provider], 0);
    await bus.tell("presence", { provider });
  };

  return {
    enter(provider) {
      const before = streams.get(provider) ?? 0;
      streams.set(provider, before + 1);
      if (before > 0) return Promise.resolve();
      return inOrder(async () => {
        await set([provider], LEASE_SECONDS);
        await bus.tell("presence", { provider });
      });
    },
    leave(provider) {
      const left = (streams.get(provider) ?? 1) - 1;
      if (left > 0) {
        streams.set(provider, left);
        return;
      }
      streams.delete(provider);
      inOrder(() => depart(provider)).catch(() => {});
    },
    async close() {
      clearInterval(renewal);
      await lane;
    },
  };
};
