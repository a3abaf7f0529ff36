/** The provider's agent: offers this machine, answers proposals, runs jobs, and remembers everything that binds it. */
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { programParts } from "@assay/engine/ir/root";
import { startEngine } from "@assay/engine/wasm/settings";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { lockFolder } from "@assay/runtime/lock";
import { createTransactionSender } from "@assay/runtime/transactions";
import { retry } from "@assay/runtime/retry";
import { createAssay } from "@assay/sdk";
import { domainOf } from "@assay/sdk/context";
import { createGameFollower } from "@assay/sdk/disputes/follow";
import { paymentOf } from "@assay/sdk/disputes/payment";
import { readGame } from "@assay/sdk/disputes/read";
import { replicasOf } from "@assay/sdk/disputes/replicas";
import { openContentStore } from "@assay/storage/open";
import { pruneBlocks } from "@assay/storage/prune";
import { getAddress, isAddressEqual, parseUnits, type Address, type Hex } from "viem";
import { BUBBLED_ERRORS, createChain } from "../chain/chain.ts";
import { calibrated } from "../hardware/calibrate.ts";
import { defaultMemoryLimit, detectHardware, requireRunnable } from "../hardware/detect.ts";
import { crowding, shareOf } from "../hardware/share.ts";
import { openJournal } from "../journal/journal.ts";
import { openJobs, recollect } from "../journal/memory.ts";
import { openNotebook } from "../journal/notebook.ts";
import { answer } from "../jobs/answer.ts";
import { checkpointFolder, jobFolder } from "../jobs/checkpoints.ts";
import { jobInputs, jobProgram } from "../jobs/kept-inputs.ts";
import { createPrefetch } from "../jobs/prefetch.ts";
import { createPlaces } from "../jobs/places.ts";
import { createStandingOffer } from "../market/offers.ts";
import { listen, tell } from "../market/proposals.ts";
import { createSession } from "../market/session.ts";
import { createProver } from "../prove/prover.ts";
import { openSubmittedRun } from "../prove/run.ts";
import { createStatusFile } from "../status/status.ts";
import type { AgentOptions } from "./options.ts";
import { createAsk } from "./ask.ts";
import { knownDeployment } from "./deployment.ts";
import { createJobRunner } from "./runner.ts";
import { createStatusBoard } from "./board.ts";
import { checkStanding } from "./standing.ts";

export interface StartedAgent {
  readonly provider: Address;
  /** The latest posted; absent where jobs go on although the market never took one. */
  readonly offer: Hex | undefined;
  readonly unitsPerSecond: number;
  readonly unitPrice: bigint;
  /**
   * Takes no more jobs and asks for those it has to be handed over: each ends at a checkpoint once its requester stops it, or is
   * finished. Then stops.
   */
  drain(): Promise<void>;
  /** Withdraws the offer and stops at once; a later start goes on from the latest checkpoints. */
  stop(): Promise<void>;
  /** Resolves when the agent has stopped; rejects when it had to (the journal cannot be written). */
  readonly finished: Promise<void>;
}

const START_TRIES = 8;
const CACHE_BYTES = 16 * 2 ** 30;
const RECEIPT_MS = 10_000;

/**
 * Throws GPU_BACKEND_MISSING, AGENT_ALREADY_RUNS, JOURNAL_CORRUPT and JOURNAL_OF_ANOTHER; where no job is open also
 * API_UNREACHABLE, CHAIN_UNREACHABLE, OPERATOR_NOT_ALLOWED, STAKE_MISSING, and what the market says to the offer.
 */
export const createAgent = (options: AgentOptions): { start(): Promise<StartedAgent> } => ({
  start: () => start(options),
});

const start = async (options: AgentOptions): Promise<StartedAgent> => {
  requireRunnable(options.hardware);
  await mkdir(options.stateDir, { recursive: true });
  const unlock = await lockFolder(join(options.stateDir, "agent.lock"), {
    code: "AGENT_ALREADY_RUNS",
    remedy: "Stop it first, or give this agent a folder of its own (ASSAY_PROVIDER_STATE_DIR).",
  });
  try {
    return await startLocked(options, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
};

const startLocked = async (
  options: AgentOptions,
  unlock: () => Promise<void>,
): Promise<StartedAgent> => {
  const { account, logger, stateDir, capacity } = options;
  const provider = getAddress(options.provider ?? account.address);
  const at = (name: string): string => join(stateDir, name);
  const abort = new AbortController();
  const { signal } = abort;

  const client = { rpcUrl: options.rpcUrl, apiUrl: options.apiUrl, account };
  const patient = <T>(question: () => Promise<T>): Promise<T> =>
    retry(question, {
      attempts: START_TRIES,
      isRetryable: (error) => isAssayError(error) && error.retryable,
    });
  const bound = await hasOpenJobs(at("journal.jsonl"));
  const unknown = createAssay(client).context;
  const deployment = await knownDeployment({
    path: at("deployment.json"),
    bound,
    ask: () => unknown.deployment(),
    insist: () => patient(() => unknown.deployment()),
  });
  const { context } = createAssay({ ...client, deployment });
  const domain = domainOf(deployment);
  const tokens = (text: string): bigint => parseUnits(text, deployment.token.decimals);

  await checkStanding({ context, key: account.address, provider, bound, patient, logger });
  const notebook = await openNotebook(at("journal.jsonl"), { ...domain, provider });
  try {
    const sender = createTransactionSender({
      account,
      client: context.publicClient,
      logger,
      errorAbi: BUBBLED_ERRORS,
      journal: notebook.transactions,
      signal,
    });
    const chain = createChain({ context, deployment, account, provider, sender });
    const store = await openContentStore({
      folder: at("blocks"),
      gatewayUrl: options.gatewayUrl ?? options.apiUrl,
    });
    const ownStore = await openContentStore({ folder: at("blocks") });
    const proposalsDir = at("proposals");
    // What a killed process left there belongs to no job.
    await rm(proposalsDir, { recursive: true, force: true });
    await mkdir(proposalsDir);
    const hardware = await detectHardware(stateDir);
    const { engine, missing } = startEngine(options.engine, capacity);
    if (missing !== undefined)
      logger.warn({ missing, ...engine }, "no wide lanes here: jobs run on narrow ones");
    const fullSpeed = await calibrated(at("calibration.json"), engine);
    const cores = { cores: availableParallelism(), threads: engine.threads };
    const unitsPerSecond = Math.floor(fullSpeed * options.dutyCycle * shareOf(cores, capacity));
    logger.info({ ...engine, unitsPerSecond }, "speed of one job, every place taken");
    if (shareOf(cores, capacity) < 1)
      logger.warn({ ...cores, capacity }, "more threads than cores: jobs slow each other down");
    const limits = {
      engine,
      memoryBytes: options.memoryBytes ?? defaultMemoryLimit(capacity),
      maxDataBytes: options.maxDataBytes,
    };
    const session = createSession(context, provider);
    const board = createStatusBoard({
      provider,
      name: options.about.name ?? null,
      capacity,
      unitsPerSecond,
      memory: () => notebook.memory,
    });
    const statusFile = createStatusFile(at("status.json"), board.snapshot);
    board.onChange(statusFile.changed);
    const places = createPlaces(capacity, board.changed);
    const ask = createAsk({
      context,
      chain,
      places,
      price: options.price,
      priceFloor: options.priceFloor,
      decimals: deployment.token.decimals,
      maxCollateral:
        options.maxCollateral === undefined ? undefined : tokens(options.maxCollateral),
      onStake: board.stake,
    });
    const maxStatedLoss = tokens(options.maxStatedLoss);
    const offer = createStandingOffer({
      context,
      session,
      notebook,
      logger,
      provider,
      description: {
        ...options.about,
        hardware,
        executors: ["tensor"],
        confidential: false,
      },
      capacity,
      unitsPerSecond,
      maxStatedLoss,
      terms: ask.refresh,
      onOffer: board.offer,
      signal,
    });

    let fail: (error: unknown) => void = () => undefined;
    const fatal = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    fatal.catch(() => undefined);
    const runner = createJobRunner({
      chain,
      notebook,
      store,
      ownStore,
      limits,
      session,
      logger,
      board,
      stateDir,
      unitsPerSecond,
      dutyCycle: options.dutyCycle,
      checkpointBytes: options.checkpointBytes,
      tidy: () => pruneBlocks(at("blocks"), options.cacheBytes ?? CACHE_BYTES),
      pollMs: options.pollMs ?? 1_000,
      receiptMs: options.receiptMs ?? RECEIPT_MS,
      onFatal: fail,
      signal,
    });

    const prover = createProver({
      follower: createGameFollower(context),
      readGame: (id) => readGame(context, id),
      chain,
      sender,
      notebook,
      openRun: ({ jobId, request }, of) => {
        const folder = jobFolder(stateDir, jobId);
        return openSubmittedRun(
          {
            jobId,
            request,
            folder,
            checkpoints: checkpointFolder(folder, options.checkpointBytes),
            inputs: () => jobInputs(folder, { store, request, limits, chain }, signal),
            engine,
            logger,
            signal,
          },
          of,
        );
      },
      replicasOf: (terms) => replicasOf(context, terms),
      bonds: {
        provider,
        isOwnKey: isAddressEqual(provider, account.address),
        most: options.maxBond === undefined ? undefined : tokens(options.maxBond),
        paymentOf: (disputes, amount) =>
          paymentOf(context, { account: provider, disputes, amount }),
      },
      programOf: async ({ jobId, request }) => {
        const folder = jobFolder(stateDir, jobId);
        const { program } = await jobProgram(folder, { store, request }, signal);
        const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
        return {
          header: toHex(header),
          lists: { init: initRoot, step: stepRoot, eval: evalRoot },
        };
      },
      places: capacity,
      pollMs: options.pollMs ?? 1_000,
      logger,
      onChange: board.changed,
      onFatal: fail,
      signal,
    });

    board.onDisputes(prover.disputes);
    const prefetch = createPrefetch({ store, limits, dir: proposalsDir, most: capacity, signal });
    let draining = false;
    const replies = new Set<Promise<void>>();
    const seen = new Set<string>();
    const reply = async (proposal: Parameters<typeof tell>[1] & Parameters<typeof answer>[1]) => {
      const before = [...notebook.memory.jobs.values()].find(
        (job) => job.proposalId === proposal.id,
      );
      const said =
        before === undefined
          ? await answer(
              {
                chain,
                domain,
                account,
                provider,
                notebook,
                store,
                limits,
                prefetch,
                dutyCycle: options.dutyCycle,
                crowding: () => crowding(cores, places.taken, capacity),
                places,
                policy: () => ({ ...ask.current(), maxStatedLoss, unitsPerSecond }),
                draining: () => draining,
                signal,
              },
              proposal,
            )
          : { kind: "accepted" as const, accepted: { ...before, release: () => undefined } };
      if (said.kind === "accepted") {
        const { jobId, release } = said.accepted;
        logger.info({ jobId, proposal: proposal.id }, "accepted");
        if (before === undefined) runner.run(jobId, release);
      } else {
        logger.info({ proposal: proposal.id, ...said.refusal }, "refused");
        board.refused(said.refusal);
      }
      await tell({ context, session, logger, signal }, proposal, said);
    };

    for (const job of openJobs(notebook.memory))
      runner.run(job.jobId, job.submitted ? () => undefined : places.take());
    // Jobs that run go on whatever the market says; it is asked again until it takes the offer.
    const digest = bound ? await offer.tryPost() : await patient(() => offer.post());
    const listening = listen({
      context,
      session,
      logger,
      signal,
      onConnection: board.connection,
      onProposal: (proposal) => {
        if (seen.has(proposal.id)) return;
        seen.add(proposal.id);
        const replying = reply(proposal)
          .catch((error: unknown) => {
            if (isAssayError(error, "JOURNAL_UNWRITABLE")) fail(error);
            else if (!signal.aborted)
              logger.error({ proposal: proposal.id, err: error }, "cannot answer");
          })
          .finally(() => {
            seen.delete(proposal.id);
            replies.delete(replying);
          });
        replies.add(replying);
      },
    });
    const renewing = offer.keep(digest !== undefined);
    const asking = board.keepAsking(context, signal);
    const proving = prover.play();
    board.state("running");
    await statusFile.flush();

    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= (async () => {
        board.state("draining");
        await offer.withdraw();
        abort.abort(new AssayError("AGENT_STOPPED", "the agent was stopped"));
        await Promise.allSettled([listening, renewing, asking, proving, runner.idle()]);
        board.state("stopped");
        await statusFile.flush();
        await notebook.close();
        await unlock();
      })();
      return stopping;
    };
    const stopped = Promise.withResolvers<void>();
    stopped.promise.catch(() => undefined);
    fatal.catch(async (error: unknown) => {
      logger.fatal({ err: error }, "the agent cannot go on");
      await stop().catch(() => undefined);
      stopped.reject(error);
    });
    const end = async (): Promise<void> => {
      await stop();
      stopped.resolve();
    };
    return {
      provider,
      offer: digest ?? notebook.memory.offer?.digest,
      unitsPerSecond,
      unitPrice: ask.current().unitPrice,
      stop: end,
      drain: async () => {
        draining = true;
        board.state("draining");
        await offer.withdraw();
        // One that was signed just before is a job of the runner's by then.
        await Promise.all(replies);
        runner.leave();
        await runner.idle();
        await end();
      },
      finished: stopped.promise,
    };
  } catch (error) {
    abort.abort(error);
    await notebook.close();
    throw error;
  }
};

const hasOpenJobs = async (path: string): Promise<boolean> => {
  const journal = await openJournal(path);
  await journal.close();
  return openJobs(recollect(journal.history).memory).length > 0;
};
