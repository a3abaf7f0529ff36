/** The asker's side of a demand: what it costs, asking, what became of it, and ending it. With the context's wallet. */
import type { ListRoots } from "@assay/protocol/domain/disputes";
import type { Job } from "@assay/protocol/domain/messages";
import type { JobState } from "@assay/protocol/domain/states";
import { isAssayError } from "@assay/protocol/errors";
import { disputesAbi } from "@assay/protocol/generated/abis";
import { parseEventLogs, type Hex } from "viem";
import { placeOfLog } from "../actions/job-from-chain.ts";
import { read } from "../chain/read.ts";
import { explainCall, write, type Mined } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import type { Demand, DemandRecord } from "./demands.ts";
import { closeDemandCall, demandChunkCall, timeoutDemandCall } from "./moves.ts";

/**
 * `waiting` for the provider; `overdue`: anyone can have it slashed; `shown`: the fee is the provider's; `slashed` for want of this answer;
 * `returnable`: the job came to another end, and the fee waits to be taken back; `returned`.
 */
export type DemandStatus = "waiting" | "overdue" | "shown" | "slashed" | "returnable" | "returned";

/** Fee of the next demand about a job, token base units: it grows with those that are open. @throws `CHAIN_UNREACHABLE` */
export const demandFeeOf = (context: AssayContext, job: Job): Promise<bigint> =>
  read(context, {
    address: job.terms.disputes,
    abi: disputesAbi,
    functionName: "demandFeeOf",
    args: [job],
  });

/** Pays for a chunk to be shown; the fee must be there before (`bringPayment`). @throws the contract's `DISPUTE_…` or `LEDGER_…` */
export const demandChunk = async (
  context: AssayContext,
  job: Job,
  program: { readonly header: Hex; readonly lists: ListRoots },
  place: Pick<Demand, "tensor" | "chunk">,
): Promise<Mined & { readonly demand: Demand }> => {
  const mined = await write(context, demandChunkCall(job, program, place));
  const [event] = parseEventLogs({
    abi: disputesAbi,
    eventName: "ChunkDemanded",
    logs: mined.receipt.logs,
  });
  if (event === undefined) throw new Error("a demand that was mined tells its number");
  const { disputes } = job.terms;
  return { ...mined, demand: { disputes, ...event.args, asked: placeOfLog(event) } };
};

/** What became of a demand, at the chain's time `now` (Unix seconds) with its job in `state`. @throws `CHAIN_UNREACHABLE` */
export const demandStatusOf = async (
  { publicClient }: AssayContext,
  demand: DemandRecord,
  { state, now }: { readonly state: JobState; readonly now: number },
): Promise<DemandStatus> => {
  if (demand.end === "shown") return "shown";
  if (demand.end === "closed") return "returned";
  if (state === "submitted") return now > demand.until ? "overdue" : "waiting";
  try {
    // Of a demand that the job was slashed for the contract keeps nothing.
    await publicClient.simulateContract({ ...closeDemandCall(demand), account: demand.asker });
    return "returnable";
  } catch (error) {
    const explained = explainCall(error);
    if (isAssayError(explained, "DISPUTE_DONE")) return "slashed";
    throw explained;
  }
};

/** Has the provider slashed that let the time of a demand pass; `job`: its record as it stands. @throws the contract's `DISPUTE_…` */
export const timeoutDemand = (
  context: AssayContext,
  demand: Pick<Demand, "disputes" | "demandId">,
  job: Job,
): Promise<Mined> => write(context, timeoutDemandCall(demand, job));

/** Takes back the fee of a demand whose job came to another end. @throws the contract's `DISPUTE_…` */
export const closeDemand = (
  context: AssayContext,
  demand: Pick<Demand, "disputes" | "demandId">,
): Promise<Mined> => write(context, closeDemandCall(demand));
