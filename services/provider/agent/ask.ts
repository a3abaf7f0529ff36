/** What the agent asks at the moment: price by its policy, collateral by its stake. */
import { z } from "zod";
import { uint256 } from "@assay/protocol/wire/scalars";
import type { StakeView } from "@assay/sdk/actions/stake";
import type { AssayContext } from "@assay/sdk/context";
import { callJson } from "@assay/sdk/http/fetch";
import type { Chain } from "../chain/chain.ts";
import type { Places } from "../jobs/places.ts";
import type { OfferTerms } from "../market/offers.ts";
import { nextPrice, unitPriceOf, type PricePolicy, type RecentPrices } from "../pricing/price.ts";

export interface AskParts {
  readonly context: AssayContext;
  readonly chain: Chain;
  readonly places: Places;
  /** Tokens per giga-unit, or `auto`. */
  readonly price: string;
  readonly priceFloor: string;
  readonly decimals: number;
  /** Token base units; absent: all free stake. */
  readonly maxCollateral: bigint | undefined;
  readonly onStake: (stake: StakeView) => void;
}

export interface Ask {
  current(): OfferTerms;
  /** Looks at stake and market and decides anew. */
  readonly refresh: () => Promise<OfferTerms>;
}

/** The part of `GET /v1/stats` that prices need. */
const statsSchema = z.object({ medianUnitPrice: uint256.nullable() });

export const createAsk = (parts: AskParts): Ask => {
  const { chain, places, decimals } = parts;
  const policy: PricePolicy =
    parts.price === "auto"
      ? { kind: "auto", floor: unitPriceOf(parts.priceFloor, decimals) }
      : { kind: "fixed", unitPrice: unitPriceOf(parts.price, decimals) };
  let current: OfferTerms | undefined;
  let busyAt = Date.now();

  return {
    current: () => current ?? { unitPrice: 0n, maxCollateral: 0n },
    refresh: async () => {
      if (places.taken > 0) busyAt = Date.now();
      const stake = await chain.stake();
      parts.onStake(stake);
      const unreserved = stake.total - stake.leaving - stake.reserved;
      const free = unreserved > 0n ? unreserved : 0n;
      const most = parts.maxCollateral;
      const unitPrice = nextPrice(policy, {
        current: current?.unitPrice,
        recent: policy.kind === "auto" ? await recentPrices(parts.context) : { median: undefined },
        idleSeconds: (Date.now() - busyAt) / 1000,
        running: places.taken,
        capacity: places.capacity,
      });
      current = { unitPrice, maxCollateral: most === undefined || most > free ? free : most };
      return current;
    },
  };
};

/** A market that does not tell is treated as one without history. */
const recentPrices = async (context: AssayContext): Promise<RecentPrices> => {
  try {
    const { medianUnitPrice } = await callJson(context, "/v1/stats", statsSchema);
    return { median: medianUnitPrice ?? undefined };
  } catch {
    return { median: undefined };
  }
};
