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
import { AssayError } from "@assay/protocol/errors";
import {
  disputesAbi,
  marketAbi,
  parametersAbi,
  provenanceAbi,
  stakingAbi,
  tokenAbi,
} from "@assay/protocol/generated/abis";
import { signerOf, type AssayContext } from "../context.ts";
import { send } from "./send.ts";

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
];

/** A storage slot that was in use at the estimate and is empty when the transaction runs costs so much more. */
const SLOT_GAS = 20_000n;

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

/** Estimates, signs, sends, waits. @throws the contract's error (`MARKET_…`), `CHAIN_UNREACHABLE`, `TRANSACTION_REVERTED` */
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
  const { account } = signerOf(context);
  try {
    const data = encodeFunctionData({
      abi: call.abi,
      functionName: call.functionName,
      args: call.args,
    } as EncodeFunctionDataParameters);
    // The estimate runs the call: a refusal is known before anything is signed.
    const gas = await context.publicClient.estimateGas({ account, to: call.address, data });
    const hash = await send(context, {
      to: call.address,
      data,
      gas: (gas * 5n) / 4n + SLOT_GAS,
    });
    const receipt = await context.publicClient.waitForTransactionReceipt({ hash });
    if (receipt.transactionHash !== hash) {
      throw new AssayError(
        "TRANSACTION_REPLACED",
        `another transaction took the place of ${call.functionName}`,
        {
          retryable: true,
          remedy: "another process signs with this key: wait for it, then try again",
          details: { hash, replacedBy: receipt.transactionHash },
        },
      );
    }
    if (receipt.status !== "success") {
      throw new AssayError("TRANSACTION_REVERTED", `${call.functionName} was mined but reverted`, {
        retryable: true,
        remedy: "try again",
        details: { hash },
      });
    }
    return { hash, receipt };
  } catch (error) {
    throw explainCall(error);
  }
};
