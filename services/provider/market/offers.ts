/** Keeps one offer of this machine standing in the market: renewed in time, changed with price and stake. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Offer } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import type { Description } from "@assay/protocol/wire/description";
import type { Logger } from "@assay/runtime/logger";
import { postOffer } from "@assay/sdk/actions/offers";
import type { AssayContext } from "@assay/sdk/context";
import type { Address, Hex } from "viem";
import type { Notebook } from "../journal/notebook.ts";
import { withdrawOffer } from "./proposals.ts";
import type { MarketSession } from "./session.ts";

export interface OfferTerms {
  readonly unitPrice: bigint;
  readonly maxCollateral: bigint;
}

export interface OfferParts {
  readonly context: AssayContext;
  readonly session: MarketSession;
  readonly notebook: Notebook;
  readonly logger: Logger;
  readonly provider: Address;
  readonly description: Description;
  readonly capacity: number;
  readonly unitsPerSecond: number;
  readonly maxStatedLoss: bigint;
  /** Asked anew before each renewal. */
  readonly terms: () => Promise<OfferTerms>;
  readonly onOffer: (offer: Offer, digest: Hex) => void;
  readonly signal: AbortSignal;
}

export interface StandingOffer {
  /** Posts now; later renewals go by themselves until `signal` is aborted. */
  post(): Promise<Hex>;
  /** As `post`; undefined where that failed in a way that `keep` may mend. */
  tryPost(): Promise<Hex | undefined>;
  /** Renews; soon, where no offer is `posted` yet. */
  keep(posted: boolean): Promise<void>;
  withdraw(): Promise<void>;
}

const LIFETIME_SECONDS = 600;
const RENEW_MS = 150_000;
const RETRY_MS = 5_000;

export const createStandingOffer = (parts: OfferParts): StandingOffer => {
  const { context, notebook, logger, signal } = parts;
  /** One nonce for all offers of this machine: a later offer replaces the earlier. */
  const nonce = notebook.memory.offer?.nonce ?? randomBytes(8).readBigUInt64BE();

  const post = async (): Promise<Hex> => {
    const { unitPrice, maxCollateral } = await parts.terms();
    const expiry = Math.floor(Date.now() / 1000) + LIFETIME_SECONDS;
    const { digest, offer } = await postOffer(context, {
      provider: parts.provider,
      nonce,
      unitPrice,
      unitsPerSecond: BigInt(Math.max(1, Math.floor(parts.unitsPerSecond))),
      maxCollateral,
      maxStatedLoss: parts.maxStatedLoss,
      capacity: parts.capacity,
      expiry,
      description: parts.description,
    });
    await notebook.note({ kind: "offered", nonce, digest, expiry });
    parts.onOffer(offer, digest);
    return digest;
  };

  return {
    post,
    tryPost: async () => {
      try {
        return await post();
      } catch (error) {
        if (signal.aborted || isAssayError(error, "JOURNAL_UNWRITABLE")) throw error;
        logger.warn({ err: error }, "cannot post the offer; trying again");
        return undefined;
      }
    },
    keep: async (posted) => {
      let wait = posted ? RENEW_MS : RETRY_MS;
      while (!signal.aborted) {
        await sleep(wait, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        try {
          await post();
          wait = RENEW_MS;
        } catch (error) {
          logger.warn({ err: error }, "cannot renew the offer; trying again");
          wait = RETRY_MS;
        }
      }
    },
    withdraw: async () => {
      const digest = notebook.memory.offer?.digest;
      if (digest === undefined) return;
      await withdrawOffer(parts.session, digest).catch((error: unknown) => {
        logger.debug({ err: error }, "the offer could not be withdrawn; it runs out by itself");
      });
    },
  };
};
