/** How an agent proves who it is, once per connection: EIP-4361 ("sign-in with Ethereum"). */
import { z } from "zod";
import { address, hex, uint40 } from "./scalars.ts";

/** `POST /v1/nonces`, no body: text to put into the message, good for one session and a few minutes. */
export const nonceSchema = z.strictObject({ nonce: z.string().min(8) });
export type Nonce = z.infer<typeof nonceSchema>;

/** `POST /v1/sessions`: the message text as signed (viem's `createSiweMessage`), and its signature. */
export const sessionAskSchema = z.strictObject({
  message: z.string().max(4_096),
  signature: hex,
  /** Staker that the signer is an operator of; default: the signer itself. */
  provider: address.optional(),
});
export type SessionAsk = z.infer<typeof sessionAskSchema>;

/** Send `token` as `Authorization: Bearer …`. */
export const sessionSchema = z.strictObject({
  token: z.string(),
  /** Who signed. */
  address,
  /** Whom the signer acts for. */
  provider: address,
  expiresAt: uint40,
});
export type Session = z.infer<typeof sessionSchema>;
