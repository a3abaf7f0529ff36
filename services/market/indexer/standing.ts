/** The reputation contract's arithmetic: decayed sums of protocol fees, and the score they give. */
import type { ChainEvent } from "./fold.ts";

const FACTS = ["completed", "late", "expired", "slashed", "stopped", "challenges_lost"] as const;
type Fact = (typeof FACTS)[number];

/** A row of `chain_standing`; sums in millionths of a token, decayed to `updated_at`. */
export type StandingRow = { readonly account: string; readonly updated_at: number } & {
  readonly [F in Fact]: number;
};

/** What the score is made of; the others are about requesters. */
const OF_PROVIDERS = ["completed", "late", "expired", "slashed"] as const;

const DAY = 86_400;
/** Days in which a sum halves. */
const HALF_LIFE = 90;
/** What is left after a day: ⌊2^64 · 2^(−1/90)⌋. */
const DAILY = 18_305_219_661_902_323_056n;
const MOST = 2 ** 32 - 1;
/** Basis points for an account without history. */
export const NEUTRAL_SCORE = 5_000;

/** What is left after less than a half-life of whole days, in 64 fractional bits. */
const factorAfter = (days: number): bigint => {
  let factor = 1n << 64n;
  let base = DAILY;
  for (let left = days; left !== 0; left >>= 1) {
    if ((left & 1) !== 0) factor = (factor * base) >> 64n;
    base = (base * base) >> 64n;
  }
  return factor;
};

/** Sums after the whole days since they were decayed last; the rest of a day is left for next time. */
const decayed = (standing: StandingRow, now: number): StandingRow => {
  const days = Math.floor(Math.max(0, now - standing.updated_at) / DAY);
  if (days >= 32 * HALF_LIFE) return { ...zero, account: standing.account, updated_at: now };
  const factor = factorAfter(days % HALF_LIFE);
  const shift = 64n + BigInt(Math.floor(days / HALF_LIFE));
  const left = (fact: Fact): number => {
    // Good facts round down and bad ones up.
    const roundUp = fact === "completed" ? 0n : (1n << shift) - 1n;
    return Number((BigInt(standing[fact]) * factor + roundUp) >> shift);
  };
  const sums = Object.fromEntries(FACTS.map((fact) => [fact, left(fact)])) as Record<Fact, number>;
  return { account: standing.account, updated_at: standing.updated_at + days * DAY, ...sums };
};

/** Token base units in a millionth of a token, at least 1. */
export const reputationScale = (decimals: number): bigint =>
  decimals > 6 ? 10n ** BigInt(decimals - 6) : 1n;

export const foldStanding = (
  standing: StandingRow | undefined,
  event: ChainEvent,
  scale: bigint,
): StandingRow | undefined => {
  if (event.contract !== "reputation" || event.name !== "FactRecorded") return standing;
  const fact = FACTS[Number(event.args["fact"])];
  if (fact === undefined) return standing;
  const account = String(event.args["account"]);
  const none = { account, updated_at: 0, ...zero };
  const sums = decayed(standing ?? none, event.timestamp);
  const added = Number(BigInt(String(event.args["weight"])) / scale);
  return { ...sums, [fact]: Math.min(MOST, sums[fact] + added) };
};

const zero: Record<Fact, number> = {
  completed: 0,
  late: 0,
  expired: 0,
  slashed: 0,
  stopped: 0,
  challenges_lost: 0,
};

/** Basis points of good facts among all those of a provider at `now` (Unix seconds). */
export const scoreAt = (standing: StandingRow | undefined, now: number): number => {
  if (standing === undefined) return NEUTRAL_SCORE;
  const sums = decayed(standing, now);
  const all = OF_PROVIDERS.reduce((sum, fact) => sum + sums[fact], 0);
  return all === 0 ? NEUTRAL_SCORE : Math.floor((10_000 * sums.completed) / all);
};
