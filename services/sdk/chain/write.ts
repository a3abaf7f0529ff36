/** Sends one contract call and waits until it is mined. */
import {
  BaseError,
  encodeFunctionData,
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type Hex,
  type EncodeFunctionDataParameters,
  type TransactionReceipt,
} from "viem";
import {
  contractError,
  isTransportError,
  revertDataOf,
} from "@assay/protocol/chain/contract-errors";
import { MORE_GAS, gasLimit, ranOut } from "@assay/protocol/chain/gas";
import { AssayError } from "@assay/protocol/errors";
import {
  disputesAbi,
  governorAbi,
  marketAbi,
  parametersAbi,
  provenanceAbi,
  stakingAbi,
  tokenAbi,
} from "@assay/protocol/generated/abis";
import { addressOf, type AssayContext } from "../context.ts";
import { send, uncertain } from "./send.ts";

export interface Mined {
  readonly hash: Hex;
  readonly receipt: TransactionReceipt;
}

/** Errors of contracts that a call may pass on from further down. */
const ERROR_ABI: Abi = [
  ...marketAbi,
  ...disputesAbi,
  ...stakingAbi,
  ...provenanceAbi,
  ...parametersAbi,
  ...tokenAbi,
  ...governorAbi,
];

/** Milliseconds that a transaction has to be mined, and between two looks while the node does not answer. */
const PATIENCE = 180_000;
const LOOK_AGAIN = 1_000;

/** A failed contract call as an AssayError: the contract's own error name as the code. */
export const explainCall = (error: unknown): unknown => {
  const data = revertDataOf(error);
  if (data !== undefined) return contractError(data, ERROR_ABI);
  if (isTransportError(error)) {
    return new AssayError("CHAIN_UNREACHABLE", "the chain does not answer", {
      cause: error,
      retryable: true,
      remedy: "check the RPC URL and that the node runs",
    });
  }
  if (error instanceof BaseError) {
    return new AssayError("CHAIN_CALL_FAILED", error.shortMessage, { cause: error });
  }
  return error;
};

/** The receipt, once there is one; a node that falls silent is asked again. */
const mined = async (
  { publicClient }: AssayContext,
  name: string,
  hash: Hex,
): Promise<TransactionReceipt> => {
  for (const end = Date.now() + PATIENCE; ;) {
    const left = end - Date.now();
    try {
      return await publicClient.waitForTransactionReceipt({ hash, timeout: Math.max(left, 1) });
    } catch (error) {
      if (left <= 0 || !isTransportError(error)) throw uncertain(name, hash, error);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
  }
};

const replaced = (name: string, hash: Hex, by: Hex): AssayError =>
  new AssayError("TRANSACTION_REPLACED", `another transaction took the place of ${name}`, {
    retryable: true,
    remedy: "another process signs with this key: wait for it, then try again",
    details: { hash, replacedBy: by },
  });

const reverted = (name: string, hash: Hex): AssayError =>
  new AssayError("TRANSACTION_REVERTED", `${name} was mined but reverted`, {
    retryable: true,
    remedy: "try again",
    details: { hash },
  });

/**
 * Estimates, signs, sends, waits; a call that ran out of gas is sent again with more.
 * @throws the contract's error (`MARKET_…`), `CHAIN_UNREACHABLE`, `TRANSACTION_REVERTED`, `TRANSACTION_NOT_MINED`
 */
export const write = async <
  const A extends Abi,
  F extends ContractFunctionName<A, "nonpayable" | "payable">,
>(
  context: AssayContext,
  call: {
    readonly address: Address;
    readonly abi: A;
    readonly functionName: F;
    readonly args: ContractFunctionArgs<A, "nonpayable" | "payable", F>;
  },
): Promise<Mined> => {
  const from = addressOf(context);
  const { publicClient } = context;
  const { functionName: name, address: to } = call;
  try {
    const data = encodeFunctionData({
      abi: call.abi,
      functionName: name,
      args: call.args,
    } as EncodeFunctionDataParameters);
    for (let times = 0; ; times++) {
      // The estimate runs the call: a refusal is known before anything is signed.
      const estimate = await publicClient.estimateGas({ account: from, to, data });
      const gas = gasLimit(estimate) * 2n ** BigInt(times);
      const hash = await send(context, { name, to, data, gas });
      const receipt = await mined(context, name, hash);
      if (receipt.transactionHash !== hash) throw replaced(name, hash, receipt.transactionHash);
      if (receipt.status === "success") return { hash, receipt };
      if (ranOut(receipt, gas) && times < MORE_GAS) continue;
      // Something has changed since the estimate: the same call now says what.
      await publicClient.call({ account: from, to, data });
      throw reverted(name, hash);
    }
  } catch (error) {
    throw explainCall(error);
  }
};
