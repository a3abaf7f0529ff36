/** Demands: somebody pays to be shown a chunk of a model on chain, because it was withheld. */
import { parseEventLogs, type Address, type Hex, type RpcLog } from "viem";
import { disputesAbi } from "@assay/protocol/generated/abis";

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
}

/** Demands that were neither answered nor closed, from the logs about all of them. */
export const openDemands = (disputes: Address, logs: readonly RpcLog[]): Demand[] => {
  const open = new Map<bigint, Demand>();
  for (const { eventName, args } of parseEventLogs({ abi: disputesAbi, logs: [...logs] }))
    if (eventName === "ChunkDemanded") open.set(args.demandId, { disputes, ...args });
    else if (eventName === "ChunkShown" || eventName === "DemandClosed") open.delete(args.demandId);
  return [...open.values()];
};
