import { parseEventLogs, toEventSelector, zeroHash, type Hex } from "viem";
import type { Job, Progress, Terms } from "@assay/protocol/domain/messages";
import {
  ASSURANCES,
  JOB_STATES,
  type Assurance,
  type JobState,
} from "@assay/protocol/domain/states";
import { AssayError } from "@assay/protocol/errors";
import { marketAbi } from "@assay/protocol/generated/abis";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";

const NO_PROGRESS: Progress = {
  commitment: zeroHash,
  committedAt: 0,
  stoppedAt: 0,
  submittedAt: 0,
  windowEnd: 0,
  checkpoint: 0,
  traceRoot: zeroHash,
  stateRoot: zeroHash,
  modelRoot: zeroHash,
  evalRoot: zeroHash,
};

export interface ChainJob {
  /** The record whose hash the market holds. */
  readonly job: Job;
  readonly state: JobState;
  /** Digests of the root blocks of program, data and, once submitted, model. */
  readonly programCid: Hex;
  readonly dataCid: Hex;
  readonly modelCid: Hex | undefined;
  /** Tree over `C_0 … C_{k−1}` of the standing submission. */
  readonly prefixRoot: Hex | undefined;
  readonly settlement:
    { readonly assurance: Assurance; readonly paid: bigint; readonly refunded: bigint } | undefined;
  readonly transactions: readonly {
    readonly event: string;
    readonly hash: Hex;
    readonly block: bigint;
  }[];
}

const logsOf = async (context: AssayContext, jobId: Hex) => {
  const { contracts, startBlock } = await context.deployment();
  const selectors = marketAbi
    .filter((item) => item.type === "event")
    .filter((event) => event.inputs[0]?.name === "jobId" && event.inputs[0].indexed)
    .map((event) => toEventSelector(event));
  try {
    const logs = await context.publicClient.request({
      method: "eth_getLogs",
      params: [
        {
          address: contracts.market,
          fromBlock: `0x${startBlock.toString(16)}`,
          toBlock: "latest",
          topics: [selectors, jobId],
        },
      ],
    });
    return parseEventLogs({
      abi: marketAbi,
      logs: logs,
    });
  } catch (error) {
    throw explainCall(error);
  }
};

/** Checks a record put together from events against the hash that the market holds. */
const verified = async (context: AssayContext, job: Job): Promise<JobState> => {
  const { contracts } = await context.deployment();
  const market = { address: contracts.market, abi: marketAbi } as const;
  const [matches, state] = await Promise.all([
    context.publicClient.readContract({ ...market, functionName: "isRecord", args: [job] }),
    context.publicClient.readContract({
      ...market,
      functionName: "stateOf",
      args: [job.terms.jobId],
    }),
  ]);
  if (!matches) {
    throw new AssayError(
      "JOB_RECORD_MISMATCH",
      `events and stored hash of job ${job.terms.jobId} disagree`,
      {
        retryable: true,
        remedy: "ask again; if it stays so, the node leaves out events: use another RPC URL",
      },
    );
  }
  return JOB_STATES[state] ?? "none";
};

/** A job's record and all that is needed to run it again, from the chain's events. @throws `JOB_UNKNOWN`, `JOB_RECORD_MISMATCH` */
export const jobFromChain = async (context: AssayContext, jobId: Hex): Promise<ChainJob> => {
  const logs = await logsOf(context, jobId);
  let terms: Terms | undefined;
  let progress = NO_PROGRESS;
  let cids: { programCid: Hex; dataCid: Hex } | undefined;
  let modelCid: Hex | undefined;
  let prefixRoot: Hex | undefined;
  let settlement: ChainJob["settlement"];
  for (const log of logs) {
    if (log.eventName === "Agreed") {
      terms = log.args.terms;
      cids = { programCid: log.args.programCid, dataCid: log.args.dataCid };
    } else if (log.eventName === "CommitmentMade") {
      progress = {
        ...progress,
        commitment: log.args.commitment,
        committedAt: log.args.committedAt,
      };
    } else if (log.eventName === "Stopped") {
      progress = { ...progress, stoppedAt: log.args.stoppedAt };
    } else if (log.eventName === "Submitted") {
      progress = log.args.progress;
      modelCid = log.args.modelCid;
      prefixRoot = log.args.prefixRoot;
    } else if (log.eventName === "Settled") {
      const { assurance, paid, refunded } = log.args;
      settlement = { assurance: ASSURANCES[assurance] ?? "unverified", paid, refunded };
    }
  }
  if (terms === undefined || cids === undefined) {
    throw new AssayError("JOB_UNKNOWN", `this chain knows no job ${jobId}`, {
      remedy: "check the id, and that the RPC URL is that of the job's chain",
    });
  }
  const job: Job = { terms, progress };
  const state = await verified(context, job);
  return {
    job,
    state,
    ...cids,
    modelCid,
    prefixRoot,
    settlement,
    transactions: logs.map((log) => ({
      event: log.eventName,
      hash: log.transactionHash,
      block: log.blockNumber,
    })),
  };
};
