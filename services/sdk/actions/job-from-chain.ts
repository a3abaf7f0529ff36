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
import { logsBackwards } from "../chain/logs.ts";
import { read } from "../chain/read.ts";
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

/** Where on the chain something was told: events are ordered by block, then by number. */
export interface LogPlace {
  readonly block: bigint;
  readonly number: number;
}

/** A submission that stood from its place on, until a later receipt replaced it. */
export interface StandingSubmission {
  readonly progress: Progress;
  readonly prefixRoot: Hex;
  readonly since: LogPlace;
}

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
  /** All that ever stood, oldest first. */
  readonly submissions: readonly StandingSubmission[];
  readonly settlement:
    { readonly assurance: Assurance; readonly paid: bigint; readonly refunded: bigint } | undefined;
  readonly transactions: readonly {
    readonly event: string;
    readonly hash: Hex;
    readonly block: bigint;
  }[];
}

const EVENTS = marketAbi.filter((item) => item.type === "event");
const JOB_EVENTS = EVENTS.filter(
  (event) => event.inputs[0]?.name === "jobId" && event.inputs[0].indexed,
).map((event) => toEventSelector(event));
const AGREED = EVENTS.filter((event) => event.name === "Agreed").map((event) =>
  toEventSelector(event),
);

const logsOf = async (context: AssayContext, jobId: Hex) => {
  const { contracts, startBlock } = await context.deployment();
  const { publicClient } = context;
  try {
    const head = Number(await publicClient.getBlockNumber({ cacheTime: 0 }));
    const logs = await logsBackwards(
      publicClient,
      { address: contracts.market, topics: [JOB_EVENTS, jobId], from: startBlock, to: head },
      ({ topics }) => topics[0] !== undefined && AGREED.includes(topics[0]),
    );
    return parseEventLogs({ abi: marketAbi, logs });
  } catch (error) {
    throw explainCall(error);
  }
};

/** Nodes give numbers as hex, which parsing leaves as it is. */
export const placeOfLog = (log: {
  readonly blockNumber: bigint | Hex | null;
  readonly logIndex: number | Hex | null;
}): LogPlace => ({ block: BigInt(log.blockNumber ?? 0), number: Number(log.logIndex ?? 0) });

/** What a job's events say; undefined without the first of them. */
const recordOf = (
  logs: Awaited<ReturnType<typeof logsOf>>,
): Omit<ChainJob, "state"> | undefined => {
  let terms: Terms | undefined;
  let progress = NO_PROGRESS;
  let cids: { programCid: Hex; dataCid: Hex } | undefined;
  let modelCid: Hex | undefined;
  let prefixRoot: Hex | undefined;
  const submissions: StandingSubmission[] = [];
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
      submissions.push({ progress, prefixRoot, since: placeOfLog(log) });
    } else if (log.eventName === "Settled") {
      const { assurance, paid, refunded } = log.args;
      settlement = { assurance: ASSURANCES[assurance] ?? "unverified", paid, refunded };
    }
  }
  if (terms === undefined || cids === undefined) return undefined;
  return {
    job: { terms, progress },
    ...cids,
    modelCid,
    prefixRoot,
    submissions,
    settlement,
    transactions: logs.map((log) => ({
      event: log.eventName,
      hash: log.transactionHash,
      block: log.blockNumber,
    })),
  };
};

/** Times that events are read while blocks come in between them and the stored hash. */
const MOST_TRIES = 4;

/** A job's record and all that is needed to run it again, from the chain's events. @throws `JOB_UNKNOWN`, `JOB_RECORD_MISMATCH` */
export const jobFromChain = async (context: AssayContext, jobId: Hex): Promise<ChainJob> => {
  const { contracts } = await context.deployment();
  const market = { address: contracts.market, abi: marketAbi } as const;
  const stateOf = async (): Promise<JobState> =>
    JOB_STATES[await read(context, { ...market, functionName: "stateOf", args: [jobId] })] ??
    "none";
  const isRecord = (job: Job): Promise<boolean> =>
    read(context, { ...market, functionName: "isRecord", args: [job] });

  for (let tries = 1; ; tries++) {
    // Asked first: without a job, no search of the whole chain for its events.
    if ((await stateOf()) === "none")
      throw new AssayError("JOB_UNKNOWN", `this chain knows no job ${jobId}`, {
        remedy: "check the id, and that the RPC URL is that of the job's chain",
      });
    const found = recordOf(await logsOf(context, jobId));
    if (found !== undefined) {
      const [matches, state] = await Promise.all([isRecord(found.job), stateOf()]);
      const told = state !== "settled" || found.settlement !== undefined;
      if (matches && told) return { ...found, state };
    }
    if (tries === MOST_TRIES)
      throw new AssayError(
        "JOB_RECORD_MISMATCH",
        `events and stored hash of job ${jobId} disagree`,
        {
          retryable: true,
          remedy: "ask again; if it stays so, the node leaves out events: use another RPC URL",
        },
      );
  }
};
