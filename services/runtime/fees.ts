/** Fees of a transaction (EIP-1559), in wei per gas. */
import type { PublicClient } from "viem";

export interface Fees {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export const feesNow = async (client: PublicClient): Promise<Fees> => {
  const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas();
  return { maxFeePerGas, maxPriorityFeePerGas };
};

/** Above the 10 % that nodes ask of a replacement. */
export const raised = (fees: Fees): Fees => ({
  maxFeePerGas: (fees.maxFeePerGas * 5n) / 4n + 1n,
  maxPriorityFeePerGas: (fees.maxPriorityFeePerGas * 5n) / 4n + 1n,
});

export const atLeast = (fees: Fees, floor: Fees): Fees => ({
  maxFeePerGas: larger(fees.maxFeePerGas, floor.maxFeePerGas),
  maxPriorityFeePerGas: larger(fees.maxPriorityFeePerGas, floor.maxPriorityFeePerGas),
});

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
