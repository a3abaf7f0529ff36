/**
 * Takes one job from the signature to the money. Every round asks the chain where the job stands, decides, and does one
 * thing; killed at any point, the next process does the same from the journal.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Job, Submission } from "@assay/protocol/domain/messages";
import { checkpointCount } from "@assay/protocol/domain/money";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { ProgressReport } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import type { JobView } from "@assay/sdk/actions/job-views";
import type { Chain } from "../chain/chain.ts";
import type { JobMemory } from "../journal/memory.ts";
import type { Notebook } from "../journal/notebook.ts";
import { decide, mustCommit, type Step } from "./decide.ts";
import { createPatience } from "./patience.ts";
import type { Trained } from "./training.ts";

/** What a job is doing, for status and reports. */
export type JobPhase =
  | "awaiting agreement"
  | ProgressReport["phase"]
  | "submitting"
  | "awaiting the other replicas"
  | "awaiting settlement"
  | "settling"
  | "failed";

export interface DriveParts {
  readonly jobId: JobMemory["jobId"];
  readonly notebook: Notebook;
  readonly chain: Chain;
  readonly logger: Logger;
  /** Milliseconds between two looks at the chain. */
  readonly pollMs: number;
  /** Trains to the end; called again after a failure that may pass. `onKept` at every checkpoint that is safe. */
  readonly train: (signal: AbortSignal, onKept: () => void) => Promise<Trained>;
  /** Stores the model; repeated alone, training is not. */
  readonly upload: (trained: Trained, signal: AbortSignal) => Promise<Submission>;
  /** Lets others fetch a result that only this machine has so far. */
  readonly publish: (submission: Submission, signal: AbortSignal) => Promise<void>;
  /** The latest checkpoint as a receipt, if there is one. */
  readonly prefix: (signal: AbortSignal) => Promise<Submission | undefined>;
  /** Called with every new phase; `job` is the record on chain. */
  readonly onPhase: (phase: JobPhase, job: Job | undefined) => void;
  /** A full result stands on chain. */
  readonly onSubmitted: () => void;
  /** The place the job took is free again. */
  readonly release: () => void;
  /** Removes what was kept for the job. */
  readonly cleanUp: () => Promise<void>;
  /** Waits out a failure; by the clock unless told. */
  readonly rest?: ((milliseconds: number, signal: AbortSignal) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

/** Longest pause while a challenge window runs. */
const LONGEST_WAIT_MS = 15_000;
const RETRY_MS = 5_000;

/** Contract answers that only mean that somebody else, or an earlier transaction, was first. */
const OVERTAKEN = new Set([
  "MARKET_WRONG_STATE",
  "MARKET_WRONG_RECORD",
  "MARKET_TOO_EARLY",
  "MARKET_TOO_LATE",
  "MARKET_DISPUTE_LIVE",
  "MARKET_BAD_CHECKPOINT",
]);

/** Resolves when nothing more will happen with the job. Rejects only when the journal cannot be written or `signal` is aborted. */
export const driveJob = async (parts: DriveParts): Promise<void> => {
  const { jobId, notebook, chain, logger, signal } = parts;
  const { rest = (milliseconds, stop) => sleep(milliseconds, undefined, { signal: stop }) } = parts;
  const patience = createPatience();
  let trained: Trained | undefined;
  let failure: AssayError | undefined;
  let nothingToPresent = false;
  let revealOver = false;
  const memory = (): JobMemory => notebook.memory.jobs.get(jobId) as JobMemory;

  /** Milliseconds until the next try; undefined where there is none. */
  const onTrainingFailure = (error: unknown): number | undefined => {
    const coded = asAssayError(error);
    const wait = patience.failed(coded);
    logger.warn({ jobId, code: coded.code, err: coded, wait }, "training failed");
    if (wait !== undefined) return wait;
    failure = coded;
    parts.release();
    return undefined;
  };

  const uploaded = async (stop: AbortSignal): Promise<Submission | undefined> => {
    if (trained === undefined) return undefined;
    const submission = await parts.upload(trained, stop);
    await notebook.note({ kind: "trained", jobId, submission });
    return submission;
  };

  const trainUntilStopped = async (view: JobView): Promise<void> => {
    const abort = new AbortController();
    const watching = watchForEnd(parts, view, abort);
    const either = AbortSignal.any([signal, abort.signal]);
    const onKept = (): void => {
      patience.progressed();
      // Over at this checkpoint: what comes after it would not be paid.
      if (watching.ending()) abort.abort(new AssayError("JOB_STOPPED", "the job ends here"));
    };
    try {
      if (trained === undefined) {
        trained = await parts.train(either, onKept);
        patience.progressed();
      }
      await uploaded(either);
    } catch (error) {
      signal.throwIfAborted();
      if (isAssayError(error, "JOURNAL_UNWRITABLE")) throw error;
      const wait = abort.signal.aborted ? undefined : onTrainingFailure(error);
      // The chain is watched meanwhile: a wait must not last into the grace time.
      if (wait !== undefined) await rest(wait, either).catch(() => signal.throwIfAborted());
    } finally {
      abort.abort();
      await watching.over;
    }
  };

  const present = async (job: Job): Promise<void> => {
    const full = memory().submission ?? (await uploaded(signal));
    const receipt =
      full?.checkpoint === checkpointCount(job.terms) ? full : await parts.prefix(signal);
    if (receipt === undefined || receipt.checkpoint <= job.progress.checkpoint) {
      nothingToPresent = true;
      return;
    }
    await notebook.note({ kind: "trained", jobId, submission: receipt });
    const transaction = await chain.present(job, receipt).catch(async (error: unknown) => {
      // An earlier receipt was put in front of it, say: once this one is shown, none can be.
      if (isAssayError(error, "MARKET_WRONG_RECORD")) await chain.showReceipt(job, receipt);
      throw error;
    });
    await notebook.note({ kind: "submitted", jobId, transaction });
    parts.release();
  };

  const commit = async (job: Job, submission: Submission): Promise<void> => {
    let { salt } = memory();
    if (salt === undefined) {
      salt = `0x${randomBytes(32).toString("hex")}`;
      await notebook.note({ kind: "salted", jobId, salt });
    }
    const transaction = await chain.commit(job, submission, salt);
    await notebook.note({ kind: "submitted", jobId, transaction });
    parts.release();
    logger.info({ jobId, transaction }, "committed");
  };

  /** Shows the result as soon as the contract takes it. @throws `MARKET_TOO_EARLY` until then */
  const reveal = async (job: Job, submission: Submission): Promise<void> => {
    const { salt } = memory();
    if (salt === undefined) throw new AssayError("SALT_LOST", "the journal has no salt");
    await chain.draw(job);
    try {
      await chain.requireRevealable(job, submission, salt);
    } catch (error) {
      revealOver = isAssayError(error, "MARKET_TOO_LATE");
      throw error;
    }
    await parts.publish(submission, signal);
    const transaction = await chain.reveal(job, submission, salt);
    parts.onSubmitted();
    logger.info({ jobId, transaction }, "revealed");
  };

  const act = async (step: Step, view: JobView): Promise<"again" | "done"> => {
    const job = view.found?.job;
    switch (step.do) {
      case "wait":
        parts.onPhase(failure ? "failed" : waitingPhase(view), job);
        await pause(step.until, await chain.now(), parts, view);
        return "again";
      case "lapse":
        await end(parts, "lapsed", 0n, undefined);
        return "done";
      case "train":
        if (!memory().agreed) await notebook.note({ kind: "agreed", jobId });
        parts.onPhase(trained === undefined ? "fetching" : "uploading", job);
        await trainUntilStopped(view);
        return "again";
      case "submit": {
        parts.onPhase("submitting", job);
        const transaction = await chain.submit(job as Job, step.submission);
        await notebook.note({ kind: "submitted", jobId, transaction });
        parts.release();
        parts.onSubmitted();
        logger.info({ jobId, transaction }, "submitted");
        return "again";
      }
      case "commit":
        parts.onPhase("submitting", job);
        await commit(job as Job, step.submission);
        return "again";
      case "reveal":
        parts.onPhase("awaiting the other replicas", job);
        await reveal(job as Job, step.submission);
        return "again";
      case "present":
        parts.onPhase("submitting", job);
        await present(job as Job);
        return "again";
      case "settle":
        parts.onPhase("settling", job);
        await chain.settle(job as Job);
        return "again";
      case "expire":
        parts.onPhase("settling", job);
        await chain.expire(job as Job);
        return "again";
      default:
        await end(parts, step.outcome, view.found?.settlement?.paid ?? 0n, failure);
        return "done";
    }
  };

  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        const [view, now] = await Promise.all([chain.job(jobId), chain.now()]);
        const { acceptance, submission } = memory();
        if (view.state === "none" && now > acceptance.expiry) parts.release();
        const step = decide({
          state: view.state,
          job: view.found?.job,
          now,
          acceptanceExpiry: acceptance.expiry,
          submission,
          failed: failure !== undefined,
          nothingToPresent,
          revealOver,
          receiptGrace: await graceOf(chain, view.found?.job),
          disputed: await isDisputed(chain, view, now),
        });
        logger.debug({ jobId, state: view.state, step: step.do }, "job");
        if ((await act(step, view)) === "done") return;
      } catch (error) {
        signal.throwIfAborted();
        if (isAssayError(error, "JOURNAL_UNWRITABLE")) throw error;
        const coded = asAssayError(error);
        if (OVERTAKEN.has(coded.code)) logger.debug({ jobId, code: coded.code }, "overtaken");
        else logger.warn({ jobId, code: coded.code, err: coded }, "trying again");
        await sleep(OVERTAKEN.has(coded.code) ? parts.pollMs : RETRY_MS, undefined, { signal });
      }
    }
  } finally {
    parts.release();
  }
};

const asAssayError = (error: unknown): AssayError =>
  isAssayError(error)
    ? error
    : new AssayError(
        "PROVIDER_UNEXPECTED",
        error instanceof Error ? error.message : String(error),
        {
          retryable: true,
          cause: error,
        },
      );

const waitingPhase = ({ state }: JobView): JobPhase =>
  state === "none" ? "awaiting agreement" : "awaiting settlement";

const graceOf = async (chain: Chain, job: Job | undefined): Promise<number> => {
  if (job === undefined) return 0;
  return (await chain.parametersAt(job.terms.paramsVersion)).receiptGrace;
};

/** Asked only once nothing else stands between the job and its pay. */
const isDisputed = async (chain: Chain, { state, found }: JobView, now: number) =>
  state === "submitted" &&
  found !== undefined &&
  now > found.job.progress.windowEnd &&
  (await chain.liveGames(found.job)) > 0;

const pause = async (
  until: number | undefined,
  now: number,
  { pollMs, signal }: DriveParts,
  { state }: JobView,
): Promise<void> => {
  const left = until === undefined ? 0 : (until - now) * 1000;
  // Far from the end of a window only a sign-off or a dispute can happen: look less often.
  const wait =
    state === "submitted" ? Math.max(pollMs, Math.min(left / 4, LONGEST_WAIT_MS)) : pollMs;
  await sleep(wait, undefined, { signal });
};

interface Watching {
  /** The job is stopped or late: it ends with the checkpoint it is working on. */
  ending(): boolean;
  /** Settles when nobody watches any more. */
  readonly over: Promise<void>;
}

/** Share of the grace time in which the checkpoint at work may be finished; the rest is for presenting it. */
const FINISH_SHARE = 0.5;

/**
 * While the sandbox trains: ends it when the job is undone or closed at once, and when it is stopped or late at the next
 * checkpoint, as long as that comes well within the grace time.
 */
const watchForEnd = (parts: DriveParts, begun: JobView, abort: AbortController): Watching => {
  const { jobId, chain, pollMs, signal, onPhase, logger } = parts;
  const either = AbortSignal.any([signal, abort.signal]);
  let ending = false;

  const look = async (): Promise<boolean> => {
    const [view, now] = await Promise.all([chain.job(jobId), chain.now()]);
    const job = view.found?.job ?? begun.found?.job;
    if (job === undefined) return true;
    const { deadline } = job.terms;
    const { stoppedAt } = job.progress;
    const live = view.state === "active" || view.state === "submitted";
    if (live && stoppedAt === 0 && now <= deadline) return false;
    const due = stoppedAt === 0 ? deadline : stoppedAt;
    if (live && mustCommit(job.terms)) {
      // Of use in full only, and that through the grace time of a stop.
      if (stoppedAt !== 0 && now <= due + (await graceOf(chain, job))) return false;
    } else if (live) {
      if (now < due + (await graceOf(chain, job)) * FINISH_SHARE) {
        if (!ending) logger.info({ jobId, stoppedAt, deadline }, "ending at the next checkpoint");
        ending = true;
        return false;
      }
    }
    onPhase("submitting", view.found?.job);
    abort.abort(new AssayError("JOB_STOPPED", `the job is ${view.state} at ${now}`));
    return true;
  };

  const watch = async (): Promise<void> => {
    try {
      for (;;) {
        await sleep(pollMs * 2, undefined, { signal: either });
        const over = await look().catch((error: unknown) => {
          logger.debug({ jobId, err: error }, "cannot look at the chain");
          return false;
        });
        if (over) return;
      }
    } catch {
      // Training ended first, or the agent stops.
    }
  };
  return { ending: () => ending, over: watch() };
};

const end = async (
  { jobId, notebook, cleanUp, logger }: DriveParts,
  outcome: "settled" | "lapsed" | "expired" | "slashed" | "void",
  paid: bigint,
  failure: AssayError | undefined,
): Promise<void> => {
  await notebook.note({
    kind: "ended",
    jobId,
    outcome,
    paid,
    ...(failure === undefined ? {} : { code: failure.code, message: failure.message }),
  });
  logger.info({ jobId, outcome, paid }, "job ended");
  await cleanUp().catch((error: unknown) => {
    logger.warn({ jobId, err: error }, "cannot remove the job's files");
  });
};
