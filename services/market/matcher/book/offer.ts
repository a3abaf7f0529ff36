/** What the book knows of an offer and of the provider behind it. */
import type { Description } from "@assay/protocol/wire/description";
import type { Address, Hex } from "viem";

export interface BookOffer {
  readonly digest: Hex;
  readonly provider: Address;
  /** Orders a provider's own offers in time; breaks ties between equals. */
  readonly nonce: bigint;
  /** Token base units per work unit, 18 decimals. */
  readonly unitPrice: bigint;
  readonly maxCollateral: bigint;
  readonly maxStatedLoss: bigint;
  readonly unitsPerSecond: bigint;
  /** Jobs at a time. */
  readonly capacity: number;
  /** Unix seconds. */
  readonly expiry: number;
  readonly description: Description;
}

/** What changes about a provider while its offers stand. */
export interface ProviderState {
  /** Stake that is neither locked, leaving nor reserved. */
  readonly available: bigint;
  /** Basis points. */
  readonly reputation: number;
  /** Its agent listens for proposals. */
  readonly online: boolean;
  /** Jobs it runs, and proposals and acceptances that may become jobs. */
  readonly busy: number;
}

export const UNKNOWN_PROVIDER: ProviderState = {
  available: 0n,
  reputation: 5_000,
  online: false,
  busy: 0,
};
