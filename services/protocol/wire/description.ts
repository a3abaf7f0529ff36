/** What an offer says about the machine behind it, and what a request asks of it. Both are hashed into what is signed. */
import { keccak256, stringToBytes, type Hex } from "viem";
import { z } from "zod";
import { address, uint128 } from "./scalars.ts";

export const hardwareSchema = z.strictObject({
  /** Self-declared. Tensor jobs run on the CPU today. */
  class: z.enum(["cpu", "gpu"]),
  cpuModel: z.string().max(120).optional(),
  cpuCores: z.int().min(1).max(4096),
  ramGiB: z.number().min(0).max(65_536),
  diskGiB: z.number().min(0).max(1_048_576),
  bandwidthMbps: z.number().min(0).max(1_000_000).optional(),
  gpuModel: z.string().max(120).optional(),
  gpuCount: z.int().min(0).max(1024).optional(),
  vramGiB: z.number().min(0).max(4096).optional(),
});
export type Hardware = z.infer<typeof hardwareSchema>;

/** ISO 3166-1 alpha-2, or a cloud-like region name. */
const place = z.string().min(2).max(32);

export const descriptionSchema = z.strictObject({
  name: z.string().max(64).optional(),
  hardware: hardwareSchema,
  region: place,
  jurisdiction: place.optional(),
  executors: z.array(z.enum(["tensor", "container"])).min(1),
  confidential: z.boolean().default(false),
  carbonGramsPerKwh: z.number().min(0).max(5000).optional(),
});
export type Description = z.infer<typeof descriptionSchema>;

const weight = z.number().min(0).max(1);

export const constraintsSchema = z.strictObject({
  hardwareClass: z.enum(["cpu", "gpu"]).optional(),
  gpuModel: z.string().max(120).optional(),
  minGpuCount: z.int().min(0).optional(),
  minVramGiB: z.number().min(0).optional(),
  minCpuCores: z.int().min(1).optional(),
  minRamGiB: z.number().min(0).optional(),
  minDiskGiB: z.number().min(0).optional(),
  minBandwidthMbps: z.number().min(0).optional(),
  regions: z.array(place).max(64).optional(),
  jurisdictions: z.array(place).max(64).optional(),
  confidential: z.boolean().optional(),
  /** Least stake of the provider, token base units. */
  minStake: uint128.optional(),
  /** Least reputation score, basis points. */
  minReputation: z.int().min(0).max(10_000).optional(),
  /** Most seconds the run may take at the provider's measured speed. */
  maxSeconds: z.number().positive().optional(),
  allow: z.array(address).max(256).optional(),
  deny: z.array(address).max(256).optional(),
  /** What matters among the offers that pass; relative. */
  weights: z
    .strictObject({
      price: weight,
      time: weight,
      reputation: weight,
      carbon: weight,
    })
    .default({ price: 1, time: 0, reputation: 0, carbon: 0 }),
});
export type Constraints = z.infer<typeof constraintsSchema>;
/** Constraints as they travel in JSON. */
export type ConstraintsWire = z.input<typeof constraintsSchema>;

/** JSON with sorted keys and no white space; bigints as decimal strings, absent fields left out (RFC 8785 for our value range). */
export const canonicalJson = (value: unknown): string => {
  if (typeof value === "bigint") return JSON.stringify(value.toString());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
    return `{${fields.join(",")}}`;
  }
  return JSON.stringify(value);
};

/** Hash of a description or of constraints, as named in an offer or a request. */
export const canonicalHash = (value: Description | Constraints): Hex =>
  keccak256(stringToBytes(canonicalJson(value)));
