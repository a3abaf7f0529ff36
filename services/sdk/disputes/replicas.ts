/** The jobs of one replicated request. */
import type { Terms } from "@assay/protocol/domain/messages";
import { marketAbi } from "@assay/protocol/generated/abis";
import type { Hex } from "viem";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";

/** Ids of the other jobs that were agreed under a job's request, oldest first. @throws `CHAIN_UNREACHABLE` */
export const replicasOf = async (
  context: AssayContext,
  { jobId, requester, requestDigest }: Pick<Terms, "jobId" | "requester" | "requestDigest">,
): Promise<Hex[]> => {
  const { contracts, startBlock } = await context.deployment();
  try {
    const agreed = await context.publicClient.getContractEvents({
      address: contracts.market,
      abi: marketAbi,
      eventName: "Agreed",
      args: { requester },
      fromBlock: BigInt(startBlock),
      strict: true,
    });
    return agreed
      .filter(({ args }) => args.terms.requestDigest === requestDigest && args.jobId !== jobId)
      .map(({ args }) => args.jobId);
  } catch (error) {
    throw explainCall(error);
  }
};
