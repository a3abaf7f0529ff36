/** The agent's view of the chain, and what it sends there. */
import type { Job, Submission } from "@assay/protocol/domain/messages";
import { checkpointCount } from "@assay/protocol/domain/money";
import { AssayError } from "@assay/protocol/errors";
import {
  disputesAbi,
  marketAbi,
  parametersAbi,
  provenanceAbi,
  stakingAbi,
  tokenAbi,
} from "@assay/protocol/generated/abis";
import { digestOf, typedData, type MarketDomain } from "@assay/protocol/signing/typed-data";
import type { Deployment } from "@assay/protocol/wire/api";
import type { TransactionSender } from "@assay/runtime/transactions";
import { explainCall } from "@assay/sdk/chain/write";
import { jobFromChain } from "@assay/sdk/actions/job-from-chain";
import { createJobViews, type JobView } from "@assay/sdk/actions/job-views";
import { parameters } from "@assay/sdk/actions/parameters";
import { stakeOf, type StakeView } from "@assay/sdk/actions/stake";
import type { AssayContext } from "@assay/sdk/context";
import { nextDrawCall } from "@assay/sdk/disputes/audits";
import { disputeStatus } from "@assay/sdk/disputes/read";
import { replicasOf } from "@assay/sdk/disputes/replicas";
import {
  encodeAbiParameters,
  keccak256,
  zeroAddress,
  type Abi,
  type Address,
  type Hex,
  type LocalAccount,
} from "viem";

/** Errors that a call may pass on from the contracts behind the one that is called. */
export const BUBBLED_ERRORS: Abi = [
  ...marketAbi,
  ...stakingAbi,
  ...tokenAbi,
  ...provenanceAbi,
  ...parametersAbi,
  ...disputesAbi,
];

export type Parameters = Awaited<ReturnType<typeof parameters>>;

export interface Chain {
  /** Timestamp of the latest block, Unix seconds. */
  now(): Promise<number>;
  /** A job as it stands, put together from its events and checked against the stored hash. */
  job(jobId: Hex): Promise<JobView>;
  parameters(): Promise<Parameters>;
  parametersAt(version: number): Promise<Omit<Parameters, "version">>;
  stake(): Promise<StakeView>;
  /** The file of a record's model. Throws PARENT_UNAVAILABLE. */
  readonly parentOf: (record: { parentRoot: Hex; parentIndex: number }) => Promise<Hex>;
  /**
   * Digest under which the state of a settled job's record lies. Throws START_UNAVAILABLE where that job was done in full: its
   * file is the model alone.
   */
  readonly startOf: (record: { parentRoot: Hex; parentIndex: number }) => Promise<Hex>;
  readonly signReceipt: (receipt: Submission) => Promise<Hex>;
  submit(job: Job, submission: Submission): Promise<Hex>;
  present(job: Job, receipt: Submission): Promise<Hex>;
  /** Keeps earlier receipts from being put in front of this one. Needs no record of the job, so it cannot be overtaken itself. */
  showReceipt(job: Job, receipt: Submission): Promise<Hex>;
  /** Disputes about a submission that are not over. */
  liveGames(job: Job): Promise<number>;
  commit(job: Job, submission: Submission, salt: Hex): Promise<Hex>;
  /**
   * Brings the draw of a committed job's audit as far as the contract takes it now, and those of the other replicas of its request;
   * nothing where no audit line is.
   */
  draw(job: Job): Promise<void>;
  /** Whether the contract would take the reveal now. Throws `MARKET_TOO_EARLY`, `MARKET_TOO_LATE`. */
  requireRevealable(job: Job, submission: Submission, salt: Hex): Promise<void>;
  reveal(job: Job, submission: Submission, salt: Hex): Promise<Hex>;
  settle(job: Job): Promise<Hex>;
  expire(job: Job): Promise<Hex>;
}

export interface ChainParts {
  readonly context: AssayContext;
  readonly deployment: Deployment;
  readonly account: LocalAccount;
  readonly provider: Address;
  readonly sender: TransactionSender;
}

export const createChain = (parts: ChainParts): Chain => {
  const { context, deployment, account, provider, sender } = parts;
  const { publicClient } = context;
  const { contracts } = deployment;
  const market = { to: contracts.market, abi: marketAbi } as const;
  const reads = { address: contracts.market, abi: marketAbi } as const;
  const domain: MarketDomain = { chainId: deployment.chainId, market: contracts.market };

  const read = async <T>(question: Promise<T>): Promise<T> => {
    try {
      return await question;
    } catch (error) {
      throw explainCall(error);
    }
  };
  const versions = new Map<number, Promise<Omit<Parameters, "version">>>();
  const mined = new Map<string, number>();

  /**
   * Sends under a key that says which transition of which record it is. Asked for again after it was mined (a
   * reorganisation undid it), the call is a new transaction.
   */
  const once = async (
    what: string,
    { terms, progress }: Job,
    send: (key: string) => Promise<{ hash: Hex }>,
  ): Promise<Hex> => {
    const base = [what, terms.jobId, progress.submittedAt, progress.checkpoint].join(":");
    const before = mined.get(base) ?? 0;
    const { hash } = await send(before === 0 ? base : `${base}:${before}`);
    mined.set(base, before + 1);
    return hash;
  };

  const signReceipt = (receipt: Submission): Promise<Hex> =>
    account.signTypedData(typedData(domain, "Submission", receipt));

  const now = async (): Promise<number> => Number((await read(publicClient.getBlock())).timestamp);
  const views = createJobViews(context);

  /** Brings one draw further; gives until when its auditors have their time, 0 while it is not resolved. */
  const drawFurther = async (job: Job): Promise<number> => {
    const { disputes, jobId, auditLine } = job.terms;
    if (auditLine === 0n || disputes === zeroAddress) return 0;
    const { auditUntil } = await disputeStatus(context, { disputes, jobId });
    if (auditUntil !== 0) return auditUntil;
    // What is missing afterwards the reveal says.
    const call = await nextDrawCall(context, job, account.address);
    if (call !== undefined)
      await once(call.functionName, job, (key) => sender.send({ ...call, to: disputes, key }));
    return 0;
  };

  /** A record of provenance and the job that it came from. */
  const behind = async ({ parentRoot, parentIndex }: { parentRoot: Hex; parentIndex: number }) => {
    const record = await read(
      publicClient.readContract({
        address: contracts.provenance,
        abi: provenanceAbi,
        functionName: "recordAt",
        args: [parentRoot, BigInt(parentIndex)],
      }),
    );
    return { record, ...(await jobFromChain(context, record.jobId)) };
  };

  return {
    signReceipt,
    parentOf: async (request) => {
      const { modelCid, record } = await behind(request);
      if (modelCid !== undefined) return modelCid;
      throw new AssayError("PARENT_UNAVAILABLE", `job ${record.jobId} left no model`, {
        remedy: "Start from a model whose job was settled.",
      });
    },
    startOf: async (request) => {
      const { record, job, modelCid } = await behind(request);
      if (modelCid !== undefined && job.progress.checkpoint < checkpointCount(job.terms))
        return modelCid;
      throw new AssayError("START_UNAVAILABLE", `job ${record.jobId} left no state to go on from`, {
        remedy: "Continue from a job that was handed over at a checkpoint.",
      });
    },
    now,
    job: views,
    parameters: () => parameters(context),
    parametersAt: (version) => {
      const known = versions.get(version);
      if (known) return known;
      const asked = read(
        publicClient.readContract({
          address: contracts.parameters,
          abi: parametersAbi,
          functionName: "paramsAt",
          args: [version],
        }),
      );
      versions.set(version, asked);
      asked.catch(() => versions.delete(version));
      return asked;
    },
    stake: () => stakeOf(context, provider),
    submit: (job, submission) =>
      once("submit", job, (key) =>
        sender.send({ ...market, functionName: "submit", args: [job, submission], key }),
      ),
    present: async (job, receipt) => {
      const signature = await signReceipt(receipt);
      return once(`present:${receipt.checkpoint}`, job, (key) =>
        sender.send({
          ...market,
          functionName: "submitReceipt",
          args: [job, receipt, signature],
          key,
        }),
      );
    },
    showReceipt: async (job, receipt) => {
      const signature = await signReceipt(receipt);
      return once(`show:${receipt.checkpoint}`, job, (key) =>
        sender.send({
          ...market,
          functionName: "showReceipt",
          args: [provider, receipt, signature],
          key,
        }),
      );
    },
    liveGames: async ({ terms: { disputes, jobId } }) =>
      disputes === zeroAddress ? 0 : (await disputeStatus(context, { disputes, jobId })).liveGames,
    commit: (job, submission, salt) => {
      const digest = digestOf(domain, "Submission", submission);
      const commitment = keccak256(
        encodeAbiParameters([{ type: "bytes32" }, { type: "bytes32" }], [digest, salt]),
      );
      return once("commit", job, (key) =>
        sender.send({ ...market, functionName: "commit", args: [job, commitment], key }),
      );
    },
    draw: async (job) => {
      const until = await drawFurther(job);
      if (job.terms.replicas < 2 || until === 0 || until >= (await now())) return;
      // No replica is revealed before the draws of all are resolved, and another's agent may be gone.
      for (const id of await replicasOf(context, job.terms)) {
        const { state, found } = await views(id);
        if (state === "committed" && found !== undefined) await drawFurther(found.job);
      }
    },
    requireRevealable: async (job, submission, salt) => {
      await read(
        publicClient.simulateContract({
          ...reads,
          account,
          functionName: "reveal",
          args: [job, submission, salt],
        }),
      );
    },
    reveal: (job, submission, salt) =>
      once("reveal", job, (key) =>
        sender.send({ ...market, functionName: "reveal", args: [job, submission, salt], key }),
      ),
    settle: (job) =>
      once("settle", job, (key) =>
        sender.send({ ...market, functionName: "settle", args: [job], key }),
      ),
    expire: (job) =>
      once("expire", job, (key) =>
        sender.send({ ...market, functionName: "expire", args: [job], key }),
      ),
  };
};
