/** Keeps a book equal to the database: read whole at start, then row by row as the bus tells. */
import { signedOfferSchema } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import type { Address, Hex } from "viem";
import type { Bus } from "../../bus.ts";
import type { SqlDatabase } from "../../database/sql.ts";
import { lockedOf } from "../../indexer/fold.ts";
import { scoreAt, type StandingRow } from "../../indexer/standing.ts";
import { Book } from "./book.ts";
import type { BookOffer, ProviderState } from "./offer.ts";

export interface BookKeeper {
  readonly book: Book;
  /** Called after the book changed in a way that may let an open request match. */
  onChange(listener: () => void): void;
  /** Reads again what concerns these providers. */
  refresh(providers: readonly string[]): Promise<void>;
  close(): void;
}

export interface KeepBookOptions {
  readonly sql: SqlDatabase;
  readonly bus: Bus;
  readonly logger: Logger;
  /** Milliseconds between sweeps of what ends by itself: offers, and presence of agents. */
  readonly sweepInterval?: number;
}

interface OfferRow {
  readonly digest: Hex;
  readonly signed: unknown;
}

/** Everything about providers that decides whether they can take a job. */
const PROVIDERS = `
SELECT p.provider,
  greatest(coalesce(s.total - s.leaving - s.reserved, 0) - ${lockedOf("p.provider")}, 0)::text AS available,
  (coalesce(a.until, 'epoch') > now() AT TIME ZONE 'utc') AS online,
  (SELECT count(*) FROM chain_job j WHERE j.provider = p.provider AND j.state IN ('active', 'committed'))::int
  + (SELECT count(*) FROM market_proposal m WHERE m.provider = p.provider AND (m.state IN ('open', 'accepted')
      OR (m.state = 'agreed' AND NOT EXISTS (SELECT 1 FROM chain_job j WHERE j.id = m.job_id))))::int AS busy,
  to_jsonb(r) AS standing
FROM unnest($1::text[]) AS p(provider)
LEFT JOIN chain_stake s ON s.provider = p.provider
LEFT JOIN api_presence a ON a.provider = p.provider
LEFT JOIN chain_standing r ON r.account = p.provider`;

interface ProviderRow {
  readonly provider: Address;
  readonly available: string;
  readonly online: boolean;
  readonly busy: number;
  readonly standing: StandingRow | null;
}

const now = (): number => Math.floor(Date.now() / 1_000);

/** State of these providers, from the tables. */
export const providerStates = async (
  sql: SqlDatabase,
  providers: readonly string[],
): Promise<Map<Address, ProviderState>> => {
  const rows = await sql.query<ProviderRow>(PROVIDERS, [providers]);
  return new Map(
    rows.map(({ provider, available, online, busy, standing }) => [
      provider,
      {
        available: BigInt(available),
        online,
        busy,
        reputation: scoreAt(standing ?? undefined, now()),
      },
    ]),
  );
};

export const bookOffer = ({ digest, signed }: OfferRow): BookOffer => {
  const { offer, description } = signedOfferSchema.parse(signed);
  return { ...offer, digest, description };
};

const STANDING_OFFERS =
  "SELECT digest, signed FROM market_offer WHERE withdrawn_at IS NULL AND expiry > $1";

export const keepBook = async ({
  sql,
  bus,
  logger,
  sweepInterval = 1_000,
}: KeepBookOptions): Promise<BookKeeper> => {
  const book = new Book();
  const listeners = new Set<() => void>();
  const known = new Set<string>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const refresh = async (providers: readonly string[]): Promise<void> => {
    if (providers.length === 0) return;
    for (const [provider, state] of await providerStates(sql, providers)) {
      known.add(provider);
      book.setProvider(provider, state);
    }
  };

  const readAll = async (): Promise<void> => {
    const rows = await sql.query<OfferRow>(STANDING_OFFERS, [now()]);
    const offers = rows.map(bookOffer);
    const standing = new Set(offers.map((offer) => offer.digest));
    for (const digest of book.digests()) if (!standing.has(digest)) book.remove(digest);
    for (const offer of offers) book.add(offer);
    await refresh([...new Set([...known, ...offers.map((offer) => offer.provider)])]);
  };

  const readOffer = async (digest: string): Promise<void> => {
    const [row] = await sql.query<OfferRow>(`${STANDING_OFFERS} AND digest = $2`, [now(), digest]);
    if (row === undefined) {
      book.remove(digest as Hex);
      return;
    }
    const offer = bookOffer(row);
    book.add(offer);
    await refresh([offer.provider]);
  };

  // One change after another, so that a late answer never overwrites a newer one.
  let lane: Promise<unknown> = Promise.resolve();
  const failed = (error: unknown): void =>
    logger.error({ err: error }, "the book could not be brought up to date");
  const later = (change: () => Promise<void>): void => {
    lane = lane.then(change).then(changed, failed);
  };
  const sweepPresence = async (online: readonly string[]): Promise<void> => {
    const rows = await sql.query<{ provider: string }>(
      `SELECT provider FROM api_presence WHERE provider = ANY($1) AND until > now() AT TIME ZONE 'utc'`,
      [online],
    );
    const still = new Set(rows.map((row) => row.provider));
    const gone = online.filter((provider) => !still.has(provider));
    if (gone.length > 0) later(() => refresh(gone));
  };

  const stops = [
    bus.on("offer", ({ digest }) => later(() => readOffer(digest))),
    bus.on("presence", ({ provider }) => later(() => refresh([provider]))),
    bus.on("proposal", ({ provider }) => later(() => refresh([provider]))),
    bus.on("chain", ({ jobs, accounts }) => {
      if (jobs.length > 0 || accounts.length > 0)
        later(async () => {
          const rows = await sql.query<{ provider: string }>(
            "SELECT DISTINCT provider FROM chain_job WHERE id = ANY($1)",
            [jobs],
          );
          const concerned = [...accounts, ...rows.map((row) => row.provider)];
          await refresh(concerned.filter((account) => known.has(account)));
        });
    }),
  ];
  bus.onGap(() => later(readAll));

  // Offers expire and agents fall silent without anyone telling.
  const sweep = setInterval(() => {
    for (const digest of book.expired(now())) book.remove(digest);
    const online = [...known].filter((provider) => book.stateOf(provider as Address).online);
    if (online.length > 0) sweepPresence(online).catch(failed);
  }, sweepInterval);
  sweep.unref();

  await readAll();
  return {
    book,
    onChange(listener) {
      listeners.add(listener);
    },
    refresh,
    close() {
      clearInterval(sweep);
      for (const stop of stops) stop();
    },
  };
};
