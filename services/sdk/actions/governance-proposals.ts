/** What is put to the vote, read from the chain alone. */
import { decodeEventLog, decodeFunctionData, toEventSelector, type Address, type Hex } from "viem";
import {
  PARAMETER_NAMES,
  type ParameterName,
  type Parameters,
  type ParameterValue,
} from "@assay/protocol/domain/parameters";
import { AssayError } from "@assay/protocol/errors";
import { governorAbi, parametersAbi } from "@assay/protocol/generated/abis";
import { logsBackwards } from "../chain/logs.ts";
import { read } from "../chain/read.ts";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";

/** In the order of the contract. */
const STATES = [
  "pending",
  "active",
  "canceled",
  "defeated",
  "succeeded",
  "queued",
  "expired",
  "executed",
] as const;
export type ProposalState = (typeof STATES)[number];

/** One thing that a proposal does. */
export type ProposedChange =
  | {
      readonly kind: "parameter";
      readonly name: ParameterName;
      readonly from: ParameterValue;
      readonly to: ParameterValue;
    }
  | { readonly kind: "guardian"; readonly to: Address }
  | { readonly kind: "call"; readonly target: Address; readonly data: Hex };

export interface Proposal {
  readonly id: bigint;
  readonly proposer: Address;
  readonly description: string;
  readonly state: ProposalState;
  readonly changes: readonly ProposedChange[];
  /** Stake in base units. */
  readonly votes: { readonly for: bigint; readonly against: bigint; readonly abstain: bigint };
  /** Votes for and abstentions that it needs; null while the vote has not begun. */
  readonly quorum: bigint | null;
  /** Unix seconds. */
  readonly voteStart: number;
  readonly voteEnd: number;
  /** Unix seconds from which anyone can carry it out; null while it is not queued. */
  readonly executableAt: number | null;
  /** What is queued and executed, as the governor takes it. */
  readonly calls: {
    readonly targets: readonly Address[];
    readonly values: readonly bigint[];
    readonly calldatas: readonly Hex[];
  };
}

/** The governor by stake. @throws `GOVERNANCE_MISSING` */
export const governorOf = async (context: AssayContext): Promise<Address> => {
  const { contracts } = await context.deployment();
  if (contracts.governor !== undefined) return contracts.governor;
  throw new AssayError("GOVERNANCE_MISSING", "stake does not vote in this deployment", {
    remedy: "its parameters are changed by the address that `Parameters.governor()` tells",
  });
};

const topicOf = (abi: typeof governorAbi | typeof parametersAbi, name: string): Hex => {
  const event = abi.find((item) => item.type === "event" && item.name === name);
  if (event?.type !== "event") throw new Error(`no event is called ${name}`);
  return toEventSelector(event);
};

const logsOf = async (context: AssayContext, address: Address, topic: Hex) => {
  const { startBlock } = await context.deployment();
  try {
    const to = Number(await context.publicClient.getBlockNumber({ cacheTime: 0 }));
    return await logsBackwards(
      context.publicClient,
      { address, topics: [topic], from: startBlock, to },
      () => false,
    );
  } catch (error) {
    throw explainCall(error);
  }
};

/** Every version of the parameters with the block that added it, oldest first. */
const versionsOf = async (context: AssayContext) => {
  const { contracts } = await context.deployment();
  const logs = await logsOf(context, contracts.parameters, topicOf(parametersAbi, "ParamsAdded"));
  return logs.map((log) => ({
    block: Number(log.blockNumber),
    params: decodeEventLog({ ...log, abi: parametersAbi, eventName: "ParamsAdded" }).args.params,
  }));
};

const changesOf = (
  parameters: Address,
  targets: readonly Address[],
  calldatas: readonly Hex[],
  now: Parameters | undefined,
): ProposedChange[] =>
  calldatas.flatMap((data, at): ProposedChange[] => {
    const target = targets[at] ?? parameters;
    const unknown: ProposedChange = { kind: "call", target, data };
    if (target.toLowerCase() !== parameters.toLowerCase()) return [unknown];
    try {
      const call = decodeFunctionData({ abi: parametersAbi, data });
      if (call.functionName === "setGuardian") return [{ kind: "guardian", to: call.args[0] }];
      if (call.functionName !== "add") return [unknown];
      const [wanted] = call.args;
      return PARAMETER_NAMES.filter((name) => wanted[name] !== now?.[name]).map((name) => ({
        kind: "parameter",
        name,
        from: now?.[name] ?? "",
        to: wanted[name],
      }));
    } catch {
      // Anyone with enough stake can propose any bytes.
      return [unknown];
    }
  });

const SETTLED: readonly ProposalState[] = ["canceled", "defeated", "expired", "executed"];

/** Every proposal, newest first. @throws `GOVERNANCE_MISSING`, `CHAIN_UNREACHABLE` */
export const proposals = async (context: AssayContext): Promise<Proposal[]> => {
  const address = await governorOf(context);
  const { contracts } = await context.deployment();
  const governor = { address, abi: governorAbi } as const;
  const [logs, versions] = [
    await logsOf(context, address, topicOf(governorAbi, "ProposalCreated")),
    await versionsOf(context),
  ];
  const now = Number((await context.publicClient.getBlock()).timestamp);
  const made = logs.map(async (log): Promise<Proposal> => {
    const { args } = decodeEventLog({ ...log, abi: governorAbi, eventName: "ProposalCreated" });
    const { proposalId: id, targets, values, calldatas } = args;
    const [voteStart, voteEnd] = [Number(args.voteStart), Number(args.voteEnd)];
    const [number, [against, inFavour, abstain], eta, quorum] = await Promise.all([
      read(context, { ...governor, functionName: "state", args: [id] }),
      read(context, { ...governor, functionName: "proposalVotes", args: [id] }),
      read(context, { ...governor, functionName: "proposalEta", args: [id] }),
      voteStart < now
        ? read(context, { ...governor, functionName: "quorum", args: [args.voteStart] })
        : null,
    ]);
    const state = STATES[number] ?? "pending";
    const before = versions.filter(({ block }) => block <= Number(log.blockNumber));
    // What is still open would replace the newest version; what is over replaced, or would have, the one of its day.
    const base = (SETTLED.includes(state) ? before : versions).at(-1)?.params;
    return {
      id,
      proposer: args.proposer,
      description: args.description,
      state,
      changes: changesOf(contracts.parameters, targets, calldatas, base),
      votes: { for: inFavour, against, abstain },
      quorum,
      voteStart,
      voteEnd,
      executableAt: eta === 0n ? null : Number(eta),
      calls: { targets, values, calldatas },
    };
  });
  return (await Promise.all(made)).reverse();
};

/** One proposal. @throws `PROPOSAL_UNKNOWN`, and as {@link proposals} */
export const proposal = async (context: AssayContext, id: bigint): Promise<Proposal> => {
  const found = (await proposals(context)).find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new AssayError("PROPOSAL_UNKNOWN", `there is no proposal ${id}`, {
    remedy: "see `assay governance list`",
  });
};
