/**
 * The numbers of offers, one row of doubles each, next to each other in memory. In every column higher is better (price
 * and carbon are negated), so that the column-wise maximum of some rows is a row that is at least as good as each of them.
 */
import type { BookOffer, ProviderState } from "./offer.ts";

export const COLUMNS = [
  "negativePrice",
  "price",
  "speed",
  "reputation",
  "negativeCarbon",
  "available",
  "cores",
  "ram",
  "disk",
  "bandwidth",
  "vram",
  "gpuCount",
  "maxCollateral",
  // Collateral that can be locked, over the unit price: price and collateral of a job grow together.
  "cover",
  "maxStatedLoss",
  "expiry",
  "free",
  // Breaks ties: of offers with one score the one signed first wins.
  "earliness",
  // No constraint bounds these; they let the tree part rows that are alike otherwise.
  "gpu",
  "slot",
] as const;
export type Column = (typeof COLUMNS)[number];

/** Doubles of a row. */
export const WIDTH = COLUMNS.length;
export const AT = Object.fromEntries(COLUMNS.map((name, place) => [name, place])) as Record<
  Column,
  number
>;

/** Bit sets of a row: what it is in, one bit a word, words 32 apart sharing one. */
export const MASKS = ["kind", "region", "jurisdiction", "gpuModel"] as const;
export const MASK_WIDTH = MASKS.length;
export const MASK = { kind: 0, region: 1, jurisdiction: 2, gpuModel: 3 } as const;

export const TENSOR = 1;
export const CONFIDENTIAL = 2;
export const CPU = 4;
export const GPU = 8;

/** Grams of CO₂ per kWh taken for an offer that names none. */
export const CARBON_UNKNOWN = 1_000;

/** Base units by which rounding down can lower a job's collateral, at ratios up to 100. */
const ROUNDING = 101;

/** Numbers for words, whatever their case. */
export class Words {
  readonly #numbers = new Map<string, number>();

  /** Number of a word, made on first use. */
  #number(word: string): number {
    const key = word.toLowerCase();
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = this.#numbers.size));
    return number;
  }

  /** The word's bit; none for an absent word. */
  bit(word: string | undefined): number {
    return word === undefined ? 0 : (1 << (this.#number(word) & 31)) >>> 0;
  }

  /** Bits of any of these words. */
  bits(words: readonly string[]): number {
    return words.reduce((mask, word) => (mask | this.bit(word)) >>> 0, 0);
  }
}

export class Rows {
  values = new Float64Array(WIDTH * 1_024);
  masks = new Uint32Array(MASK_WIDTH * 1_024);
  readonly places = new Words();
  readonly models = new Words();

  /** Writes the row of a slot. */
  write(slot: number, offer: BookOffer, state: ProviderState): void {
    if ((slot + 1) * WIDTH > this.values.length) this.#grow();
    const { values, masks } = this;
    const { hardware, region, jurisdiction, executors, confidential, carbonGramsPerKwh } =
      offer.description;
    const row = slot * WIDTH;
    values[row + AT.negativePrice] = -Number(offer.unitPrice);
    values[row + AT.price] = Number(offer.unitPrice);
    values[row + AT.speed] = Number(offer.unitsPerSecond);
    values[row + AT.negativeCarbon] = -(carbonGramsPerKwh ?? CARBON_UNKNOWN);
    values[row + AT.cores] = hardware.cpuCores;
    values[row + AT.ram] = hardware.ramGiB;
    values[row + AT.disk] = hardware.diskGiB;
    values[row + AT.bandwidth] = hardware.bandwidthMbps ?? 0;
    values[row + AT.vram] = hardware.vramGiB ?? 0;
    values[row + AT.gpuCount] = hardware.gpuCount ?? 0;
    values[row + AT.maxCollateral] = Number(offer.maxCollateral);
    values[row + AT.maxStatedLoss] = Number(offer.maxStatedLoss);
    values[row + AT.expiry] = offer.expiry;
    values[row + AT.earliness] = -Number(offer.nonce);
    values[row + AT.gpu] = hardware.class === "gpu" ? 1 : 0;
    values[row + AT.slot] = slot;
    const mask = slot * MASK_WIDTH;
    masks[mask + MASK.kind] =
      (executors.includes("tensor") ? TENSOR : 0) |
      (confidential ? CONFIDENTIAL : 0) |
      (hardware.class === "gpu" ? GPU : CPU);
    masks[mask + MASK.region] = this.places.bit(region);
    masks[mask + MASK.jurisdiction] = this.places.bit(jurisdiction);
    masks[mask + MASK.gpuModel] = this.models.bit(hardware.gpuModel);
    this.writeState(slot, offer, state);
  }

  /** Writes what changes about the provider of a slot. */
  writeState(slot: number, offer: BookOffer, state: ProviderState): void {
    const row = slot * WIDTH;
    this.values[row + AT.reputation] = state.reputation;
    const available = Number(state.available);
    this.values[row + AT.available] = available;
    // A little more than there is: the contract rounds what it asks for down.
    this.values[row + AT.cover] =
      (Math.min(Number(offer.maxCollateral), available) + ROUNDING) / Number(offer.unitPrice);
    this.values[row + AT.free] = state.online ? offer.capacity - state.busy : 0;
  }

  #grow(): void {
    const values = new Float64Array(this.values.length * 2);
    values.set(this.values);
    this.values = values;
    const masks = new Uint32Array(this.masks.length * 2);
    masks.set(this.masks);
    this.masks = masks;
  }
}
