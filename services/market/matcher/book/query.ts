/** A request as the book searches for it: the contract's own money rules, and what the requester asks of a machine. */
import {
  BPS,
  PRICE_ONE,
  priceOf,
  shareOf,
  totalUnits,
  type Work,
} from "@assay/protocol/domain/money";
import type { Constraints } from "@assay/protocol/wire/description";

/** Governed numbers that a price depends on. */
export interface Rates {
  readonly protocolFeeBps: number;
  readonly matcherFeeCapBps: number;
  readonly collateralBps: number;
}

/** What is asked for, from a request or from a quote's ask. */
export interface Ask {
  readonly work: Work;
  readonly runTime: number;
  /** Ceiling of the total, token base units; undefined in a quote that names none. */
  readonly maximum?: bigint | undefined;
  readonly minCollateral: bigint;
  readonly statedLoss: bigint;
  /** Due only where this matcher carries the pair. */
  readonly matcherFee: bigint;
  readonly auditLine: bigint;
  readonly constraints: Constraints;
}

export interface Query extends Ask {
  readonly units: bigint;
  readonly rates: Rates;
  /** Unix seconds. */
  readonly now: number;
  /** Providers left out: they refused this request, were silent, or hold a place of it already. */
  readonly exclude: ReadonlySet<string>;
  /** Highest unit price whose total is within the maximum; undefined without one. */
  readonly highestUnitPrice: bigint | undefined;
  /** Lowest unit price at which the price is not zero and covers the matcher's fee. */
  readonly lowestUnitPrice: bigint;
  readonly score: ScoreScale;
}

/** Weights over their scales: the score is a sum of products, lower is better. */
export interface ScoreScale {
  readonly perTotal: number;
  readonly perSecond: number;
  readonly perBadReputation: number;
  readonly perCarbon: number;
}

export interface Totals {
  readonly price: bigint;
  readonly protocolFee: bigint;
  readonly total: bigint;
  /** Least collateral that the contract takes. */
  readonly collateral: bigint;
}

/** What a job costs at a unit price, as the contract computes it. */
export const totalsAt = (
  unitPrice: bigint,
  query: Pick<
    Query,
    "units" | "rates" | "matcherFee" | "auditLine" | "minCollateral" | "statedLoss"
  >,
): Totals => {
  const price = priceOf(unitPrice, query.units);
  const protocolFee = shareOf(price, query.rates.protocolFeeBps);
  let collateral = shareOf(price, query.rates.collateralBps);
  if (collateral < query.minCollateral) collateral = query.minCollateral;
  if (collateral < query.statedLoss) collateral = query.statedLoss;
  return {
    price,
    protocolFee,
    total: price + protocolFee + query.matcherFee + query.auditLine,
    collateral,
  };
};

/** Largest price with `price + fee ≤ budget`. */
const largestPrice = (budget: bigint, feeBps: number): bigint => {
  if (budget < 0n) return -1n;
  let price = (budget * BPS) / (BPS + BigInt(feeBps));
  // The fee is rounded down, so the quotient can be one short.
  while (price + 1n + shareOf(price + 1n, feeBps) <= budget) price++;
  return price;
};

/** Smallest `unitPrice` with `priceOf(unitPrice, units) ≥ price`. */
const unitPriceFor = (price: bigint, units: bigint): bigint =>
  (price * PRICE_ONE + units - 1n) / units;

export interface QueryOptions {
  readonly rates: Rates;
  readonly now: number;
  readonly exclude?: ReadonlySet<string>;
  /** Divides totals in the score where there is no maximum. */
  readonly priceScale?: number;
}

/** Compiles an ask. `work` must have at least one unit. */
export const compileQuery = (
  ask: Ask,
  { rates, now, exclude = new Set(), priceScale }: QueryOptions,
): Query => {
  const units = totalUnits(ask.work);
  const { maximum } = ask;
  const highest =
    maximum === undefined
      ? undefined
      : largestPrice(maximum - ask.matcherFee - ask.auditLine, rates.protocolFeeBps);
  const leastPrice =
    ask.matcherFee === 0n || rates.matcherFeeCapBps === 0
      ? 1n
      : (ask.matcherFee * BPS + BigInt(rates.matcherFeeCapBps) - 1n) /
        BigInt(rates.matcherFeeCapBps);
  const { price, time, reputation, carbon } = ask.constraints.weights;
  const sum = price + time + reputation + carbon;
  const share = (weight: number): number => (sum === 0 ? 0 : weight / sum);
  return {
    ...ask,
    units,
    rates,
    now,
    exclude,
    highestUnitPrice:
      highest === undefined
        ? undefined
        : highest < 0n
          ? -1n
          : ((highest + 1n) * PRICE_ONE - 1n) / units,
    lowestUnitPrice: unitPriceFor(leastPrice, units),
    score: {
      // Where nothing was weighed the price decides.
      perTotal: (sum === 0 ? 1 : share(price)) / Math.max(1, priceScale ?? Number(maximum ?? 1n)),
      perSecond: share(time) / Math.max(1, ask.runTime),
      perBadReputation: share(reputation) / 10_000,
      perCarbon: share(carbon) / 1_000,
    },
  };
};
