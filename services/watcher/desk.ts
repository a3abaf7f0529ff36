/** What one key needs to look after jobs: its folder, journal, chain and content. One desk a folder. */
import { mkdir } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { startEngine, type EngineWish } from "@assay/engine/wasm/settings";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { lockFolder } from "@assay/runtime/lock";
import type { Logger } from "@assay/runtime/logger";
import { retry } from "@assay/runtime/retry";
import { createTransactionSender } from "@assay/runtime/transactions";
import { createAssay } from "@assay/sdk";
import { domainOf, type AssayContext } from "@assay/sdk/context";
import { openContentStore } from "@assay/storage/open";
import { parseUnits, type Address, type LocalAccount } from "viem";
import { createAuditing } from "./audit/auditing.ts";
import { BUBBLED_ERRORS, createChain } from "./chain.ts";
import { deploymentOf } from "./deployment.ts";
import { leftOut, type Choice } from "./follow/select.ts";
import { openNotebook } from "./journal/notebook.ts";
import type { KeepParts } from "./play/keep.ts";
import { createSlots } from "./slots.ts";

export interface DeskOptions {
  /** Challenges, and pays bonds and gas. */
  readonly account: LocalAccount;
  /** Stake to audit for, of which the account is an operator; default: the account's own. */
  readonly auditor?: Address | undefined;
  /** Which jobs are run in any case; without it only what is asked for is done, and no audits. */
  readonly choice?: Choice | undefined;
  readonly rpcUrl: string;
  /** Market to ask for contracts and content. */
  readonly apiUrl?: string | undefined;
  /** Contracts; asked of the market, or known, where left out. */
  readonly deployment?: Deployment | undefined;
  /** Gateway URL or folder of content; default: the market's gateway. */
  readonly content?: string | undefined;
  /** Journal, runs and fetched content; one watcher a folder. */
  readonly stateDir: string;
  /** Run jobs when they are agreed. */
  readonly early: boolean;
  /** Runs at a time. */
  readonly capacity: number;
  /** Threads of one run, and their lanes. */
  readonly engine: EngineWish;
  /** Decimal tokens; undefined: no limit. */
  readonly maxBond?: string | undefined;
  /** Bytes of memory of one run; default: half of the machine's, divided by capacity. */
  readonly memoryBytes?: number | undefined;
  readonly maxDataBytes: number;
  /** Bytes on disk for the checkpoints of one run. */
  readonly checkpointBytes: number;
  /** Milliseconds between two looks at the chain. */
  readonly pollMs: number;
  readonly logger: Logger;
}

export interface Desk {
  readonly deployment: Deployment;
  readonly context: AssayContext;
  /** What `keepJob` needs. */
  readonly keep: KeepParts;
  /** Whether `blocks` in the state folder is a copy of content that comes from elsewhere. */
  readonly cachesContent: boolean;
  close(): Promise<void>;
}

const START_TRIES = 8;
const FEES_AFTER_MS = 10_000;

/**
 * Opens a folder; `signal` stops what is under way. Throws WATCHER_ALREADY_RUNS, WATCHER_NO_CONTENT, JOURNAL_CORRUPT, JOURNAL_OF_ANOTHER,
 * CHAIN_UNREACHABLE, API_UNREACHABLE, DEPLOYMENT_UNKNOWN.
 */
export const openDesk = async (options: DeskOptions, signal: AbortSignal): Promise<Desk> => {
  await mkdir(options.stateDir, { recursive: true });
  const unlock = await lockFolder(join(options.stateDir, "watcher.lock"), {
    code: "WATCHER_ALREADY_RUNS",
    remedy: "Stop it first, or give this watcher a folder of its own (ASSAY_WATCHER_STATE_DIR).",
  });
  try {
    return await openLocked(options, signal, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
};

const isUrl = (source: string): boolean => /^https?:/.test(source);

const contentOf = ({ content, apiUrl, stateDir }: DeskOptions) => {
  const source = content ?? apiUrl;
  if (source === undefined) {
    throw new AssayError("WATCHER_NO_CONTENT", "no source of programs and data was named", {
      remedy: "Set ASSAY_WATCHER_CONTENT to a gateway's URL or a folder, or ASSAY_WATCHER_API_URL.",
    });
  }
  return isUrl(source)
    ? openContentStore({ folder: join(stateDir, "blocks"), gatewayUrl: source })
    : openContentStore({ folder: source });
};

const openLocked = async (
  options: DeskOptions,
  signal: AbortSignal,
  unlock: () => Promise<void>,
): Promise<Desk> => {
  const { account, logger, stateDir, capacity, pollMs } = options;
  const at = (name: string): string => join(stateDir, name);
  const client = { rpcUrl: options.rpcUrl, account, apiUrl: options.apiUrl };
  const { engine, missing } = startEngine(options.engine, capacity);
  if (missing !== undefined)
    logger.warn({ missing, ...engine }, "no wide lanes here: runs have narrow ones");
  const store = await contentOf(options);
  const deployment = await retry(
    () => deploymentOf(client, at("deployment.json"), options.deployment),
    {
      attempts: START_TRIES,
      isRetryable: (error) => isAssayError(error) && error.retryable,
    },
  );
  const { context } = createAssay({
    rpcUrl: client.rpcUrl,
    account,
    deployment,
    ...(client.apiUrl === undefined ? {} : { apiUrl: client.apiUrl }),
  });
  const notebook = await openNotebook(at("journal.jsonl"), {
    ...domainOf(deployment),
    watcher: account.address,
  });
  const sender = createTransactionSender({
    account,
    client: context.publicClient,
    logger,
    errorAbi: BUBBLED_ERRORS,
    journal: notebook.transactions,
    stuckAfter: FEES_AFTER_MS,
    signal,
  });
  const { maxBond, choice } = options;
  const { salt } = notebook.memory;
  const chain = createChain({
    context,
    sender,
    maxBond: maxBond === undefined ? undefined : parseUnits(maxBond, deployment.token.decimals),
  });
  return {
    deployment,
    context,
    keep: {
      chain,
      notebook,
      store,
      limits: {
        memoryBytes: options.memoryBytes ?? Math.floor(totalmem() / 2 / capacity),
        maxDataBytes: options.maxDataBytes,
        engine,
      },
      logger,
      slots: createSlots(capacity),
      runsDir: at("runs"),
      checkpointBytes: options.checkpointBytes,
      auditing:
        choice &&
        createAuditing({
          context,
          deployment,
          auditor: options.auditor ?? account.address,
          sender: account.address,
          secret: salt,
          send: chain.once,
        }),
      chosen: (terms) => choice === undefined || leftOut(choice, salt, terms) === undefined,
      early: options.early,
      pollMs,
      signal,
    },
    cachesContent: options.content === undefined || isUrl(options.content),
    close: async () => {
      await notebook.close();
      await unlock();
    },
  };
};
