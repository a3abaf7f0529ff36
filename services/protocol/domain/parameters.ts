/** The governed numbers in words; fields as in `contracts/types/Params.sol`, in its order. */
import { formatAmount, type Token } from "./amount.ts";

type Unit = "seconds" | "share" | "amount" | "address";

export interface GovernedParameter {
  readonly words: string;
  readonly unit: Unit;
}

export const GOVERNED_PARAMETERS = {
  challengeWindow: { words: "least challenge window", unit: "seconds" },
  kappaBps: { words: "challenge window as a share of run time", unit: "share" },
  receiptGrace: { words: "time to present a receipt after a deadline", unit: "seconds" },
  revealTime: { words: "time to reveal a commitment", unit: "seconds" },
  unbonding: { words: "delay before stake can leave", unit: "seconds" },
  disputeClock: { words: "clock of each side of a dispute", unit: "seconds" },
  protocolFeeBps: { words: "protocol fee, of the price", unit: "share" },
  matcherFeeCapBps: { words: "cap on a matcher's fee, of the price", unit: "share" },
  collateralBps: { words: "least collateral, of the price", unit: "share" },
  latenessBps: { words: "holdback of a late prefix, of its pay", unit: "share" },
  expiryPenaltyBps: { words: "penalty of an expired job, of its collateral", unit: "share" },
  rewardBps: { words: "reward of a won dispute, of the collateral", unit: "share" },
  burnBps: { words: "burned part of slashed collateral", unit: "share" },
  auditRateBps: { words: "share of jobs that are audited", unit: "share" },
  auditFloorBps: { words: "least audit rate", unit: "share" },
  challengeBond: { words: "bond of a challenger", unit: "amount" },
  treasury: { words: "treasury, which receives protocol fees", unit: "address" },
  disputes: { words: "dispute game of new jobs", unit: "address" },
} as const satisfies Readonly<Record<string, GovernedParameter>>;

export type ParameterName = keyof typeof GOVERNED_PARAMETERS;
export const PARAMETER_NAMES = Object.keys(GOVERNED_PARAMETERS) as ParameterName[];
export type ParameterValue = number | bigint | string;
export type Parameters = Readonly<Record<ParameterName, ParameterValue>>;

const TIMES = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
] as const;

const seconds = (count: number): string => {
  const [size, name] = TIMES.find(([one]) => count >= one && count % one === 0) ?? [1, "second"];
  const number = count / size;
  return `${number} ${name}${number === 1 ? "" : "s"}`;
};

/** `86400` as `1 day`, `250` basis points as `2.5 %`, base units as an amount of the token. */
export const formatParameter = (
  name: ParameterName,
  value: ParameterValue,
  token: Token,
): string => {
  const { unit } = GOVERNED_PARAMETERS[name];
  if (unit === "seconds") return seconds(Number(value));
  if (unit === "share") return `${Number(value) / 100} %`;
  return unit === "amount" ? formatAmount(BigInt(value), token) : String(value);
};
