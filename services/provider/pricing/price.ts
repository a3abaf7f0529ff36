/** What to ask for a work unit. Pure: the same figures give the same price. */
import { PRICE_ONE } from "@assay/protocol/domain/money";
import { parseUnits } from "viem";

/** Work units in the unit that people quote prices in. */
const GIGA = 10n ** 9n;

/** `unitPrice` of an offer (token base units per work unit, 18 decimals) from decimal tokens per giga-unit. */
export const unitPriceOf = (tokensPerGigaUnit: string, decimals: number): bigint =>
  (parseUnits(tokensPerGigaUnit, decimals) * PRICE_ONE) / GIGA;

export type PricePolicy =
  | { readonly kind: "fixed"; readonly unitPrice: bigint }
  | { readonly kind: "auto"; readonly floor: bigint };

/** What others ask at the moment. */
export interface RecentPrices {
  /** Median unit price of the standing offers; absent where there is none. */
  readonly median: bigint | undefined;
}

export interface Situation {
  /** What is asked now; absent at the start. */
  readonly current: bigint | undefined;
  readonly recent: RecentPrices;
  /** Seconds since a job last ran here; 0 while one runs. */
  readonly idleSeconds: number;
  readonly running: number;
  readonly capacity: number;
}

/** Where nobody else asks, the first price is this multiple of the floor. */
const OPENING = 4n;
/** An idle machine gives way by a tenth every so many seconds. */
const PATIENCE_SECONDS = 300;
const STEP_BPS = 1_000n;
/** Above this multiple of the median nobody buys, below its inverse money is left lying. */
const BAND = 3n;

const raised = (price: bigint): bigint => price + (price * STEP_BPS) / 10_000n + 1n;
const lowered = (price: bigint): bigint => price - (price * STEP_BPS) / 10_000n;
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * `fixed` asks its price. `auto` begins at the median of the market, goes up a tenth while every place is taken, comes
 * down a tenth for every five idle minutes, stays within a factor of three of the median, and never goes
 * below its floor.
 */
export const nextPrice = (policy: PricePolicy, situation: Situation): bigint => {
  if (policy.kind === "fixed") return policy.unitPrice;
  const { current, recent, idleSeconds, running, capacity } = situation;
  const start = current ?? recent.median ?? policy.floor * OPENING;
  let price = start;
  if (current !== undefined) {
    if (running >= capacity) price = raised(start);
    else if (running === 0 && idleSeconds >= PATIENCE_SECONDS) price = lowered(start);
  }
  if (recent.median !== undefined && recent.median > 0n)
    price = larger(recent.median / BAND, smaller(recent.median * BAND, price));
  return larger(policy.floor, price);
};
