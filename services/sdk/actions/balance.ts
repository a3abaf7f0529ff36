/** Money in the market's ledger, in token base units. */
import type { Address } from "viem";
import { isAssayError } from "@assay/protocol/errors";
import { marketAbi, tokenAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import { write, type Mined } from "../chain/write.ts";
import { addressOf, type AssayContext } from "../context.ts";

/** Tries of a deposit when other programs of the account deposit at the same time. */
const MOST_TRIES = 5;
const ALLOWANCE_GONE = ["ERC20_INSUFFICIENT_ALLOWANCE", "TRANSACTION_REVERTED"];

/** Free balance of an account in the ledger: what jobs can escrow and `withdraw` can take out. */
export const balance = async (
  context: AssayContext,
  account: Address = addressOf(context),
): Promise<bigint> => {
  const { contracts } = await context.deployment();
  return read(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "freeBalance",
    args: [account],
  });
};

/** Tokens in the account's own wallet. */
export const walletBalance = async (
  context: AssayContext,
  account: Address = addressOf(context),
): Promise<bigint> => {
  const { contracts } = await context.deployment();
  return read(context, {
    address: contracts.token,
    abi: tokenAbi,
    functionName: "balanceOf",
    args: [account],
  });
};

/** Moves tokens from the wallet into the ledger, approving first where the allowance is short. */
export const deposit = async (context: AssayContext, amount: bigint): Promise<Mined> => {
  const { contracts } = await context.deployment();
  const account = addressOf(context);
  for (let tries = 1; ; tries++) {
    try {
      await allow(context, account, amount);
      return await write(context, {
        address: contracts.market,
        abi: marketAbi,
        functionName: "deposit",
        args: [account, amount],
      });
    } catch (error) {
      // Another program of the same account has used up the allowance between the two transactions.
      if (tries === MOST_TRIES || !ALLOWANCE_GONE.some((code) => isAssayError(error, code)))
        throw error;
    }
  }
};

/** Lets the market take `amount` from the wallet, where it may not yet. */
const allow = async (context: AssayContext, account: Address, amount: bigint): Promise<void> => {
  const { contracts } = await context.deployment();
  const allowance = await read(context, {
    address: contracts.token,
    abi: tokenAbi,
    functionName: "allowance",
    args: [account, contracts.market],
  });
  if (allowance >= amount) return;
  await write(context, {
    address: contracts.token,
    abi: tokenAbi,
    functionName: "approve",
    args: [contracts.market, amount],
  });
};

/** Moves free balance out of the ledger to `to`, by default the account itself. */
export const withdraw = async (
  context: AssayContext,
  amount: bigint,
  to?: Address,
): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "withdraw",
    args: [to ?? addressOf(context), amount],
  });
};
