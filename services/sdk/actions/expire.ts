import type { Hex } from "viem";
import { marketAbi } from "@assay/protocol/generated/abis";
import { write, type Mined } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import { jobFromChain } from "./job-from-chain.ts";

/** Ends a job of which nothing was presented in time: the escrow comes back. Anyone may. @throws `MARKET_TOO_EARLY`, `MARKET_WRONG_STATE` */
export const expire = async (context: AssayContext, jobId: Hex): Promise<Mined> => {
  const { contracts } = await context.deployment();
  const { job } = await jobFromChain(context, jobId);
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "expire",
    args: [job],
  });
};
