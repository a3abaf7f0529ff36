/** The arithmetic of prices, exactly as the market contract does it. All amounts are token base units. */

/** One whole token price unit of `unitPrice`: 18 decimals fixed point. */
export const PRICE_ONE = 10n ** 18n;
export const BPS = 10_000n;

export interface Work {
  readonly initUnits: bigint;
  readonly stepUnits: bigint;
  readonly evalUnits: bigint;
  readonly steps: number;
  readonly startStep: number;
  readonly interval: number;
}

/** Work units of a whole job. */
export const totalUnits = (work: Work): bigint =>
  work.initUnits + work.stepUnits * BigInt(work.steps - work.startStep) + work.evalUnits;

/** Checkpoints after the start: `⌈(steps − startStep) / interval⌉`. */
export const checkpointCount = (work: Pick<Work, "steps" | "startStep" | "interval">): number =>
  Math.ceil((work.steps - work.startStep) / work.interval);

/** Step at which checkpoint `k` is due. */
export const stepAtCheckpoint = (
  work: Pick<Work, "steps" | "startStep" | "interval">,
  checkpoint: number,
): number => Math.min(work.startStep + checkpoint * work.interval, work.steps);

/** Work units up to checkpoint `k`; evaluation counts with the last one only. */
export const unitsUpTo = (work: Work, checkpoint: number): bigint =>
  checkpoint >= checkpointCount(work)
    ? totalUnits(work)
    : work.initUnits + work.stepUnits * BigInt(stepAtCheckpoint(work, checkpoint) - work.startStep);

/** The provider's pay for the whole job, rounded down. */
export const priceOf = (unitPrice: bigint, units: bigint): bigint =>
  (unitPrice * units) / PRICE_ONE;

/** A share of an amount in basis points, rounded down. */
export const shareOf = (amount: bigint, bps: number | bigint): bigint =>
  (amount * BigInt(bps)) / BPS;

/** Paid at checkpoint `k` in all: `⌊price · unitsUpTo(k) / units⌋`. */
export const paidUpTo = (price: bigint, work: Work, checkpoint: number): bigint =>
  (price * unitsUpTo(work, checkpoint)) / totalUnits(work);
