/** Taking part in votes with stake. Stake votes as it was when the vote began, for its owner or for whom it named. */
import { encodeFunctionData, keccak256, toBytes, type Address } from "viem";
import { PARAMETER_NAMES, type ParameterName } from "@assay/protocol/domain/parameters";
import { AssayError } from "@assay/protocol/errors";
import { governorAbi, parametersAbi, stakingAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import { write, type Mined } from "../chain/write.ts";
import { addressOf, type AssayContext } from "../context.ts";
import { governorOf, proposal, proposals, type Proposal } from "./governance-proposals.ts";

/** In the order of the contract. */
const CHOICES = ["against", "for", "abstain"] as const;
export type Choice = (typeof CHOICES)[number];

/** Stake that votes for an account now, its own and what others gave it. */
export const votingPower = async (
  context: AssayContext,
  account: Address = addressOf(context),
): Promise<bigint> => {
  const { contracts } = await context.deployment();
  return read(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "getVotes",
    args: [account],
  });
};

/** Lets another account vote with this one's stake; its own address takes it back. */
export const delegateVotes = async (context: AssayContext, to: Address): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.staking,
    abi: stakingAbi,
    functionName: "delegate",
    args: [to],
  });
};

const when = (seconds: number): string => new Date(seconds * 1000).toISOString();

const requireOpen = ({ id, state, voteStart, voteEnd }: Proposal): void => {
  if (state === "active") return;
  const early = state === "pending";
  throw new AssayError(
    "VOTE_NOT_OPEN",
    early
      ? `the vote on ${id} begins after ${when(voteStart)}`
      : `the vote on ${id} is over: it is ${state}`,
    {
      retryable: early,
      remedy: early ? "vote then" : "see `assay governance list` for open votes",
      details: { state, voteStart, voteEnd },
    },
  );
};

/**
 * Votes once, with all the stake that the account had when the vote began.
 * @throws `PROPOSAL_UNKNOWN`, `VOTE_NOT_OPEN`, `VOTE_ALREADY_CAST`, `VOTE_WITHOUT_STAKE`, `WALLET_MISSING`
 */
export const vote = async (
  context: AssayContext,
  id: bigint,
  choice: Choice,
  reason = "",
): Promise<Mined & { readonly weight: bigint }> => {
  const account = addressOf(context);
  const address = await governorOf(context);
  const governor = { address, abi: governorAbi } as const;
  const found = await proposal(context, id);
  requireOpen(found);
  if (await read(context, { ...governor, functionName: "hasVoted", args: [id, account] })) {
    throw new AssayError("VOTE_ALREADY_CAST", `${account} has voted on ${id}`, {
      remedy: "a vote cannot be changed; other keys with stake can still vote",
    });
  }
  const weight = await read(context, {
    ...governor,
    functionName: "getVotes",
    args: [account, BigInt(found.voteStart)],
  });
  if (weight === 0n) {
    throw new AssayError(
      "VOTE_WITHOUT_STAKE",
      `${account} had no voting stake at ${when(found.voteStart)}, when the vote began`,
      { remedy: "stake before the next vote begins: `assay provider stake AMOUNT`" },
    );
  }
  const mined = await write(context, {
    ...governor,
    functionName: "castVoteWithReason",
    args: [id, CHOICES.indexOf(choice), reason],
  });
  return { ...mined, weight };
};

/**
 * Proposes a version of the parameters that differs from the newest in these fields.
 * @throws `PROPOSAL_WITHOUT_CHANGE`, `PARAMETER_OUT_OF_BOUNDS`, `PROPOSAL_NEEDS_STAKE`, `GOVERNANCE_MISSING`, `WALLET_MISSING`
 */
export const proposeParameters = async (
  context: AssayContext,
  changes: Readonly<Partial<Record<ParameterName, number | bigint | Address>>>,
  description: string,
): Promise<Mined & { readonly id: bigint }> => {
  const account = addressOf(context);
  const address = await governorOf(context);
  const { contracts } = await context.deployment();
  const parameters = { address: contracts.parameters, abi: parametersAbi } as const;
  const [, newest] = await read(context, { ...parameters, functionName: "current" });
  const [min, max] = await read(context, { ...parameters, functionName: "bounds" });
  const wanted = { ...newest, ...changes } as typeof newest;
  const changed = PARAMETER_NAMES.filter((name) => wanted[name] !== newest[name]);
  if (changed.length === 0) {
    throw new AssayError("PROPOSAL_WITHOUT_CHANGE", "the newest parameters are these already", {
      remedy: "give at least one other value",
    });
  }
  const outside = changed.find(
    (name) =>
      typeof wanted[name] !== "string" &&
      (BigInt(wanted[name]) < BigInt(min[name]) || BigInt(wanted[name]) > BigInt(max[name])),
  );
  if (outside !== undefined) {
    throw new AssayError(
      "PARAMETER_OUT_OF_BOUNDS",
      `${outside} cannot be ${wanted[outside]}: it lies between ${min[outside]} and ${max[outside]} for ever`,
      { remedy: "choose a value within the bounds", details: { name: outside } },
    );
  }
  const threshold = await read(context, {
    address,
    abi: governorAbi,
    functionName: "proposalThreshold",
  });
  const power = await votingPower(context, account);
  if (power < threshold) {
    throw new AssayError(
      "PROPOSAL_NEEDS_STAKE",
      `${account} votes with ${power} base units of stake; a proposal needs ${threshold}`,
      { remedy: "stake more, or let others delegate to you", details: { power, threshold } },
    );
  }
  const data = encodeFunctionData({ abi: parametersAbi, functionName: "add", args: [wanted] });
  const mined = await write(context, {
    address,
    abi: governorAbi,
    functionName: "propose",
    args: [[contracts.parameters], [0n], [data], description],
  });
  const [newestProposal] = (await proposals(context)).filter(
    (one) => one.description === description && one.calls.calldatas[0] === data,
  );
  if (newestProposal === undefined) throw new Error("the proposal is not on the chain");
  return { ...mined, id: newestProposal.id };
};

/**
 * Moves a decided proposal on: into the timelock, or out of it after its delay. Anyone may.
 * @throws `PROPOSAL_UNKNOWN`, `PROPOSAL_NOT_DECIDED`, `PROPOSAL_WAITS`
 */
export const carryOut = async (
  context: AssayContext,
  id: bigint,
): Promise<Mined & { readonly step: "queued" | "executed" }> => {
  const address = await governorOf(context);
  const { state, executableAt, description, calls } = await proposal(context, id);
  if (state !== "succeeded" && state !== "queued") {
    throw new AssayError("PROPOSAL_NOT_DECIDED", `proposal ${id} is ${state}`, {
      retryable: state === "active" || state === "pending",
      remedy: "only what has been voted for can be carried out: see `assay governance list`",
    });
  }
  const now = Number((await context.publicClient.getBlock()).timestamp);
  if (state === "queued" && executableAt !== null && now < executableAt) {
    throw new AssayError("PROPOSAL_WAITS", `proposal ${id} waits until ${when(executableAt)}`, {
      retryable: true,
      remedy: "carry it out then",
      details: { executableAt },
    });
  }
  const mined = await write(context, {
    address,
    abi: governorAbi,
    functionName: state === "succeeded" ? "queue" : "execute",
    args: [calls.targets, calls.values, calls.calldatas, keccak256(toBytes(description))],
  });
  return { ...mined, step: state === "succeeded" ? "queued" : "executed" };
};
