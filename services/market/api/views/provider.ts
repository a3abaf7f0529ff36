/** A provider as it and others see it, with the reason why it has no work. */
import type { ProviderView } from "@assay/protocol/wire/api";
import { getAddress, type Address } from "viem";
import type { Database } from "../../database/open.ts";
import { lockedOf } from "../../indexer/fold.ts";
import type { Book } from "../../matcher/book/book.ts";
import { providerStates } from "../../matcher/book/keeper.ts";
import type { BookOffer, ProviderState } from "../../matcher/book/offer.ts";

/** Agreed prices that an idle provider is compared with. */
const LAST_WINS = 20;

interface Sums {
  readonly provider: string;
  readonly total: string;
  readonly locked: string;
  readonly running: number;
  readonly earned: string;
  readonly pending: string;
  readonly last_failure: {
    readonly state: string;
    readonly reason: { reason?: string } | null;
  } | null;
}

const SUMS = `
SELECT p.provider, coalesce(s.total, 0)::text AS total, ${lockedOf("p.provider")}::text AS locked,
  (SELECT count(*) FROM chain_job j WHERE j.provider = p.provider AND j.state IN ('active', 'committed'))::int AS running,
  (SELECT coalesce(sum(paid), 0) FROM chain_job j WHERE j.provider = p.provider)::text AS earned,
  (SELECT coalesce(sum(price), 0) FROM chain_job j WHERE j.provider = p.provider
     AND j.state IN ('active', 'committed', 'submitted'))::text AS pending,
  (SELECT jsonb_build_object('state', m.state, 'reason', m.reason) FROM market_proposal m WHERE m.provider = p.provider
     AND m.state IN ('refused', 'silent', 'failed') AND m.created_at > (now() AT TIME ZONE 'utc') - interval '1 hour'
     ORDER BY m.place DESC LIMIT 1) AS last_failure
FROM unnest($1::text[]) AS p(provider) LEFT JOIN chain_stake s ON s.provider = p.provider`;

const recentWins = async ({ sql }: Database): Promise<number[]> => {
  const rows = await sql.query<{ unit_price: string }>(
    "SELECT unit_price FROM market_proposal WHERE state = 'agreed' ORDER BY place DESC LIMIT $1",
    [LAST_WINS],
  );
  return rows.map(({ unit_price }) => Number(unit_price));
};

const whyIdle = (
  sums: Sums,
  state: ProviderState,
  offers: readonly BookOffer[],
  wins: readonly number[],
): string => {
  if (offers.length === 0) return "It has no standing offer.";
  if (!state.online) return "Its agent is not listening for proposals.";
  if (state.available === 0n)
    return sums.total === "0"
      ? "It has no stake."
      : "All of its stake is locked, leaving or reserved.";
  const cheapest = Math.min(...offers.map(({ unitPrice }) => Number(unitPrice)));
  const mean = wins.reduce((sum, price) => sum + price, 0) / Math.max(1, wins.length);
  if (wins.length > 0 && cheapest > mean * 1.01)
    return `Priced ${Math.round((cheapest / mean - 1) * 100)} % above ${wins.length === 1 ? "the last win" : `the last ${wins.length} wins`}.`;
  const failure = sums.last_failure;
  if (failure?.state === "silent") return "It did not answer its last proposal in time.";
  if (failure)
    return `Its last proposal came to nothing: ${failure.reason?.reason ?? failure.state}`;
  return "It waits for a request that it fits.";
};

/** Views in the order of the addresses. */
export const providerViews = async (
  database: Database,
  book: Book,
  providers: readonly string[],
): Promise<ProviderView[]> => {
  const [rows, states, wins] = await Promise.all([
    database.sql.query<Sums>(SUMS, [providers]),
    providerStates(database.sql, providers),
    recentWins(database),
  ]);
  const sumsOf = new Map(rows.map((row) => [row.provider, row]));
  return providers.flatMap((text) => {
    const address: Address = getAddress(text);
    const sums = sumsOf.get(text);
    const state = states.get(address);
    if (sums === undefined || state === undefined) return [];
    const offers = book.offersOf(address);
    const name = offers.find(({ description }) => description.name)?.description.name;
    return [
      {
        address,
        ...(name === undefined ? {} : { name }),
        online: state.online,
        stake: BigInt(sums.total),
        locked: BigInt(sums.locked),
        reputation: state.reputation,
        offers: offers.length,
        runningJobs: sums.running,
        earned: BigInt(sums.earned),
        pending: BigInt(sums.pending),
        ...(sums.running > 0 ? {} : { whyIdle: whyIdle(sums, state, offers, wins) }),
      },
    ];
  });
};
