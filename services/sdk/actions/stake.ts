/** A provider's stake and the keys that sign for it. */
import type { Address } from "viem";
import { stakingAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import { write, type Mined } from "../chain/write.ts";
import { addressOf, type AssayContext } from "../context.ts";

export interface StakeView {
  readonly total: bigint;
  /** Collateral of open jobs. */
  readonly locked: bigint;
  readonly leaving: bigint;
  /** Kept out of every new job, whoever signs for it. */
  readonly reserved: bigint;
  /** Unix seconds at which `leaving` can be withdrawn. */
  readonly availableAt: number;
}

/** Moves free ledger balance into the stake. */
export const stake = async (context: AssayContext, amount: bigint): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "stake",
    args: [amount],
  });
};

/** Starts the unbonding of stake that is not locked. */
export const requestUnstake = async (context: AssayContext, amount: bigint): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "requestUnstake",
    args: [amount],
  });
};

/** Moves stake whose unbonding is over back to the free ledger balance. */
export const withdrawStake = async (context: AssayContext): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "withdrawStake",
    args: [],
  });
};

/** Keeps this much of the caller's stake out of new jobs, out of reach of its operator keys; 0 reserves nothing. */
export const reserveStake = async (context: AssayContext, amount: bigint): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "reserve",
    args: [amount],
  });
};

/** Allows or forbids a key to sign and submit for this provider. */
export const setOperator = async (
  context: AssayContext,
  operator: Address,
  allowed: boolean,
): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "setOperator",
    args: [operator, allowed],
  });
};

export const stakeOf = async (
  context: AssayContext,
  provider: Address = addressOf(context),
): Promise<StakeView> => {
  const { contracts } = await context.deployment();
  const reads = { address: contracts.staking, abi: stakingAbi, args: [provider] } as const;
  const [[total, locked, leaving, availableAt], reserved] = await Promise.all([
    read(context, { ...reads, functionName: "stakeOf" }),
    read(context, { ...reads, functionName: "reservedOf" }),
  ]);
  return { total, locked, leaving, reserved, availableAt };
};
