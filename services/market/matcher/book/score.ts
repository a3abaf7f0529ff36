/** The soft part of matching: one number per offer that passes, lower is better. */
import { AT } from "./rows.ts";
import type { BookOffer } from "./offer.ts";
import type { Query } from "./query.ts";

/**
 * Score of the row that begins at `base`. Every operation is monotone, rounding included, so the score of a column-wise
 * maximum is at most that of each row it was taken of.
 */
export type Scorer = (values: Float64Array, base: number) => number;

export const scorer = (query: Query): Scorer => {
  const units = Number(query.units);
  const factor = (units / 1e18) * (1 + query.rates.protocolFeeBps / 10_000);
  const fixed = Number(query.matcherFee + query.auditLine);
  const { perTotal, perSecond, perBadReputation, perCarbon } = query.score;
  return (values, base) =>
    (-(values[base + AT.negativePrice] as number) * factor + fixed) * perTotal +
    ((units / (values[base + AT.speed] as number)) * perSecond +
      (10_000 - (values[base + AT.reputation] as number)) * perBadReputation +
      -(values[base + AT.negativeCarbon] as number) * perCarbon);
};

/** Negative where `a` comes first among offers of one score: by signed order, then by digest. */
export const tieBreak = (a: BookOffer, b: BookOffer): number => {
  if (a.nonce !== b.nonce) return a.nonce < b.nonce ? -1 : 1;
  return a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0;
};
