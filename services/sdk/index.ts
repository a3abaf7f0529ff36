/**
 * The client library: viem-style actions over one context, in Node and in browsers.
 *
 * @example
 * const assay = createAssay({ rpcUrl, apiUrl, account: privateKeyToAccount(key) });
 * const posted = await assay.postJob({ programRoot, dataRoot, … });
 * for await (const event of assay.watchRequest(posted.digest)) console.log(event.kind);
 */
import {
  createPublicClient,
  createWalletClient,
  http,
  type Account,
  type WalletClient,
} from "viem";
import { findDeployment } from "@assay/protocol/domain/deployments";
import { AssayError } from "@assay/protocol/errors";
import { deploymentSchema, type Deployment } from "@assay/protocol/wire/api";
import { balance, deposit, walletBalance, withdraw } from "./actions/balance.ts";
import { cancel, cancelRequest } from "./actions/cancel.ts";
import { conflicts, slashConflict } from "./actions/conflicts.ts";
import { continueJob, signedRequest } from "./actions/continue-job.ts";
import { earnings } from "./actions/earnings.ts";
import { expire } from "./actions/expire.ts";
import { finishJob } from "./actions/finish-job.ts";
import { proposal, proposals } from "./actions/governance-proposals.ts";
import {
  carryOut,
  delegateVotes,
  proposeParameters,
  vote,
  votingPower,
} from "./actions/governance-vote.ts";
import { jobFromChain } from "./actions/job-from-chain.ts";
import { job, jobs, provider, requestStatus } from "./actions/jobs.ts";
import { lineage } from "./actions/lineage.ts";
import { postOffer } from "./actions/offers.ts";
import { postJob } from "./actions/post-job.ts";
import { parameters } from "./actions/parameters.ts";
import { provenance } from "./actions/provenance.ts";
import { quote } from "./actions/quote.ts";
import { presentReceipt, receipt } from "./actions/receipts.ts";
import { settle, signOff } from "./actions/settle.ts";
import {
  requestUnstake,
  reserveStake,
  setOperator,
  stake,
  stakeOf,
  withdrawStake,
} from "./actions/stake.ts";
import { stop } from "./actions/stop.ts";
import { watchJob, watchRequest } from "./actions/watch.ts";
import { explainCall } from "./chain/write.ts";
import type { AssayContext } from "./context.ts";
import { callJson } from "./http/fetch.ts";

export interface AssayOptions {
  readonly rpcUrl: string;
  /** A market's HTTP interface; leave out to work with the chain alone. */
  readonly apiUrl?: string;
  /** Signs in this process. */
  readonly account?: Account;
  /** Signs elsewhere (a browser wallet); wins over `account`. */
  readonly walletClient?: WalletClient;
  /** Contracts and token; asked of the market where left out. */
  readonly deployment?: Deployment;
  /** Milliseconds between looks for a receipt; default 500. */
  readonly pollingInterval?: number;
}

const ACTIONS = {
  carryOut,
  delegateVotes,
  proposal,
  proposals,
  proposeParameters,
  vote,
  votingPower,
  balance,
  cancel,
  cancelRequest,
  conflicts,
  continueJob,
  deposit,
  earnings,
  expire,
  finishJob,
  job,
  jobFromChain,
  jobs,
  lineage,
  parameters,
  postJob,
  postOffer,
  presentReceipt,
  provenance,
  provider,
  quote,
  receipt,
  requestStatus,
  requestUnstake,
  reserveStake,
  setOperator,
  settle,
  signOff,
  signedRequest,
  slashConflict,
  stake,
  stakeOf,
  stop,
  walletBalance,
  watchJob,
  watchRequest,
  withdraw,
  withdrawStake,
} as const;

type Actions = typeof ACTIONS;
type Bound<F> = F extends (context: AssayContext, ...rest: infer R) => infer T
  ? (...rest: R) => T
  : never;

/** Every action, bound to one context. */
export type Assay = { readonly [K in keyof Actions]: Bound<Actions[K]> } & {
  readonly context: AssayContext;
};

/**
 * The deployment that the market names, held against the chain and against the one that clients know: a market must not be
 * able to point deposits at contracts of its own.
 */
const askDeployment = async (context: AssayContext): Promise<Deployment> => {
  const named = await callJson(context, "/v1/deployment", deploymentSchema);
  const chainId = await context.publicClient.getChainId().catch((error: unknown) => {
    throw explainCall(error);
  });
  const known = findDeployment(chainId);
  if (named.chainId === chainId && (known === undefined || sameContracts(known, named)))
    return named;
  throw new AssayError(
    "DEPLOYMENT_MISMATCH",
    `the market names other contracts than those known on chain ${chainId}`,
    {
      remedy: "do not use this market, or give `deployment` yourself if you trust its contracts",
      details: { named, known },
    },
  );
};

const sameContracts = (known: Deployment, named: Deployment): boolean =>
  (Object.keys(known.contracts) as (keyof Deployment["contracts"])[]).every(
    (name) => known.contracts[name] === named.contracts[name],
  );

/** A client for one market and one account. */
export const createAssay = (options: AssayOptions): Assay => {
  const transport = http(options.rpcUrl);
  const pollingInterval = options.pollingInterval ?? 500;
  let asked: Promise<Deployment> | undefined;
  const context: AssayContext = {
    apiUrl: options.apiUrl?.replace(/\/$/, ""),
    publicClient: createPublicClient({ transport, pollingInterval }),
    walletClient:
      options.walletClient ??
      (options.account === undefined
        ? undefined
        : createWalletClient({ account: options.account, transport, pollingInterval })),
    deployment: () => {
      if (options.deployment !== undefined) return Promise.resolve(options.deployment);
      asked ??= askDeployment(context).catch((error: unknown) => {
        asked = undefined;
        throw error;
      });
      return asked;
    },
  };
  const bound = Object.entries(ACTIONS).map(([name, action]) => [
    name,
    (...rest: unknown[]) =>
      (action as (context: AssayContext, ...rest: unknown[]) => unknown)(context, ...rest),
  ]);
  return { ...(Object.fromEntries(bound) as Omit<Assay, "context">), context };
};
