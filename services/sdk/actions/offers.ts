import type { Address, Hex } from "viem";
import type { Offer } from "@assay/protocol/domain/messages";
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import {
  canonicalHash,
  descriptionSchema,
  type Description,
} from "@assay/protocol/wire/description";
import { domainOf, signerOf, type AssayContext } from "../context.ts";
import { call } from "../http/fetch.ts";

export interface OfferParameters {
  /** The staker; the signing account may be one of its operators. */
  readonly provider: Address;
  readonly nonce: bigint;
  /** Token base units per work unit, 18 decimals fixed point. */
  readonly unitPrice: bigint;
  readonly unitsPerSecond: bigint;
  readonly maxCollateral: bigint;
  readonly maxStatedLoss?: bigint;
  /** Jobs at a time. */
  readonly capacity: number;
  /** Unix seconds. */
  readonly expiry: number;
  readonly description: Description;
}

export interface SignedOfferResult {
  readonly digest: Hex;
  readonly offer: Offer;
  readonly signature: Hex;
}

/** Signs an offer and hands it to the market. It binds nobody: matching works from it. */
export const postOffer = async (
  context: AssayContext,
  parameters: OfferParameters,
): Promise<SignedOfferResult> => {
  const { wallet, account } = signerOf(context);
  const domain = domainOf(await context.deployment());
  const description = descriptionSchema.parse(parameters.description);
  const offer: Offer = {
    provider: parameters.provider,
    nonce: parameters.nonce,
    unitPrice: parameters.unitPrice,
    maxCollateral: parameters.maxCollateral,
    maxStatedLoss: parameters.maxStatedLoss ?? 0n,
    unitsPerSecond: parameters.unitsPerSecond,
    capacity: parameters.capacity,
    descriptionHash: canonicalHash(description),
    expiry: parameters.expiry,
  };
  const signature = await wallet.signTypedData({ account, ...typedData(domain, "Offer", offer) });
  await call(context, "/v1/offers", { body: { offer, description, signature } });
  return { digest: digestOf(domain, "Offer", offer), offer, signature };
};
