import type { Hex } from "viem";
import { marketAbi } from "@assay/protocol/generated/abis";
import { write, type Mined } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import { jobFromChain } from "./job-from-chain.ts";

/**
 * The requester wants no more work: what the provider has at its next checkpoint is paid, the rest comes back. Counts in the
 * requester's reputation. @throws `MARKET_NOT_REQUESTER`, `MARKET_WRONG_STATE`, `MARKET_TOO_LATE`
 */
export const stop = async (context: AssayContext, jobId: Hex): Promise<Mined> => {
  const { contracts } = await context.deployment();
  const { job } = await jobFromChain(context, jobId);
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "stop",
    args: [job],
  });
};
