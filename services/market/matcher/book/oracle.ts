/**
 * Matching by looking at every offer as an object: short, slow and plainly right. Tests hold the book against it, and the
 * bench measures the book against it.
 */
import { PRICE_ONE } from "@assay/protocol/domain/money";
import { CARBON_UNKNOWN } from "./rows.ts";
import type { BookOffer, ProviderState } from "./offer.ts";
import type { Query } from "./query.ts";

export interface Candidate {
  readonly offer: BookOffer;
  readonly state: ProviderState;
}

const bps = (amount: bigint, points: number): bigint => (amount * BigInt(points)) / 10_000n;

const fits = ({ offer, state }: Candidate, query: Query): boolean => {
  const { description } = offer;
  const { hardware } = description;
  const wants = query.constraints;
  const price = (offer.unitPrice * query.units) / PRICE_ONE;
  const total = price + bps(price, query.rates.protocolFeeBps) + query.matcherFee + query.auditLine;
  const collateral = [bps(price, query.rates.collateralBps), query.minCollateral, query.statedLoss]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .at(-1) as bigint;
  const seconds = Number(query.units) / Number(offer.unitsPerSecond);
  const among = (list: readonly string[] | undefined, value: string | undefined): boolean =>
    list === undefined ||
    list.length === 0 ||
    list.some((one) => one.toLowerCase() === value?.toLowerCase());
  return (
    state.online &&
    offer.expiry > query.now &&
    offer.capacity > state.busy &&
    description.executors.includes("tensor") &&
    (wants.hardwareClass === undefined || hardware.class === wants.hardwareClass) &&
    (wants.gpuModel === undefined ||
      hardware.gpuModel?.toLowerCase() === wants.gpuModel.toLowerCase()) &&
    (hardware.gpuCount ?? 0) >= (wants.minGpuCount ?? 0) &&
    (hardware.vramGiB ?? 0) >= (wants.minVramGiB ?? 0) &&
    hardware.cpuCores >= (wants.minCpuCores ?? 0) &&
    hardware.ramGiB >= (wants.minRamGiB ?? 0) &&
    hardware.diskGiB >= (wants.minDiskGiB ?? 0) &&
    (hardware.bandwidthMbps ?? 0) >= (wants.minBandwidthMbps ?? 0) &&
    among(wants.regions, description.region) &&
    among(wants.jurisdictions, description.jurisdiction) &&
    (wants.confidential !== true || description.confidential) &&
    state.available >= (wants.minStake ?? 0n) &&
    state.reputation >= (wants.minReputation ?? 0) &&
    seconds <= query.runTime &&
    seconds <= (wants.maxSeconds ?? Number.POSITIVE_INFINITY) &&
    offer.maxStatedLoss >= query.statedLoss &&
    among(wants.allow, offer.provider) &&
    !(wants.deny ?? []).includes(offer.provider) &&
    !query.exclude.has(offer.provider) &&
    (query.maximum === undefined || total <= query.maximum) &&
    price > 0n &&
    (query.matcherFee === 0n ||
      query.rates.matcherFeeCapBps === 0 ||
      query.matcherFee <= bps(price, query.rates.matcherFeeCapBps)) &&
    collateral <= offer.maxCollateral &&
    collateral <= state.available
  );
};

const scoreOf = ({ offer, state }: Candidate, query: Query): number => {
  const units = Number(query.units);
  const { perTotal, perSecond, perBadReputation, perCarbon } = query.score;
  const factor = (units / 1e18) * (1 + query.rates.protocolFeeBps / 10_000);
  const total = Number(offer.unitPrice) * factor + Number(query.matcherFee + query.auditLine);
  return (
    total * perTotal +
    ((units / Number(offer.unitsPerSecond)) * perSecond +
      (10_000 - state.reputation) * perBadReputation +
      (offer.description.carbonGramsPerKwh ?? CARBON_UNKNOWN) * perCarbon)
  );
};

/** All that fit, best first. */
export const filterAndSort = (candidates: readonly Candidate[], query: Query): Candidate[] =>
  candidates
    .filter((candidate) => fits(candidate, query))
    .map((candidate) => ({ candidate, score: scoreOf(candidate, query) }))
    .sort(
      (a, b) =>
        a.score - b.score ||
        Number(a.candidate.offer.nonce - b.candidate.offer.nonce) ||
        (a.candidate.offer.digest < b.candidate.offer.digest ? -1 : 1),
    )
    .map(({ candidate }) => candidate);
