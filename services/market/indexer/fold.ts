/** What the contracts' events mean: each entity is a pure fold over its events, so a replay always gives the same rows. */
import { ASSURANCES, type JobState } from "@assay/protocol/domain/states";
import type { Progress, Terms } from "@assay/protocol/domain/messages";
import type { Wire } from "@assay/protocol/wire/scalars";
import { zeroHash } from "viem";
import type { Decoded } from "./decode.ts";

/** An event with its place and time in the chain. */
export interface ChainEvent extends Decoded {
  readonly block: number;
  readonly logIndex: number;
  readonly transaction: string;
  /** Unix seconds of its block. */
  readonly timestamp: number;
  readonly jobId: string | null;
  readonly account: string | null;
}

/** A row of `chain_job`. */
export interface JobRow {
  readonly id: string;
  readonly state: JobState;
  readonly request_digest: string;
  readonly requester: string;
  readonly provider: string;
  readonly terms: Wire<Terms>;
  readonly progress: Wire<Progress>;
  readonly program_cid: string;
  readonly data_cid: string;
  readonly price: string;
  readonly collateral: string;
  readonly agreed_at: number;
  readonly deadline: number;
  readonly model_cid: string | null;
  readonly prefix_root: string | null;
  readonly paid: string | null;
  readonly refunded: string | null;
  readonly assurance: string | null;
  readonly ended_at: number | null;
  readonly block: number;
  readonly log_index: number;
}

const NO_PROGRESS: Wire<Progress> = {
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

interface AgreedArgs {
  readonly terms: Wire<Terms>;
  readonly programCid: string;
  readonly dataCid: string;
}
interface SubmittedArgs {
  readonly progress: Wire<Progress>;
  readonly prefixRoot: string;
  readonly modelCid: string;
}

export const foldJob = (job: JobRow | undefined, event: ChainEvent): JobRow | undefined => {
  const place = { block: event.block, log_index: event.logIndex };
  if (event.name === "Agreed") {
    const { terms, programCid, dataCid } = event.args as unknown as AgreedArgs;
    return {
      id: terms.jobId,
      state: "active",
      request_digest: terms.requestDigest,
      requester: terms.requester,
      provider: terms.provider,
      terms,
      progress: NO_PROGRESS,
      program_cid: programCid,
      data_cid: dataCid,
      price: terms.price,
      collateral: terms.collateral,
      agreed_at: terms.agreedAt,
      deadline: terms.deadline,
      model_cid: null,
      prefix_root: null,
      paid: null,
      refunded: null,
      assurance: null,
      ended_at: null,
      ...place,
    };
  }
  if (job === undefined) return undefined;
  const ended = (state: JobState, refunded: unknown): JobRow => ({
    ...job,
    state,
    refunded: String(refunded),
    ended_at: event.timestamp,
    ...place,
  });
  switch (event.name) {
    case "CommitmentMade": {
      const { commitment, committedAt } = event.args as Pick<
        Wire<Progress>,
        "commitment" | "committedAt"
      >;
      const progress = { ...job.progress, commitment, committedAt };
      return { ...job, state: "committed", progress, ...place };
    }
    case "Submitted": {
      const { progress, prefixRoot, modelCid } = event.args as unknown as SubmittedArgs;
      return {
        ...job,
        state: "submitted",
        progress,
        prefix_root: prefixRoot,
        model_cid: modelCid,
        ...place,
      };
    }
    case "Stopped": {
      const stoppedAt = Number(event.args["stoppedAt"]);
      return { ...job, progress: { ...job.progress, stoppedAt }, ...place };
    }
    case "Settled":
      return {
        ...ended("settled", event.args["refunded"]),
        paid: String(event.args["paid"]),
        assurance: ASSURANCES[Number(event.args["assurance"])] ?? null,
      };
    case "Expired":
      return ended("expired", event.args["refunded"]);
    case "Slashed":
      return ended("slashed", event.args["refunded"]);
    case "Voided":
      return ended("void", event.args["refunded"]);
    default:
      return job;
  }
};

/** A row of `chain_stake`; amounts in token base units. */
export interface StakeRow {
  readonly provider: string;
  readonly total: string;
  readonly leaving: string;
  /** Kept out of every new job; may be more than there is. */
  readonly reserved: string;
  readonly available_at: number;
}

/** SQL for the collateral that the open jobs of a provider lock; `provider`: an SQL expression. */
export const lockedOf = (provider: string): string =>
  `(SELECT coalesce(sum(open_job.collateral), 0) FROM chain_job open_job
    WHERE open_job.provider = ${provider} AND open_job.state IN ('active', 'committed', 'submitted'))`;

/** As the staking contract: `total` counts leaving stake in. */
export const foldStake = (stake: StakeRow | undefined, event: ChainEvent): StakeRow | undefined => {
  const { amount: text } = event.args;
  if (event.contract !== "staking" || typeof text !== "string") return stake;
  const amount = BigInt(text);
  let total = BigInt(stake?.total ?? 0);
  let leaving = BigInt(stake?.leaving ?? 0);
  let reserved = BigInt(stake?.reserved ?? 0);
  let availableAt = stake?.available_at ?? 0;
  switch (event.name) {
    case "Staked":
      total += amount;
      break;
    case "UnstakeRequested":
      leaving += amount;
      availableAt = Number(event.args["availableAt"]);
      break;
    case "StakeWithdrawn":
      total -= amount;
      leaving -= amount;
      break;
    case "StakeReserved":
      reserved = amount;
      break;
    case "CollateralSlashed": {
      const active = total - leaving;
      total -= amount;
      // Leaving stake answers only for what active stake does not cover.
      if (amount > active) leaving -= amount - active;
      break;
    }
    default:
      return stake;
  }
  return {
    provider: String(event.args["provider"]),
    total: total.toString(),
    leaving: leaving.toString(),
    reserved: reserved.toString(),
    available_at: availableAt,
  };
};
