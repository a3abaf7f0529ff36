/** What every action works with. */
import type { Account, Address, PublicClient, WalletClient } from "viem";
import { AssayError } from "@assay/protocol/errors";
import type { MarketDomain } from "@assay/protocol/signing/typed-data";
import type { Deployment } from "@assay/protocol/wire/api";

export interface AssayContext {
  /** The market's HTTP interface, without a trailing slash; absent for work with the chain alone. */
  readonly apiUrl: string | undefined;
  readonly publicClient: PublicClient;
  /** Signs messages and sends transactions; absent for reading. */
  readonly walletClient: WalletClient | undefined;
  /** Contracts and token; asked of the market once where it was not given. */
  deployment(): Promise<Deployment>;
}

export interface Signer {
  readonly wallet: WalletClient;
  readonly account: Account;
}

/** The wallet and its account. @throws `WALLET_MISSING` */
export const signerOf = (context: AssayContext): Signer => {
  const wallet = context.walletClient;
  if (wallet?.account === undefined) {
    throw new AssayError("WALLET_MISSING", "this action signs, and no wallet was given", {
      remedy: "give createAssay an `account` or a `walletClient` with an account",
    });
  }
  return { wallet, account: wallet.account };
};

/** The market's HTTP interface. @throws `API_URL_MISSING` */
export const apiUrlOf = (context: AssayContext): string => {
  if (context.apiUrl === undefined) {
    throw new AssayError("API_URL_MISSING", "this action talks to a market, and no URL was given", {
      remedy: "give createAssay an `apiUrl`",
    });
  }
  return context.apiUrl;
};

export const domainOf = ({ chainId, contracts }: Deployment): MarketDomain => ({
  chainId,
  market: contracts.market,
});

/** The signing account's address. @throws `WALLET_MISSING` */
export const addressOf = (context: AssayContext): Address => signerOf(context).account.address;
