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

/** A demand with what its own events say of its end. */
export interface DemandRecord extends Demand {
  /** Undefined while it is open, and for good where its job was slashed for want of an answer: that is the job's own event. */
  readonly end: "shown" | "closed" | undefined;
  /** What was shown. */
  readonly bytes: Hex | undefined;
}

/** All demands, oldest first, from the logs about them. */
export const demandsFromLogs = (disputes: Address, logs: readonly RpcLog[]): DemandRecord[] => {
  const demands = new Map<bigint, DemandRecord>();
  const change = (demandId: bigint, changes: Pick<DemandRecord, "end" | "bytes">): void => {
    const demand = demands.get(demandId);
    if (demand !== undefined) demands.set(demandId, { ...demand, ...changes });
  };
  for (const log of parseEventLogs({ abi: disputesAbi, logs: [...logs] })) {
    const { eventName, args } = log;
    if (eventName === "ChunkDemanded")
      demands.set(args.demandId, {
        disputes,
        ...args,
        asked: placeOfLog(log),
        end: undefined,
        bytes: undefined,
      });
    else if (eventName === "ChunkShown") change(args.demandId, { end: "shown", bytes: args.chunk });
    else if (eventName === "DemandClosed")
      change(args.demandId, { end: "closed", bytes: undefined });
  }
  return [...demands.values()];
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
