/** The chain as a watcher sees it, and what it sends there. */
import type { Job, Terms } from "@assay/protocol/domain/messages";
import type {
  ChallengerMove,
  ListRoots,
  ProviderMove,
  TargetName,
} from "@assay/protocol/domain/disputes";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import {
  marketAbi,
  parametersAbi,
  provenanceAbi,
  stakingAbi,
  tokenAbi,
} from "@assay/protocol/generated/abis";
import type { TransactionSender } from "@assay/runtime/transactions";
import { jobFromChain } from "@assay/sdk/actions/job-from-chain";
import { createJobViews, type JobView } from "@assay/sdk/actions/job-views";
import { provenance } from "@assay/sdk/actions/provenance";
import { explainCall } from "@assay/sdk/chain/write";
import type { AssayContext } from "@assay/sdk/context";
import { createGameFollower } from "@assay/sdk/disputes/follow";
import { positionHash, type Game } from "@assay/sdk/disputes/game";
import {
  challengeCall,
  compareCall,
  moveCall,
  timeoutCall,
  withdrawBondCall,
  type DisputeCall,
} from "@assay/sdk/disputes/moves";
import { paymentOf } from "@assay/sdk/disputes/payment";
import { bondOf, findGames, readGame } from "@assay/sdk/disputes/read";
import { encodeFunctionData, isAddressEqual, type Abi, type Address, type Hex } from "viem";

/** Errors that calls may pass on from the contracts behind them. */
export const BUBBLED_ERRORS: Abi = [
  ...marketAbi,
  ...stakingAbi,
  ...provenanceAbi,
  ...parametersAbi,
  ...tokenAbi,
];

export interface Chain {
  /** Timestamp of the latest block, Unix seconds. */
  now(): Promise<number>;
  /** A job as it stands, put together from its events and checked against the stored hash. */
  job(jobId: Hex): Promise<JobView>;
  /** Our latest game about a job: a live one before one that is over. */
  gameOf(job: Job): Promise<Game | undefined>;
  /** Jobs of games that we ever began at a contract. */
  challengedJobs(disputes: Address): Promise<readonly Hex[]>;
  /** File of the state that a job starts from: what the job before it submitted. @throws REPLAY_START_UNKNOWN */
  startOf(terms: Pick<Terms, "parentRoot" | "parentIndex">): Promise<Hex>;
  /**
   * Begins a game, the bond out of the ledger or, where it is not there, out of the wallet. @throws WATCHER_BOND_TOO_HIGH,
   * WATCHER_BOND_MISSING, the contract's DISPUTE_…
   */
  challenge(
    job: Job,
    prefixRoot: Hex,
    program: { readonly header: Hex; readonly lists: ListRoots },
    target: TargetName,
  ): Promise<{ readonly hash: Hex; readonly bond: bigint }>;
  /** What the contract itself computes from these claims, without any transaction; undefined where it takes them as they are. */
  judged(game: Game, judge: ProviderMove): Promise<number | undefined>;
  move(game: Game, move: ChallengerMove): Promise<Hex>;
  timeout(game: Game, job: Job): Promise<Hex>;
  compare(game: Game, job: Job): Promise<Hex>;
  withdrawBond(game: Game): Promise<Hex>;
  /** Sends a call under a key that says what it is: asked for again after it was mined, it is another one. */
  readonly once: (key: string, call: ContractCall) => Promise<Hex>;
}

/** One transaction to a contract. */
export interface ContractCall {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args: readonly unknown[];
}

export interface ChainParts {
  readonly context: AssayContext;
  readonly sender: TransactionSender;
  /** Most to risk in one game, token base units; undefined: whatever is asked. */
  readonly maxBond: bigint | undefined;
}

export const createChain = ({ context, sender, maxBond }: ChainParts): Chain => {
  const { publicClient } = context;
  const own = sender.address;
  const follower = createGameFollower(context);

  const mined = new Map<string, number>();
  /** A key says which call from which position; asked for again after it was mined (a reorganisation undid it), it is another. */
  const once = async (base: string, call: ContractCall): Promise<Hex> => {
    const before = mined.get(base) ?? 0;
    const { hash } = await sender.send({
      to: call.address,
      abi: call.abi,
      functionName: call.functionName,
      args: call.args,
      key: before === 0 ? base : `${base}:${before}`,
    });
    mined.set(base, before + 1);
    return hash;
  };
  const inGame = (game: Game, call: DisputeCall): Promise<Hex> =>
    once(
      // The journal keeps the transactions of jobs that are looked after, and knows them by the job in their key.
      [call.functionName, game.jobId, game.disputes, game.gameId, positionHash(game.position)].join(
        ":",
      ),
      call,
    );

  /** Bonds are prepared and used one after another: two at once would count on the same money. */
  let lane: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(action: () => Promise<T>): Promise<T> => {
    const run = lane.then(action);
    lane = run.catch(() => undefined);
    return run;
  };
  let payments = 0;
  const prepare = async (disputes: Address, bond: bigint): Promise<void> => {
    if (maxBond !== undefined && bond > maxBond) {
      throw new AssayError("WATCHER_BOND_TOO_HIGH", `the bond is ${bond}, ${maxBond} allowed`, {
        retryable: true,
        remedy: "Raise ASSAY_WATCHER_MAX_BOND.",
        details: { bond, maxBond },
      });
    }
    const payment = await paymentOf(context, { account: own, disputes, amount: bond });
    if (payment.wallet < payment.missing) {
      throw new AssayError("WATCHER_BOND_MISSING", `the bond of ${bond} is not there`, {
        retryable: true,
        remedy: `Send tokens to ${own}, or deposit them in the market for it.`,
        details: { bond, missing: payment.missing, account: own },
      });
    }
    for (const { address: to, ...call } of payment.calls)
      await sender.send({ ...call, to, key: `${call.functionName}:${Date.now()}:${payments++}` });
  };

  return {
    now: async () => {
      try {
        return Number((await publicClient.getBlock()).timestamp);
      } catch (error) {
        throw explainCall(error);
      }
    },
    job: createJobViews(context),
    gameOf: async ({ terms: { jobId, disputes } }) => {
      const live = await follower.look({ jobId, disputes });
      const ours = live.find(({ challenger }) => isAddressEqual(challenger, own));
      if (ours !== undefined) return ours;
      const [last] = (
        await findGames(context, disputes, { jobIds: [jobId], challenger: own })
      ).toReversed();
      return last && readGame(context, last);
    },
    challengedJobs: async (disputes) => {
      const games = await findGames(context, disputes, { challenger: own });
      return [...new Set(games.map(({ jobId }) => jobId))];
    },
    startOf: async ({ parentRoot, parentIndex }) => {
      const record = (await provenance(context, parentRoot))[parentIndex];
      const parent = record && (await jobFromChain(context, record.jobId));
      if (parent?.modelCid !== undefined) return parent.modelCid;
      throw new AssayError("REPLAY_START_UNKNOWN", "the job before this one is not on the chain", {
        retryable: true,
        remedy: "Ask again; if it stays so, the node leaves out events: use another RPC URL.",
        details: { parentRoot, parentIndex },
      });
    },
    challenge: (job, prefixRoot, program, target) =>
      inOrder(async () => {
        const bond = await bondOf(context, job);
        await prepare(job.terms.disputes, bond);
        const { disputes, jobId } = job.terms;
        const hash = await once(
          ["challenge", disputes, jobId, job.progress.traceRoot].join(":"),
          challengeCall(job, prefixRoot, program, target),
        );
        return { hash, bond };
      }),
    judged: async (game, judge) => {
      const { address, abi, functionName, args } = moveCall(game, judge);
      try {
        await publicClient.call({
          account: game.provider,
          to: address,
          data: encodeFunctionData({ abi, functionName, args }),
        });
        return undefined;
      } catch (error) {
        const explained = explainCall(error);
        if (isAssayError(explained, "DISPUTE_WRONG_SCALAR"))
          return Number(explained.details["computed"]);
        throw explained;
      }
    },
    move: (game, move) => inGame(game, moveCall(game, move)),
    timeout: (game, job) => inGame(game, timeoutCall(game, { side: "provider", job })),
    compare: (game, job) => inGame(game, compareCall(game, job)),
    withdrawBond: (game) => inGame(game, withdrawBondCall(game)),
    once,
  };
};
