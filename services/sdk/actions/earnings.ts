/** What a provider earned and lost, job by job, from the chain's events alone. */
import { pad, parseEventLogs, toEventSelector, type Address, type Hex } from "viem";
import type { Progress, Terms } from "@assay/protocol/domain/messages";
import { checkpointCount, paidUpTo } from "@assay/protocol/domain/money";
import { ASSURANCES, type JobState } from "@assay/protocol/domain/states";
import { marketAbi } from "@assay/protocol/generated/abis";
import { logsBackwards } from "../chain/logs.ts";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";

/** One job's money, token base units. `paid + heldBack + notDone = price` for a settled job. */
export interface Earning {
  readonly jobId: Hex;
  readonly requester: Address;
  readonly state: JobState;
  /** Checkpoint that stands, and of how many. */
  readonly checkpoint: number;
  readonly checkpoints: number;
  readonly price: bigint;
  readonly paid: bigint;
  /** Kept back because the checkpoint was presented after the deadline. */
  readonly heldBack: bigint;
  /** Price of what was not done; nobody pays it. */
  readonly notDone: bigint;
  /** Collateral lost: burned for silence, or slashed. */
  readonly lost: bigint;
  readonly agreedAt: number;
  /** One line for people. */
  readonly why: string;
}

const EVENTS = marketAbi.filter((item) => item.type === "event");
const selectorOf = (name: (typeof EVENTS)[number]["name"]): Hex[] =>
  EVENTS.filter((event) => event.name === name).map((event) => toEventSelector(event));
const AGREED = selectorOf("Agreed");
const OF_JOBS = EVENTS.filter(
  (event) => event.inputs[0]?.name === "jobId" && event.inputs[0].indexed,
).map((event) => toEventSelector(event));

type Log = ReturnType<typeof parseEventLogs<typeof marketAbi>>[number];
type Open = Pick<Earning, "jobId" | "requester" | "checkpoints" | "price" | "agreedAt">;

const NOTHING = { paid: 0n, heldBack: 0n, notDone: 0n, lost: 0n };

/** What a job's events come to; `terms` from the first of them. */
export const earningOf = (terms: Terms, logs: readonly Log[]): Earning => {
  let progress: Progress | undefined;
  let stoppedAt = 0;
  let committed = false;
  const checkpoints = checkpointCount(terms);
  const { jobId, requester, price, agreedAt } = terms;
  const open: Open = { jobId, requester, checkpoints, price, agreedAt };
  const upTo = (): string => `checkpoint ${progress?.checkpoint ?? 0} of ${checkpoints}`;
  for (const log of logs) {
    const checkpoint = progress?.checkpoint ?? 0;
    if (log.eventName === "Stopped") ({ stoppedAt } = log.args);
    else if (log.eventName === "CommitmentMade") committed = true;
    else if (log.eventName === "Submitted") ({ progress } = log.args);
    else if (log.eventName === "Settled") {
      const { paid, assurance } = log.args;
      const done = paidUpTo(price, terms, checkpoint);
      const how = ASSURANCES[assurance] ?? "unverified";
      const heldBack = done - paid;
      const why =
        checkpoint === checkpoints
          ? `done in full (${how})`
          : stoppedAt !== 0
            ? `stopped by the requester: paid up to ${upTo()} (${how})`
            : `late: ${upTo()} was presented after the deadline (${how})`;
      const kept = heldBack === 0n ? why : `${why}; a share is kept back for lateness`;
      return {
        ...open,
        ...NOTHING,
        state: "settled",
        checkpoint,
        paid,
        heldBack,
        notDone: price - done,
        why: kept,
      };
    } else if (log.eventName === "Expired") {
      const lost = log.args.penalty;
      const why = committed
        ? "a commitment was not revealed in time: part of the collateral was burned"
        : lost === 0n
          ? "stopped by the requester before anything was presented: nothing is owed"
          : "nothing was presented in time: part of the collateral was burned";
      return { ...open, ...NOTHING, state: "expired", checkpoint, notDone: price, lost, why };
    } else if (log.eventName === "Slashed") {
      const why =
        "a result was proven wrong, or two were signed for one checkpoint: the collateral is gone";
      return {
        ...open,
        ...NOTHING,
        state: "slashed",
        checkpoint,
        notDone: price,
        lost: terms.collateral,
        why,
      };
    } else if (log.eventName === "Voided") {
      const why =
        "the requester's own program or data broke the limits: nobody pays, nobody is slashed";
      return { ...open, ...NOTHING, state: "void", checkpoint, notDone: price, why };
    }
  }
  const checkpoint = progress?.checkpoint ?? 0;
  const state = progress !== undefined ? "submitted" : committed ? "committed" : "active";
  const why =
    state === "submitted"
      ? `${upTo()} stands: its window ends at ${new Date((progress?.windowEnd ?? 0) * 1_000).toISOString()}`
      : state === "committed"
        ? "committed: to be revealed once the other providers have"
        : stoppedAt !== 0
          ? "stopped by the requester: the latest checkpoint is due"
          : `under way: due by ${new Date(terms.deadline * 1_000).toISOString()}`;
  return { ...open, ...NOTHING, state, checkpoint, why };
};

/** The latest `limit` jobs of a provider, newest first. @throws `CHAIN_UNREACHABLE` */
export const earnings = async (
  context: AssayContext,
  provider: Address,
  { limit = 50 }: { readonly limit?: number } = {},
): Promise<Earning[]> => {
  const { contracts, startBlock } = await context.deployment();
  const { publicClient } = context;
  try {
    const to = Number(await publicClient.getBlockNumber({ cacheTime: 0 }));
    let seen = 0;
    const found = await logsBackwards(
      publicClient,
      {
        address: contracts.market,
        topics: [AGREED, null, null, pad(provider)],
        from: startBlock,
        to,
      },
      () => ++seen >= limit,
    );
    const agreed = parseEventLogs({ abi: marketAbi, eventName: "Agreed", logs: found }).slice(
      -limit,
    );
    const [first] = agreed;
    if (first === undefined) return [];
    const logs = await logsBackwards(
      publicClient,
      {
        address: contracts.market,
        topics: [OF_JOBS, agreed.map(({ args }) => args.jobId)],
        from: Number(first.blockNumber),
        to,
      },
      () => false,
    );
    const events = parseEventLogs({ abi: marketAbi, logs });
    return agreed.toReversed().map(({ args: { jobId, terms } }) =>
      earningOf(
        terms,
        events.filter((event) => "jobId" in event.args && event.args.jobId === jobId),
      ),
    );
  } catch (error) {
    throw explainCall(error);
  }
};
