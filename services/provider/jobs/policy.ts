/** Whether this agent wants a proposed job, as far as the proposal alone tells. Pure. */
import { priceOf, shareOf, totalUnits } from "@assay/protocol/domain/money";
import type { Proposal, Refusal } from "@assay/protocol/wire/api";
import { canonicalHash } from "@assay/protocol/wire/description";
import { NUMERICS } from "@assay/engine/ir/encode";

export interface Policy {
  /** What is asked now, token base units per work unit with 18 decimals. */
  readonly unitPrice: bigint;
  /** Most collateral of one job and largest stated loss, token base units. */
  readonly maxCollateral: bigint;
  readonly maxStatedLoss: bigint;
  /** Work units a second that one job gets here. */
  readonly unitsPerSecond: number;
}

export interface Conditions {
  /** The chain's time, Unix seconds. */
  readonly now: number;
  readonly draining: boolean;
  readonly freePlaces: number;
  readonly availableStake: bigint;
  readonly protocolFeeBps: number;
  readonly collateralBps: number;
}

/** Time that fetching, uploading and the chain take beside training. */
const OVERHEAD_SECONDS = 2;
/** Spare time a job must leave, as a factor of the expected run: other work on this machine slows it down. */
const SPARE = 1.25;

const amount = (value: bigint): string => `${value} base units`;

/** Seconds to grant for a run that takes so many seconds of work: with spare time for what cannot be foreseen. */
export const grantedSeconds = (seconds: number): number => seconds * SPARE + OVERHEAD_SECONDS;

/** Why a job cannot be done in time, or undefined. */
export const tooSlow = (seconds: number, runTime: number): Refusal | undefined =>
  grantedSeconds(seconds) <= runTime
    ? undefined
    : {
        code: "DEADLINE_TOO_SHORT",
        reason: `about ${Math.ceil(grantedSeconds(seconds))} s needed here, ${runTime} s allowed`,
      };

/** Why not, or undefined. The code is stable; the market shows the reason to the requester. */
export const refusalOf = (
  { request, constraints, unitPrice, collateral }: Proposal,
  policy: Policy,
  conditions: Conditions,
): Refusal | undefined => {
  const units = totalUnits(request);
  const price = priceOf(unitPrice, units);
  const total =
    price + shareOf(price, conditions.protocolFeeBps) + request.matcherFee + request.auditLine;
  const least = [shareOf(price, conditions.collateralBps), request.minCollateral].reduce((a, b) =>
    a > b ? a : b,
  );
  const rules: [boolean, string, string][] = [
    [conditions.draining, "PROVIDER_DRAINING", "the agent takes no more jobs"],
    [conditions.freePlaces <= 0, "PROVIDER_BUSY", "every place is taken"],
    [request.executor !== 0, "EXECUTOR_UNSUPPORTED", "only tensor programs run here"],
    [request.access !== 0, "ACCESS_UNSUPPORTED", "only public jobs run here"],
    [
      request.numerics !== NUMERICS,
      "NUMERICS_UNSUPPORTED",
      `numerics ${request.numerics}, this engine has ${NUMERICS}`,
    ],
    [
      canonicalHash(constraints) !== request.constraintsHash,
      "CONSTRAINTS_MISMATCH",
      "the constraints shown are not those that were signed",
    ],
    [request.expiry <= conditions.now, "REQUEST_EXPIRED", `the request ended at ${request.expiry}`],
    [
      unitPrice < policy.unitPrice,
      "PRICE_BELOW_ASK",
      `${unitPrice} offered a unit, ${policy.unitPrice} asked`,
    ],
    [price === 0n, "PRICE_ROUNDS_TO_ZERO", "the job is too small for one base unit of pay"],
    [
      total > request.maximum,
      "ABOVE_MAXIMUM",
      `${amount(total)} in all, the request allows ${amount(request.maximum)}`,
    ],
    [
      collateral < least,
      "COLLATERAL_TOO_LOW",
      `${amount(collateral)} proposed, the contract asks ${amount(least)}`,
    ],
    [
      collateral > policy.maxCollateral,
      "COLLATERAL_TOO_HIGH",
      `${amount(collateral)} asked, at most ${amount(policy.maxCollateral)} locked for one job`,
    ],
    [
      collateral > conditions.availableStake,
      "STAKE_TOO_LOW",
      `${amount(collateral)} asked, ${amount(conditions.availableStake)} of stake is free`,
    ],
    [
      request.statedLoss > policy.maxStatedLoss,
      "STATED_LOSS_TOO_HIGH",
      `${amount(request.statedLoss)} stated, at most ${amount(policy.maxStatedLoss)}`,
    ],
  ];
  const broken = rules.find(([applies]) => applies);
  return broken
    ? { code: broken[1], reason: broken[2] }
    : tooSlow(Number(units) / policy.unitsPerSecond, request.runTime);
};
