/** The jobs of one replicated request. */
import type { Terms } from "@assay/protocol/domain/messages";
import { marketAbi } from "@assay/protocol/generated/abis";
import { encodeEventTopics, parseEventLogs, type Hex } from "viem";
import { logsBackwards } from "../chain/logs.ts";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";

/** Ids of the other jobs that were agreed under a job's request, oldest first. @throws `CHAIN_UNREACHABLE` */
export const replicasOf = async (
  context: AssayContext,
  { jobId, requester, requestDigest }: Pick<Terms, "jobId" | "requester" | "requestDigest">,
): Promise<Hex[]> => {
  const { publicClient } = context;
  const { contracts, startBlock } = await context.deployment();
  const topics = encodeEventTopics({ abi: marketAbi, eventName: "Agreed", args: { requester } });
  try {
    const to = Number(await publicClient.getBlockNumber({ cacheTime: 0 }));
    const logs = await logsBackwards(
      publicClient,
      { address: contracts.market, topics, from: startBlock, to },
      () => false,
    );
    return parseEventLogs({ abi: marketAbi, eventName: "Agreed", logs })
      .filter(({ args }) => args.terms.requestDigest === requestDigest && args.jobId !== jobId)
      .map(({ args }) => args.jobId);
  } catch (error) {
    throw explainCall(error);
  }
};
