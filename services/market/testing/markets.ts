/** Seeded markets: the same number gives the same offers and requests, for property tests and benches. */
import { constraintsSchema, type Constraints } from "@assay/protocol/wire/description";
import { getAddress, keccak256, numberToHex, type Address } from "viem";
import type { BookOffer, ProviderState } from "../matcher/book/offer.ts";
import { compileQuery, type Ask, type Query, type Rates } from "../matcher/book/query.ts";

export const RATES: Rates = { protocolFeeBps: 100, matcherFeeCapBps: 500, collateralBps: 10_000 };
/** Unix seconds of every seeded market. */
export const NOW = 1_800_000_000;

export type Random = () => number;

/** Uniform in [0, 1): mulberry32. */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const pick = <T>(random: Random, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)] as T;

export const REGIONS = Array.from({ length: 16 }, (_, place) => `region-${place}`);
const JURISDICTIONS = ["DE", "FR", "US", "CH", "JP"];
const GPUS = Array.from({ length: 24 }, (_, place) => `model-${place}`);

export const addressOf = (number: number): Address =>
  getAddress(numberToHex(number + 1, { size: 20 }));

/**
 * An offer whose every attribute is drawn; providers have a few offers each. `prices`: how many different prices there are;
 * few of them make ties common.
 */
export const randomOffer = (
  random: Random,
  place: number,
  providers: number,
  prices = 400,
): BookOffer => {
  const gpu = random() < 0.6;
  const level = Math.floor(random() * random() * prices) / prices;
  return {
    digest: keccak256(numberToHex(place, { size: 32 })),
    provider: addressOf(Math.floor(random() * providers)),
    nonce: BigInt(Math.floor(random() * 1_000)),
    unitPrice: BigInt(Math.floor((0.5 + 4 * level) * 1e12)),
    maxCollateral: BigInt(Math.floor(random() * 5_000_000)) + 100_000n,
    maxStatedLoss: BigInt(Math.floor(random() * 3_000_000)),
    unitsPerSecond: BigInt(pick(random, [20, 40, 80, 160])) * 1_000n,
    capacity: 1 + Math.floor(random() * 4),
    expiry: NOW - 100 + Math.floor(random() * 10_000),
    description: {
      hardware: {
        class: gpu ? "gpu" : "cpu",
        cpuCores: 2 ** Math.floor(1 + random() * 6),
        ramGiB: 2 ** Math.floor(2 + random() * 7),
        diskGiB: pick(random, [50, 200, 1_000, 4_000]),
        bandwidthMbps: pick(random, [50, 200, 1_000]),
        ...(gpu
          ? {
              gpuModel: pick(random, GPUS),
              gpuCount: pick(random, [1, 2, 4, 8]),
              vramGiB: pick(random, [8, 16, 24, 48, 80]),
            }
          : {}),
      },
      region: pick(random, REGIONS),
      ...(random() < 0.7 ? { jurisdiction: pick(random, JURISDICTIONS) } : {}),
      executors: random() < 0.95 ? ["tensor"] : ["container"],
      confidential: random() < 0.3,
      ...(random() < 0.6 ? { carbonGramsPerKwh: Math.floor(random() * 800) } : {}),
    },
  };
};

export const randomState = (random: Random): ProviderState => ({
  available: BigInt(Math.floor(random() * 4_000_000)),
  reputation: Math.floor(random() * 10_001),
  online: random() < 0.9,
  busy: Math.floor(random() * 3),
});

const some = <T>(random: Random, chance: number, value: () => T): T | undefined =>
  random() < chance ? value() : undefined;

const randomConstraints = (random: Random, providers: number): Constraints => {
  const list = (length: number, one: () => string): string[] =>
    Array.from({ length: 1 + Math.floor(random() * length) }, one);
  const wants = {
    hardwareClass: some(random, 0.5, () => pick(random, ["cpu", "gpu"] as const)),
    gpuModel: some(random, 0.1, () => pick(random, GPUS)),
    minGpuCount: some(random, 0.1, () => pick(random, [1, 2, 4])),
    minVramGiB: some(random, 0.2, () => pick(random, [8, 16, 24, 48])),
    minCpuCores: some(random, 0.4, () => pick(random, [2, 4, 8])),
    minRamGiB: some(random, 0.4, () => pick(random, [4, 8, 16])),
    minDiskGiB: some(random, 0.3, () => 100),
    minBandwidthMbps: some(random, 0.2, () => 100),
    regions: some(random, 0.5, () => list(6, () => pick(random, REGIONS))),
    jurisdictions: some(random, 0.1, () => list(3, () => pick(random, JURISDICTIONS))),
    confidential: some(random, 0.1, () => true),
    minStake: some(random, 0.3, () => String(Math.floor(random() * 1_000_000))),
    minReputation: some(random, 0.4, () => Math.floor(random() * 6_000)),
    maxSeconds: some(random, 0.2, () => 1 + Math.floor(random() * 60)),
    allow: some(random, 0.03, () => list(5, () => addressOf(Math.floor(random() * providers)))),
    deny: some(random, 0.1, () => list(5, () => addressOf(Math.floor(random() * providers)))),
    weights:
      random() < 0.5
        ? { price: 1, time: 0, reputation: 0, carbon: 0 }
        : { price: random(), time: random(), reputation: random(), carbon: random() },
  };
  return constraintsSchema.parse(
    Object.fromEntries(Object.entries(wants).filter(([, value]) => value !== undefined)),
  );
};

export const randomAsk = (random: Random, providers: number): Ask => ({
  work: {
    initUnits: BigInt(Math.floor(random() * 1_000)),
    stepUnits: BigInt(500 + Math.floor(random() * 2_000)),
    evalUnits: BigInt(Math.floor(random() * 1_000)),
    steps: 1_000,
    startStep: 0,
    interval: 100,
  },
  runTime: 20 + Math.floor(random() * 120),
  maximum: BigInt(1_000_000 + Math.floor(random() * 6_000_000)),
  minCollateral: random() < 0.3 ? BigInt(Math.floor(random() * 2_000_000)) : 0n,
  statedLoss: random() < 0.2 ? BigInt(Math.floor(random() * 1_000_000)) : 0n,
  matcherFee: random() < 0.2 ? BigInt(Math.floor(random() * 100_000)) : 0n,
  auditLine: random() < 0.2 ? BigInt(Math.floor(random() * 500_000)) : 0n,
  constraints: randomConstraints(random, providers),
});

export const randomQuery = (random: Random, providers: number): Query =>
  compileQuery(randomAsk(random, providers), {
    rates: RATES,
    now: NOW,
    exclude: new Set(random() < 0.2 ? [addressOf(Math.floor(random() * providers))] : []),
  });
