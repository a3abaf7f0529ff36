/** Asks a contract one question. */
import type {
  Abi,
  ContractFunctionArgs,
  ContractFunctionName,
  ReadContractParameters,
  ReadContractReturnType,
} from "viem";
import type { AssayContext } from "../context.ts";
import { explainCall } from "./write.ts";

/** The contract's answer as of the latest block. @throws the contract's error, `CHAIN_UNREACHABLE`, `CHAIN_CALL_FAILED` */
export const read = async <
  const A extends Abi,
  F extends ContractFunctionName<A, "pure" | "view">,
  const P extends ContractFunctionArgs<A, "pure" | "view", F>,
>(
  context: AssayContext,
  question: ReadContractParameters<A, F, P>,
): Promise<ReadContractReturnType<A, F, P>> => {
  try {
    return await context.publicClient.readContract(question);
  } catch (error) {
    throw explainCall(error);
  }
};
