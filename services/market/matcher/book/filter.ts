/** The hard constraints, each by name. Exact: amounts are compared as integers. */
import type { BookOffer, ProviderState } from "./offer.ts";
import { totalsAt, type Query } from "./query.ts";

export interface Constraint {
  readonly name: string;
  readonly passes: (offer: BookOffer, state: ProviderState) => boolean;
}

const among = (
  list: readonly string[] | undefined,
): ((value: string | undefined) => boolean) | undefined => {
  if (list === undefined || list.length === 0) return undefined;
  const wanted = new Set(list.map((word) => word.toLowerCase()));
  return (value) => value !== undefined && wanted.has(value.toLowerCase());
};

/** Every constraint that this query imposes. */
export const constraintsOf = (query: Query): Constraint[] => {
  const { constraints, now, highestUnitPrice, lowestUnitPrice } = query;
  const list: Constraint[] = [];
  const add = (name: string, passes: Constraint["passes"] | undefined): void => {
    if (passes !== undefined) list.push({ name, passes });
  };
  /** A lower bound, where there is one that asks for anything. */
  const least = (
    name: string,
    bound: number | undefined,
    value: (hardware: BookOffer["description"]["hardware"]) => number | undefined,
  ): void => {
    if (bound !== undefined && bound > 0)
      add(name, ({ description }) => (value(description.hardware) ?? 0) >= bound);
  };

  if (highestUnitPrice !== undefined)
    add("maximum", ({ unitPrice }) => unitPrice <= highestUnitPrice);
  add("online", (_offer, { online }) => online);
  add("expiry", ({ expiry }) => expiry > now);
  add("capacity", ({ capacity }, { busy }) => capacity > busy);
  add("executor", ({ description }) => description.executors.includes("tensor"));
  const { hardwareClass, gpuModel } = constraints;
  if (hardwareClass !== undefined)
    add("hardwareClass", ({ description }) => description.hardware.class === hardwareClass);
  const inRegion = among(constraints.regions);
  if (inRegion) add("regions", ({ description }) => inRegion(description.region));
  const underLaw = among(constraints.jurisdictions);
  if (underLaw) add("jurisdictions", ({ description }) => underLaw(description.jurisdiction));
  if (constraints.confidential === true)
    add("confidential", ({ description }) => description.confidential);
  const isModel = among(gpuModel === undefined ? undefined : [gpuModel]);
  if (isModel) add("gpuModel", ({ description }) => isModel(description.hardware.gpuModel));
  least("minGpuCount", constraints.minGpuCount, ({ gpuCount }) => gpuCount);
  least("minVramGiB", constraints.minVramGiB, ({ vramGiB }) => vramGiB);
  least("minCpuCores", constraints.minCpuCores, ({ cpuCores }) => cpuCores);
  least("minRamGiB", constraints.minRamGiB, ({ ramGiB }) => ramGiB);
  least("minDiskGiB", constraints.minDiskGiB, ({ diskGiB }) => diskGiB);
  least("minBandwidthMbps", constraints.minBandwidthMbps, ({ bandwidthMbps }) => bandwidthMbps);
  const { minReputation, minStake, maxSeconds, allow, deny } = constraints;
  if (minReputation !== undefined)
    add("minReputation", (_offer, { reputation }) => reputation >= minReputation);
  if (minStake !== undefined) add("minStake", (_offer, { available }) => available >= minStake);
  const units = Number(query.units);
  const seconds = (offer: BookOffer): number => units / Number(offer.unitsPerSecond);
  add("runTime", (offer) => seconds(offer) <= query.runTime);
  if (maxSeconds !== undefined) add("maxSeconds", (offer) => seconds(offer) <= maxSeconds);
  if (query.statedLoss > 0n)
    add("statedLoss", ({ maxStatedLoss }) => maxStatedLoss >= query.statedLoss);
  const allowed = among(allow);
  if (allowed) add("allow", ({ provider }) => allowed(provider));
  const denied = among(deny);
  if (denied) add("deny", ({ provider }) => !denied(provider));
  if (query.exclude.size > 0) add("tried", ({ provider }) => !query.exclude.has(provider));
  add("matcherFee", ({ unitPrice }) => unitPrice >= lowestUnitPrice);
  add("collateral", ({ unitPrice, maxCollateral }, { available }) => {
    const { collateral } = totalsAt(unitPrice, query);
    return collateral <= maxCollateral && collateral <= available;
  });
  return list;
};
