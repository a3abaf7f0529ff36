/** Says why: which constraint left out how many offers and what giving way on it would cost, or why this provider. */
import { formatAmount, type Token } from "@assay/protocol/domain/amount";
import type { Rejection } from "@assay/protocol/wire/api";
import type { Failure, Match, Survey } from "../book/book.ts";
import { totalsAt, type Query } from "../book/query.ts";

/** A query and the token that its amounts are told in. */
interface Terms extends Query {
  readonly token: Token;
}

interface Words {
  /** What the offers lack. */
  readonly lacks: string;
  /** What to change so that these offers pass too, the cheapest of them first; nothing where the requester cannot. */
  readonly change?: (failures: readonly Failure[], terms: Terms) => string;
}

const least = (
  failures: readonly Failure[],
  value: (failure: Failure) => number,
  unit: string,
): string => `${Math.max(...failures.map(value))} ${unit}`.trim();

const most = (failures: readonly Failure[], value: (failure: Failure) => number): number =>
  Math.min(...failures.map(value));

const largest = (failures: readonly Failure[], value: (failure: Failure) => bigint): bigint =>
  failures.map(value).reduce((a, b) => (a > b ? a : b), 0n);

/** The name a provider goes by, or its address. */
const whoOffers = ({ offer }: Pick<Failure, "offer">): string =>
  offer.description.name ?? offer.provider;

const listed = (values: Iterable<string | undefined>): string =>
  [...new Set([...values].filter((value) => value !== undefined))].slice(0, 5).join(", ");

const secondsOf = ({ offer }: Failure, query: Query): number =>
  Math.ceil(Number(query.units) / Math.max(1, Number(offer.unitsPerSecond)));

const hardware = (failure: Failure) => failure.offer.description.hardware;

const WORDS: Readonly<Record<string, Words>> = {
  maximum: {
    lacks: "ask more than the maximum",
    change: (failures, terms) =>
      `raise the maximum to ${formatAmount(cheapest(failures, terms), terms.token)}`,
  },
  online: { lacks: "have no agent listening now" },
  expiry: { lacks: "have expired" },
  capacity: { lacks: "are busy with other jobs" },
  executor: { lacks: "do not run tensor programs" },
  hardwareClass: {
    lacks: "have another hardware class",
    change: () => "leave out hardwareClass",
  },
  regions: {
    lacks: "are in other regions",
    change: (failures) =>
      `also allow ${listed(failures.map(({ offer }) => offer.description.region))}`,
  },
  jurisdictions: {
    lacks: "are under other jurisdictions, or name none",
    change: (failures) => {
      const places = listed(failures.map(({ offer }) => offer.description.jurisdiction));
      return places === "" ? "leave out jurisdictions" : `also allow ${places}`;
    },
  },
  confidential: {
    lacks: "offer no confidential computing",
    change: () => "leave out confidential",
  },
  gpuModel: {
    lacks: "have another GPU model",
    change: (failures) => {
      const models = listed(failures.map((failure) => hardware(failure).gpuModel));
      return models === "" ? "leave out gpuModel" : `take ${models}`;
    },
  },
  minGpuCount: {
    lacks: "have fewer GPUs",
    change: (all) => `ask for ${least(all, (one) => hardware(one).gpuCount ?? 0, "GPUs")}`,
  },
  minVramGiB: {
    lacks: "have less GPU memory",
    change: (all) => `ask for ${least(all, (one) => hardware(one).vramGiB ?? 0, "GiB")}`,
  },
  minCpuCores: {
    lacks: "have fewer CPU cores",
    change: (all) => `ask for ${least(all, (one) => hardware(one).cpuCores, "cores")}`,
  },
  minRamGiB: {
    lacks: "have less memory",
    change: (all) => `ask for ${least(all, (one) => hardware(one).ramGiB, "GiB")}`,
  },
  minDiskGiB: {
    lacks: "have less disk",
    change: (all) => `ask for ${least(all, (one) => hardware(one).diskGiB, "GiB")}`,
  },
  minBandwidthMbps: {
    lacks: "have less bandwidth",
    change: (all) => `ask for ${least(all, (one) => hardware(one).bandwidthMbps ?? 0, "Mbit/s")}`,
  },
  minReputation: {
    lacks: "have a lower reputation",
    change: (all) => `lower minReputation to ${least(all, (one) => one.state.reputation, "")}`,
  },
  minStake: {
    lacks: "have less free stake",
    change: (all, { token }) =>
      `lower minStake to ${formatAmount(
        largest(all, ({ state }) => state.available),
        token,
      )}`,
  },
  runTime: {
    lacks: "are too slow for the run time",
    change: (all, query) =>
      `allow ${String(most(all, (one) => secondsOf(one, query)))} s of run time`,
  },
  maxSeconds: {
    lacks: "are slower than maxSeconds",
    change: (all, query) =>
      `raise maxSeconds to ${String(most(all, (one) => secondsOf(one, query)))}`,
  },
  statedLoss: {
    lacks: "do not answer for the stated loss",
    change: (all, { token }) =>
      `state a loss of at most ${formatAmount(
        largest(all, ({ offer }) => offer.maxStatedLoss),
        token,
      )}`,
  },
  allow: {
    lacks: "are not on the allow list",
    change: (all) => `allow ${listed(all.map(whoOffers))}`,
  },
  deny: {
    lacks: "are on the deny list",
    change: (all) => `take ${listed(all.map(whoOffers))} off the deny list`,
  },
  tried: {
    lacks: "belong to providers that refused, did not answer, or have a part of it already",
  },
  matcherFee: {
    lacks: "are so cheap that the matcher's fee would be above its cap",
    change: () => "lower the matcher's fee",
  },
  collateral: {
    lacks: "cannot lock the collateral",
    change: (all, { token }) => {
      const lockable = largest(all, ({ offer, state }) =>
        offer.maxCollateral < state.available ? offer.maxCollateral : state.available,
      );
      return `ask for at most ${formatAmount(lockable, token)} of collateral`;
    },
  },
};

const cheapest = (failures: readonly Failure[], query: Query): bigint =>
  failures
    .map(({ offer }) => totalsAt(offer.unitPrice, query).total)
    .reduce((a, b) => (a < b ? a : b));

/** For each constraint that left offers out: how many, and what relaxing this one alone would give. Most offers first. */
export const explainRejections = (survey: Survey, terms: Terms): Rejection[] => {
  const counts = new Map<string, number>();
  const alone = new Map<string, Failure[]>();
  for (const failure of survey.failures) {
    for (const name of failure.failed) counts.set(name, (counts.get(name) ?? 0) + 1);
    const [only, ...others] = failure.failed;
    if (only !== undefined && others.length === 0)
      alone.set(only, [...(alone.get(only) ?? []), failure]);
  }
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([constraint, offers]) => {
      const words = WORDS[constraint];
      const relaxed = alone.get(constraint) ?? [];
      const explanation = `${offers} of ${survey.offers} offers ${words?.lacks ?? "do not pass"}`;
      if (relaxed.length === 0 || words?.change === undefined)
        return { constraint, offers, explanation };
      return {
        constraint,
        offers,
        explanation,
        relaxation: {
          change: words.change(relaxed, terms),
          offers: relaxed.length,
          cheapestTotal: cheapest(relaxed, terms),
        },
      };
    });
};

/** One line: why nobody. */
export const explainNoMatch = (
  survey: Survey,
  rejected: readonly Rejection[],
  token: Token,
): string => {
  if (survey.offers === 0) return "No offers stand at this market now; the request waits for one.";
  const reasons = rejected.slice(0, 3).map(({ explanation }) => explanation);
  const relaxation = rejected.find((rejection) => rejection.relaxation !== undefined)?.relaxation;
  const from =
    relaxation?.cheapestTotal === undefined
      ? ""
      : `, from ${formatAmount(relaxation.cheapestTotal, token)}`;
  const advice = relaxation
    ? ` To match now: ${relaxation.change} (${relaxation.offers} more${from}).`
    : "";
  return `No offer fits yet: ${reasons.join("; ")}.${advice}`;
};

/** One line: why this provider. */
export const explainMatch = ({ offer }: Match, terms: Terms): string => {
  const { weights } = terms.constraints;
  const wishes = Object.entries(weights)
    .filter(([, weight]) => weight > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name]) => name);
  const { total } = totalsAt(offer.unitPrice, terms);
  const seconds = Math.ceil(Number(terms.units) / Number(offer.unitsPerSecond));
  return `${whoOffers({ offer })}: best by ${wishes.join(", ") || "price"} among the offers that fit, for ${formatAmount(total, terms.token)} in about ${seconds} s.`;
};
