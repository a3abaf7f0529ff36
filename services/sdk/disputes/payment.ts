/**
 * Money for the dispute game: bonds and fees come out of the payer's free balance in the ledger, as far as it has allowed the game to
 * take them.
 */
import { marketAbi, tokenAbi } from "@assay/protocol/generated/abis";
import type { Abi, Address } from "viem";
import { balance, walletBalance } from "../actions/balance.ts";
import { read } from "../chain/read.ts";
import type { AssayContext } from "../context.ts";

/** One transaction to the token or the market, ready for `write` or for a transaction sender. */
export interface PaymentCall {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: "approve" | "deposit" | "allowModule";
  readonly args: readonly [Address, bigint];
}

export interface Payment {
  /** What the free balance is short of, token base units. */
  readonly missing: bigint;
  /** Tokens in the account's own wallet. */
  readonly wallet: bigint;
  /** What the account has to send, in this order, before the game can take the amount; nothing where it can already. */
  readonly calls: readonly PaymentCall[];
}

/** How an account can pay `amount` base units to the game. @throws `CHAIN_UNREACHABLE` */
export const paymentOf = async (
  context: AssayContext,
  {
    account,
    disputes,
    amount,
  }: { readonly account: Address; readonly disputes: Address; readonly amount: bigint },
): Promise<Payment> => {
  const { contracts } = await context.deployment();
  const [free, wallet, approved, allowed] = await Promise.all([
    balance(context, account),
    walletBalance(context, account),
    read(context, {
      address: contracts.token,
      abi: tokenAbi,
      functionName: "allowance",
      args: [account, contracts.market],
    }),
    read(context, {
      address: contracts.market,
      abi: marketAbi,
      functionName: "allowedTo",
      args: [account, disputes],
    }),
  ]);
  const missing = amount > free ? amount - free : 0n;
  const token = { address: contracts.token, abi: tokenAbi };
  const market = { address: contracts.market, abi: marketAbi };
  const calls: PaymentCall[] = [];
  if (missing > approved)
    calls.push({ ...token, functionName: "approve", args: [contracts.market, missing] });
  if (missing > 0n) calls.push({ ...market, functionName: "deposit", args: [account, missing] });
  if (amount > allowed)
    calls.push({ ...market, functionName: "allowModule", args: [disputes, amount] });
  return { missing, wallet, calls };
};
