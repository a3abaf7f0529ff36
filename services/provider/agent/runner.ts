/** Runs the jobs that were signed for, each in a drive of its own. */
import type { Submission } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import type { ProgressReport } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import { cidOfDigest } from "@assay/storage/cid";
import type { ContentStore } from "@assay/storage/content";
import type { Hex } from "viem";
import type { Chain } from "../chain/chain.ts";
import { checkpointFolder, jobFolder } from "../jobs/checkpoints.ts";
import { mustCommit } from "../jobs/decide.ts";
import { driveJob } from "../jobs/drive.ts";
import type { InputLimits } from "../jobs/inputs.ts";
import { jobInputs } from "../jobs/kept-inputs.ts";
import { createReceipts } from "../jobs/receipts.ts";
import { signedReceipts, type SignedReceipts } from "../jobs/signed.ts";
import { prefixOf, train, upload } from "../jobs/training.ts";
import type { JobMemory } from "../journal/memory.ts";
import type { Notebook } from "../journal/notebook.ts";
import type { MarketSession } from "../market/session.ts";
import type { StatusBoard } from "./board.ts";

export interface RunnerParts {
  readonly chain: Chain;
  readonly notebook: Notebook;
  readonly store: ContentStore;
  /** The part of it that is on this machine alone. */
  readonly ownStore: ContentStore;
  readonly limits: InputLimits;
  readonly session: MarketSession;
  readonly logger: Logger;
  readonly board: StatusBoard;
  readonly stateDir: string;
  readonly unitsPerSecond: number;
  readonly dutyCycle: number;
  readonly checkpointBytes: number;
  /** Makes room on disk; called when a job has ended. */
  readonly tidy: () => Promise<unknown>;
  readonly pollMs: number;
  /** Least milliseconds between two receipts of a job. */
  readonly receiptMs: number;
  /** The journal cannot be written: nothing more may be signed. */
  readonly onFatal: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface JobRunner {
  /** Drives a job of the journal to its end; `release` frees its place. */
  run(jobId: Hex, release: () => void): void;
  /** Tells the market that the jobs are to be handed over; they go on until their requesters stop them. */
  leave(): void;
  /** Resolves when no job is left. */
  idle(): Promise<void>;
}

/** Milliseconds between two progress reports to the market. */
const REPORT_MS = 1_000;

export const createJobRunner = (parts: RunnerParts): JobRunner => {
  const { notebook, board, logger, signal } = parts;
  const running = new Map<Hex, Promise<void>>();
  const reporters = new Set<ReturnType<typeof reporter>>();
  let leaving = false;

  const drive = async (jobId: Hex, release: () => void): Promise<void> => {
    const { request } = notebook.memory.jobs.get(jobId) as JobMemory;
    const folder = jobFolder(parts.stateDir, jobId);
    const checkpoints = checkpointFolder(folder, parts.checkpointBytes);
    const signed = signedReceipts(folder);
    const report = reporter(parts, jobId, () => leaving);
    reporters.add(report);
    const receipts = createReceipts({
      jobId,
      request,
      store: parts.store,
      sign: async (receipt) => {
        await signed.admit(receipt);
        return parts.chain.signReceipt(receipt);
      },
      send: async (receipt) => {
        const answer = await parts.session.call(`/v1/jobs/${jobId}/receipts`, { body: receipt });
        await answer.body?.cancel();
      },
      every: parts.receiptMs,
      logger,
      signal,
    });
    const work = {
      ...parts,
      jobId,
      request,
      checkpoints,
      receipts,
      inputs: (stop: AbortSignal) => jobInputs(folder, { ...parts, request }, stop),
      report: report.progress,
    };
    try {
      await driveJob({
        ...parts,
        jobId,
        train: (stop, onKept) => train({ ...work, onKept, signal: stop }),
        // What others must not see before it is revealed stays here until then.
        upload: (trained, stop) =>
          upload(trained, {
            store: mustCommit(request) ? parts.ownStore : parts.store,
            signal: stop,
          }),
        publish: async ({ modelCid }, stop) => {
          const file = parts.ownStore.getFile(cidOfDigest(modelCid), { signal: stop });
          await parts.store.putFile(file, { signal: stop });
        },
        prefix: async (stop) => {
          const receipt = await prefixOf({ ...work, signal: stop });
          return receipt && (await admitted(signed, receipt, logger));
        },
        onPhase: (phase, job) => {
          board.phase(jobId, phase, job);
          if (phase === "submitting") report.hold();
        },
        onSubmitted: report.submitted,
        release,
        cleanUp: async () => {
          // A receipt that is on its way must not bring the folder back.
          await signed.close();
          await checkpoints.remove();
          await parts.tidy();
        },
      });
      board.ended(jobId);
    } catch (error) {
      if (signal.aborted) return;
      logger.error({ jobId, err: error }, "a job cannot go on");
      parts.onFatal(error);
    } finally {
      await signed.close();
      reporters.delete(report);
    }
  };

  return {
    run: (jobId, release) => {
      if (running.has(jobId)) return;
      running.set(
        jobId,
        drive(jobId, release).finally(() => running.delete(jobId)),
      );
    },
    leave: () => {
      leaving = true;
      for (const report of reporters) report.again();
    },
    idle: async () => {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
};

/** The receipt, unless another result was signed for its checkpoint: that one is with the market, and may be presented by it. */
const admitted = async (
  signed: SignedReceipts,
  receipt: Submission,
  logger: Logger,
): Promise<Submission | undefined> => {
  try {
    await signed.admit(receipt);
    return receipt;
  } catch (error) {
    if (!isAssayError(error, "RECEIPT_CONTRADICTS")) throw error;
    logger.error({ jobId: receipt.jobId, code: error.code, err: error }, "nothing is presented");
    return undefined;
  }
};

/** Passes reports on: all to the status, to the market at most one a second, and always the latest. Nobody checks them. */
const reporter = (
  { session, board, logger, signal }: RunnerParts,
  jobId: Hex,
  leaving: () => boolean,
) => {
  let latest: ProgressReport | undefined;
  let timer: NodeJS.Timeout | undefined;
  let sentAt = 0;
  const send = (): void => {
    timer = undefined;
    if (latest === undefined || signal.aborted) return;
    sentAt = Date.now();
    const body = leaving() ? { ...latest, leaving: true } : latest;
    session
      .call(`/v1/jobs/${jobId}/progress`, { body, signal })
      .then((response) => response.body?.cancel())
      .catch((error: unknown) => logger.debug({ jobId, err: error }, "report not taken"));
    latest = undefined;
  };
  let last: ProgressReport | undefined;
  return {
    progress: (report: ProgressReport): void => {
      board.report(jobId, report);
      last = report;
      latest = report;
      timer ??= setTimeout(send, Math.max(0, sentAt + REPORT_MS - Date.now())).unref();
    },
    /** Says the last thing once more. */
    again: (): void => {
      if (last === undefined) return;
      latest = last;
      clearTimeout(timer);
      send();
    },
    /** Training is over: what was not sent yet would come too late. */
    hold: (): void => {
      latest = undefined;
    },
    submitted: (): void => {
      if (last === undefined) return;
      latest = { ...last, phase: "submitted", secondsLeft: 0 };
      clearTimeout(timer);
      send();
    },
  };
};
