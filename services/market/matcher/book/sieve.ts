/**
 * The part of a query that rows of numbers can answer: a coarse test that lets every offer pass that fits, and few others.
 * It holds for a column-wise maximum wherever it holds for one of the rows, so it sifts whole subtrees.
 */
import {
  AT,
  CONFIDENTIAL,
  CPU,
  GPU,
  MASK,
  MASK_WIDTH,
  TENSOR,
  WIDTH,
  type Column,
  type Rows,
} from "./rows.ts";
import type { Query } from "./query.ts";

/** Doubles of large amounts are off by at most half a unit in the last place; this is wider. */
const SLACK = 1e-12;
const below = (bound: number): number => bound - Math.abs(bound) * SLACK;

export class Sieve {
  readonly #columns: Uint8Array;
  readonly #bounds: Float64Array;
  /** Bits of which all, and of which any, must be there. */
  readonly #kind: number;
  readonly #any: Uint8Array;
  readonly #anyBits: Uint32Array;

  constructor(query: Query, { places, models }: Rows) {
    const bounds: [number, number][] = [];
    const add = (column: Column, bound: number | undefined): void => {
      if (bound !== undefined) bounds.push([AT[column], below(bound)]);
    };
    const { constraints } = query;
    // What leaves out most comes first.
    add("free", 1);
    if (query.highestUnitPrice !== undefined) add("negativePrice", -Number(query.highestUnitPrice));
    add(
      "speed",
      Number(query.units) / Math.min(query.runTime, constraints.maxSeconds ?? query.runTime),
    );
    add("reputation", constraints.minReputation);
    const collateral = largest(query.minCollateral, query.statedLoss);
    add("available", Number(largest(collateral, constraints.minStake ?? 0n)));
    add("maxCollateral", Number(collateral));
    add("cover", (Number(query.units) * query.rates.collateralBps) / 1e22);
    add("price", Number(query.lowestUnitPrice));
    add("maxStatedLoss", query.statedLoss > 0n ? Number(query.statedLoss) : undefined);
    add("vram", constraints.minVramGiB);
    add("ram", constraints.minRamGiB);
    add("cores", constraints.minCpuCores);
    add("gpuCount", constraints.minGpuCount);
    add("disk", constraints.minDiskGiB);
    add("bandwidth", constraints.minBandwidthMbps);
    add("expiry", query.now + 1);
    this.#columns = Uint8Array.from(bounds, ([column]) => column);
    this.#bounds = Float64Array.from(bounds, ([, bound]) => bound);

    const { hardwareClass, confidential, regions, jurisdictions, gpuModel } = constraints;
    this.#kind =
      TENSOR |
      (confidential === true ? CONFIDENTIAL : 0) |
      (hardwareClass === undefined ? 0 : hardwareClass === "gpu" ? GPU : CPU);
    const any: [number, number][] = [];
    if (regions !== undefined && regions.length > 0) any.push([MASK.region, places.bits(regions)]);
    if (jurisdictions !== undefined && jurisdictions.length > 0)
      any.push([MASK.jurisdiction, places.bits(jurisdictions)]);
    if (gpuModel !== undefined) any.push([MASK.gpuModel, models.bit(gpuModel)]);
    this.#any = Uint8Array.from(any, ([mask]) => mask);
    this.#anyBits = Uint32Array.from(any, ([, bits]) => bits);
  }

  /** Whether row number `row` of these arrays may fit. */
  passes(values: Float64Array, masks: Uint32Array, row: number): boolean {
    const mask = row * MASK_WIDTH;
    if (((masks[mask + MASK.kind] as number) & this.#kind) !== this.#kind) return false;
    const any = this.#any;
    for (let place = 0; place < any.length; place++)
      if (
        ((masks[mask + (any[place] as number)] as number) & (this.#anyBits[place] as number)) ===
        0
      )
        return false;
    const base = row * WIDTH;
    const columns = this.#columns;
    const bounds = this.#bounds;
    for (let place = 0; place < columns.length; place++)
      if ((values[base + (columns[place] as number)] as number) < (bounds[place] as number))
        return false;
    return true;
  }
}

const largest = (a: bigint, b: bigint): bigint => (a > b ? a : b);
