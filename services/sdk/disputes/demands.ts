/** Demands: somebody pays to be shown a chunk of a model on chain, because it was withheld. */
import { parseEventLogs, type Address, type Hex, type RpcLog } from "viem";
import { disputesAbi } from "@assay/protocol/generated/abis";
import {
  placeOfLog,
  type ChainJob,
  type LogPlace,
  type StandingSubmission,
} from "../actions/job-from-chain.ts";

export interface Demand {
  readonly disputes: Address;
  readonly demandId: bigint;
  readonly jobId: Hex;
  readonly asker: Address;
  /** Which of the model's tensors, and which of its chunks. */
  readonly tensor: number;
  readonly chunk: number;
  /** Last second (Unix, of the chain) for the answer: without one the job is slashed. */
  readonly until: number;
  /** Paid to the provider with the answer, token base units. */
  readonly fee: bigint;
  readonly asked: LogPlace;
}

/** Demands that were neither answered nor closed, from the logs about all of them. */
export const openDemands = (disputes: Address, logs: readonly RpcLog[]): Demand[] => {
  const open = new Map<bigint, Demand>();
  for (const log of parseEventLogs({ abi: disputesAbi, logs: [...logs] })) {
    const { eventName, args } = log;
    if (eventName === "ChunkDemanded")
      open.set(args.demandId, { disputes, ...args, asked: placeOfLog(log) });
    else if (eventName === "ChunkShown" || eventName === "DemandClosed") open.delete(args.demandId);
  }
  return [...open.values()];
};

/**
 * The submission whose model a demand is about: the one that stood when it was made. A receipt that came later has another model, and its
 * chunks would prove nothing. Undefined where there was none (the two were read from different branches of the chain).
 */
export const demandedOf = (
  { submissions }: Pick<ChainJob, "submissions">,
  { asked }: Pick<Demand, "asked">,
): StandingSubmission | undefined =>
  submissions.findLast(
    ({ since }) =>
      since.block < asked.block || (since.block === asked.block && since.number < asked.number),
  );
