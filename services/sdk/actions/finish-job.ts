/** Brings a job to its end whose provider does not: what anyone may do, a while after it was due. */
import type { Hex } from "viem";
import { parametersAbi } from "@assay/protocol/generated/abis";
import { isAssayError } from "@assay/protocol/errors";
import type { SignedReceipt } from "@assay/protocol/wire/api";
import { read } from "../chain/read.ts";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import { expire } from "./expire.ts";
import { jobFromChain } from "./job-from-chain.ts";
import { presentReceipt, receipt } from "./receipts.ts";
import { settle } from "./settle.ts";

export type Finished = "presented" | "settled" | "expired";

/** Timestamp of the latest block. */
const latestBlock = async ({ publicClient }: AssayContext): Promise<number> => {
  try {
    return Number((await publicClient.getBlock()).timestamp);
  } catch (error) {
    throw explainCall(error);
  }
};

const latestReceipt = async (
  context: AssayContext,
  jobId: Hex,
): Promise<SignedReceipt | undefined> => {
  try {
    return await receipt(context, jobId);
  } catch (error) {
    if (isAssayError(error, "RECEIPT_NOT_FOUND")) return undefined;
    throw error;
  }
};

/**
 * Presents the market's latest receipt, settles or expires a job, whichever is due for at least `courtesy` seconds; undefined
 * where nothing is. Not for jobs that commit. @throws `MARKET_…` where somebody else was first
 */
export const finishJob = async (
  context: AssayContext,
  jobId: Hex,
  { courtesy = 0 }: { readonly courtesy?: number } = {},
): Promise<Finished | undefined> => {
  const { contracts } = await context.deployment();
  const [{ job, state }, block] = await Promise.all([
    jobFromChain(context, jobId),
    latestBlock(context),
  ]);
  const { terms, progress } = job;
  const now = block - courtesy;
  if (state === "submitted" && now > progress.windowEnd) {
    await settle(context, jobId);
    return "settled";
  }
  if (state !== "active") return undefined;
  const due = progress.stoppedAt === 0 ? terms.deadline : progress.stoppedAt;
  if (now <= due) return undefined;
  const { receiptGrace } = await read(context, {
    address: contracts.parameters,
    abi: parametersAbi,
    functionName: "paramsAt",
    args: [terms.paramsVersion],
  });
  if (now > due + receiptGrace) {
    await expire(context, jobId);
    return "expired";
  }
  const latest = await latestReceipt(context, jobId);
  if (latest === undefined) return undefined;
  await presentReceipt(context, latest);
  return "presented";
};
