import type { Hex } from "viem";
import { marketAbi } from "@assay/protocol/generated/abis";
import { typedData } from "@assay/protocol/signing/typed-data";
import { write, type Mined } from "../chain/write.ts";
import { domainOf, signerOf, type AssayContext } from "../context.ts";
import { jobFromChain } from "./job-from-chain.ts";

/** Pays out a job whose window is over. Anyone may. @throws `MARKET_TOO_EARLY`, `MARKET_WRONG_STATE` */
export const settle = async (context: AssayContext, jobId: Hex): Promise<Mined> => {
  const { contracts } = await context.deployment();
  const { job } = await jobFromChain(context, jobId);
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "settle",
    args: [job],
  });
};

/** The requester signs that it has the result and is content: pays out before the window is over. */
export const signOff = async (context: AssayContext, jobId: Hex): Promise<Mined> => {
  const deployment = await context.deployment();
  const { wallet, account } = signerOf(context);
  const { job } = await jobFromChain(context, jobId);
  const message = { jobId, traceRoot: job.progress.traceRoot };
  const signature = await wallet.signTypedData({
    account,
    ...typedData(domainOf(deployment), "SignOff", message),
  });
  return write(context, {
    address: deployment.contracts.market,
    abi: marketAbi,
    functionName: "settleSignedOff",
    args: [job, message, signature],
  });
};
