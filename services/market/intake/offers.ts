/** Takes in providers' offers: checked, stored, told to every book. Idempotent by digest. */
import { AssayError } from "@assay/protocol/errors";
import { digestOf } from "@assay/protocol/signing/typed-data";
import type { SignedOffer } from "@assay/protocol/wire/api";
import { canonicalHash } from "@assay/protocol/wire/description";
import { toWire } from "@assay/protocol/wire/scalars";
import type { Address, Hex } from "viem";
import { tell } from "../bus.ts";
import type { ChainReads } from "../chain.ts";
import type { Sql, SqlDatabase } from "../database/sql.ts";
import { requireSignedForProvider } from "../signatures.ts";
import type { Domain } from "./requests.ts";

/** Standing offers that one provider may have. */
const MOST_OFFERS = 64;

export interface OfferIntake {
  /** Throws `OFFER_*`, `SIGNATURE_INVALID`. */
  take(signed: SignedOffer): Promise<Hex>;
  /** Ends an offer of this provider; ending it twice is ending it once. Throws `OFFER_UNKNOWN`, `NOT_YOURS`. */
  withdraw(digest: Hex, provider: Address): Promise<void>;
}

const wrong = (code: string, message: string, remedy: string): AssayError =>
  new AssayError(code, message, { remedy });

const check = ({ offer, description }: SignedOffer): void => {
  if (canonicalHash(description) !== offer.descriptionHash)
    throw wrong(
      "OFFER_DESCRIPTION_MISMATCH",
      "The description is not the one that was signed.",
      "Sign canonicalHash(description) as descriptionHash, and send the same description.",
    );
  if (offer.expiry <= Date.now() / 1_000)
    throw wrong("OFFER_EXPIRED", "The offer has expired.", "Sign one with a later expiry.");
  if (offer.capacity === 0 || offer.unitsPerSecond === 0n || offer.unitPrice === 0n)
    throw wrong(
      "OFFER_EMPTY",
      "Capacity, speed and unit price must be above zero.",
      "Give each at least 1.",
    );
};

export const offerIntake = (sql: SqlDatabase, chain: ChainReads, domain: Domain): OfferIntake => ({
  async take(signed) {
    check(signed);
    const { offer, signature } = signed;
    const digest = digestOf(domain, "Offer", offer);
    await requireSignedForProvider(chain, offer.provider, digest, signature);
    await sql.transaction(async (run) => {
      const [known] = await run.query("SELECT digest FROM market_offer WHERE digest = $1", [
        digest,
      ]);
      if (known) return;
      const others = await run.query<{ digest: string; nonce: string }>(
        "SELECT digest, nonce FROM market_offer WHERE provider = $1 AND withdrawn_at IS NULL AND expiry > $2",
        [offer.provider, Math.floor(Date.now() / 1_000)],
      );
      const replaced = others.filter(({ nonce }) => nonce === offer.nonce.toString());
      if (others.length - replaced.length >= MOST_OFFERS)
        throw wrong(
          "OFFER_TOO_MANY",
          `A provider has at most ${MOST_OFFERS} offers here.`,
          "Withdraw one first, or replace it by giving the new one its nonce.",
        );
      await run.query(
        `INSERT INTO market_offer (digest, provider, nonce, signed, expiry) VALUES ($1, $2, $3, $4::jsonb, $5)`,
        [
          digest,
          offer.provider,
          offer.nonce.toString(),
          JSON.stringify(toWire(signed)),
          offer.expiry,
        ],
      );
      for (const { digest: old } of replaced) await end(run, old);
      await tell(run, "offer", { digest });
    });
    return digest;
  },

  async withdraw(digest, provider) {
    const [row] = await sql.query<{ provider: string }>(
      "SELECT provider FROM market_offer WHERE digest = $1",
      [digest],
    );
    if (row === undefined)
      throw wrong(
        "OFFER_UNKNOWN",
        "There is no such offer here.",
        "GET /v1/offers lists those that stand.",
      );
    if (row.provider !== provider)
      throw wrong(
        "NOT_YOURS",
        "The offer is another provider's.",
        "Open a session as its provider.",
      );
    await end(sql, digest);
  },
});

const end = async (sql: Sql, digest: string): Promise<void> => {
  await sql.query(
    "UPDATE market_offer SET withdrawn_at = now() AT TIME ZONE 'utc' WHERE digest = $1 AND withdrawn_at IS NULL",
    [digest],
  );
  await tell(sql, "offer", { digest });
};
