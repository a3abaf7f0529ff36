/** A request as its requester sees it. */
import type { RequestState } from "@assay/protocol/domain/states";
import { rejectionSchema, type RequestStatus } from "@assay/protocol/wire/api";
import { z } from "zod";
import type { Address, Hex } from "viem";
import type { PrismaClient } from "../../database/generated/client.ts";

const rejections = z.array(rejectionSchema);
/** Proposals that hold, or held, the request. */
const CURRENT = ["open", "accepted", "agreed"];

export const requestStatus = async (
  prisma: PrismaClient,
  digest: string,
): Promise<RequestStatus | undefined> => {
  const row = await prisma.marketRequest.findUnique({
    where: { digest },
    include: { proposals: { orderBy: { place: "asc" } } },
  });
  if (row === null) return undefined;
  const provider = row.proposals.findLast(({ state }) => CURRENT.includes(state))?.provider;
  return {
    digest: row.digest as Hex,
    requester: row.requester as Address,
    state: row.state as RequestState,
    jobIds: row.proposals
      .filter(({ state, jobId }) => state === "agreed" && jobId !== null)
      .map(({ jobId }) => jobId as Hex),
    ...(provider === undefined ? {} : { provider: provider as Address }),
    explanation: row.explanation,
    rejected: rejections.parse(row.rejected),
    updatedAt: Math.floor(row.updatedAt.getTime() / 1_000),
  };
};
