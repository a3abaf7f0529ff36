/** The agent's session with the market: EIP-4361, renewed before it ends and whenever the market has forgotten it. */
import { isAssayError } from "@assay/protocol/errors";
import { nonceSchema, sessionSchema, type Session } from "@assay/protocol/wire/sessions";
import { call, callJson, type CallOptions } from "@assay/sdk/http/fetch";
import { apiUrlOf, signerOf, type AssayContext } from "@assay/sdk/context";
import type { Address } from "viem";
import { createSiweMessage } from "viem/siwe";

/** Renew so many seconds before the end. */
const MARGIN_SECONDS = 60;

export interface MarketSession {
  /** `Authorization` for streams. */
  readonly headers: () => Promise<Record<string, string>>;
  /** A call with the session; a forgotten session is made anew once. */
  call(path: string, options?: CallOptions): Promise<Response>;
  /** Forces a new session at the next call. */
  forget(): void;
}

const isSessionProblem = (error: unknown): boolean =>
  isAssayError(error, "SESSION_MISSING") || isAssayError(error, "SESSION_EXPIRED");

/** Signs in with the context's account; `provider` names the staker it works for. */
export const createSession = (context: AssayContext, provider: Address): MarketSession => {
  let current: Promise<Session> | undefined;

  const signIn = async (): Promise<Session> => {
    const { wallet, account } = signerOf(context);
    const { chainId } = await context.deployment();
    const { nonce } = await callJson(context, "/v1/nonces", nonceSchema, { method: "POST" });
    const url = new URL(apiUrlOf(context));
    const message = createSiweMessage({
      address: account.address,
      domain: url.host,
      uri: url.origin,
      version: "1",
      chainId,
      nonce,
      statement: `Work for provider ${provider}.`,
    });
    const signature = await wallet.signMessage({ account, message });
    return callJson(context, "/v1/sessions", sessionSchema, {
      body: { message, signature, provider },
    });
  };

  const session = async (): Promise<Session> => {
    current ??= signIn();
    try {
      const open = await current;
      if (open.expiresAt - MARGIN_SECONDS > Date.now() / 1000) return open;
    } catch (error) {
      current = undefined;
      throw error;
    }
    current = signIn();
    return current;
  };

  const headers = async (): Promise<Record<string, string>> => ({
    authorization: `Bearer ${(await session()).token}`,
  });

  const forget = (): void => {
    current = undefined;
  };

  return {
    headers,
    forget,
    call: async (path, options = {}) => {
      const attempt = async (): Promise<Response> =>
        call(context, path, { ...options, headers: { ...options.headers, ...(await headers()) } });
      try {
        return await attempt();
      } catch (error) {
        if (!isSessionProblem(error)) throw error;
        forget();
        return attempt();
      }
    },
  };
};
