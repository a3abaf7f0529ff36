/** Receipts: what lets anyone bring a job to its end whose provider is gone. */
import type { Hex } from "viem";
import { marketAbi } from "@assay/protocol/generated/abis";
import { signedReceiptSchema, type SignedReceipt } from "@assay/protocol/wire/api";
import { write, type Mined } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import { callJson } from "../http/fetch.ts";
import { jobFromChain } from "./job-from-chain.ts";

/** The latest receipt that the market has of a job. @throws `RECEIPT_NOT_FOUND` */
export const receipt = (context: AssayContext, jobId: Hex): Promise<SignedReceipt> =>
  callJson(context, `/v1/jobs/${jobId}/receipt`, signedReceiptSchema);

/**
 * Presents a receipt after the deadline or a stop, within the grace time. Anyone may.
 * @throws `MARKET_TOO_EARLY`, `MARKET_TOO_LATE`, `MARKET_BAD_CHECKPOINT` where a later one stands
 */
export const presentReceipt = async (
  context: AssayContext,
  { submission, signature }: SignedReceipt,
): Promise<Mined> => {
  const { contracts } = await context.deployment();
  const { job } = await jobFromChain(context, submission.jobId);
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "submitReceipt",
    args: [job, submission, signature],
  });
};
