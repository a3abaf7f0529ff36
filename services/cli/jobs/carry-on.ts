/** Follows a job to its end across providers: stops one that leaves or is gone, and lets another go on where it was paid for. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "viem";
import { checkpointCount, stepAtCheckpoint } from "@assay/protocol/domain/money";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { JobView } from "@assay/protocol/wire/api";
import { findRun, saveRun, type Run } from "../home/runs.ts";
import type { Session } from "../home/session.ts";
import { formatAmount, shortHex, type Token } from "../terminal/format.ts";
import { untilInterrupted } from "../terminal/interrupt.ts";
import { followJob, type Sight, type Watch } from "./follow.ts";

export interface CarryOn {
  readonly session: Session;
  readonly token: Token;
  /** Seconds without a sign of life after which a provider that is offline is stopped. */
  readonly giveUp: number;
}

/** What a job took out of the escrow for good, token base units. */
export const costOf = (job: JobView): bigint =>
  job.refunded === null
    ? 0n
    : job.price + job.protocolFee + job.matcherFee + job.auditLine - job.refunded;

export const isComplete = (job: JobView): boolean =>
  job.state === "settled" && job.checkpoint === checkpointCount(job);

/** All jobs that a run has had, oldest first. */
const jobsOf = async ({ reader }: Session, run: Run): Promise<JobView[]> => {
  const statuses = await Promise.all(run.requests.map((digest) => reader.requestStatus(digest)));
  return Promise.all(statuses.flatMap(({ jobIds }) => jobIds).map((id) => reader.job(id)));
};

/** What is left of a run's cap, token base units. */
export const leftOf = async (session: Session, run: Run): Promise<bigint> => {
  const spent = (await jobsOf(session, run)).reduce((sum, job) => sum + costOf(job), 0n);
  return run.maxSpend - spent;
};

/** Says what was paid for which checkpoints, where it resumes, and what is left of the cap. */
const tellHandover = (
  { session: { output }, token }: CarryOn,
  job: JobView,
  left: bigint,
): void => {
  const who = job.providerName ?? shortHex(job.provider);
  const count = checkpointCount(job);
  if (job.state === "settled")
    output.line(
      `${who} was paid ${formatAmount(job.paid ?? 0n, token)} for checkpoints 1 to ${job.checkpoint} of ${count}; the rest goes on at step ${stepAtCheckpoint(job, job.checkpoint)}`,
    );
  else output.line(`${who} was paid nothing; the job starts again at step ${job.startStep}`);
  output.line(`${formatAmount(left, token)} of the cap are left`);
};

const capUsedUp = (job: JobView, left: bigint, token: Token): AssayError =>
  new AssayError("CAP_USED_UP", `${formatAmount(left, token)} of the cap are left for the rest`, {
    remedy: `allow more: assay run --continue ${job.id} --max-spend AMOUNT`,
    details: { job: job.id, left },
  });

const endedEarly = (job: JobView, token: Token, why: string): AssayError =>
  new AssayError(
    job.stoppedAt === null ? "JOB_FAILED" : "JOB_ENDED_EARLY",
    `the job ended ${job.state} at checkpoint ${job.checkpoint} of ${checkpointCount(job)}: ${formatAmount(costOf(job), token)} spent, ${formatAmount(job.refunded ?? 0n, token)} back. ${why}`,
    {
      remedy: `go on from there: assay run --continue ${job.id}`,
      details: { job: job.id, checkpoint: job.checkpoint, paid: job.paid, refunded: job.refunded },
    },
  );

/** Whether the market itself looks for another provider under the same request: a lost job gave its place back. */
const isMatchedAgain = async ({ reader }: Session, job: JobView): Promise<boolean> => {
  if (job.state !== "expired" && job.state !== "slashed") return false;
  const { request } = await reader.signedRequest(job.requestDigest);
  const { state } = await reader.requestStatus(job.requestDigest);
  return state !== "cancelled" && state !== "expired" && request.expiry > Date.now() / 1_000;
};

/** Posts the rest of a job under what is left of the cap and notes it in the run. @throws `CAP_USED_UP` */
export const postRest = async (
  on: CarryOn,
  run: Run,
  job: JobView,
  { sameProvider = false }: { readonly sameProvider?: boolean } = {},
): Promise<Hex> => {
  const { session, token } = on;
  const left = await leftOf(session, run);
  tellHandover(on, job, left);
  if (left <= 0n) throw capUsedUp(job, left, token);
  const posted = await session.assay.continueJob(job.id, {
    maximum: left / BigInt(job.replicas),
    patience: run.patience,
    sameProvider,
  });
  session.output.good(`request for the rest signed and posted: ${shortHex(posted.digest)}`);
  const { stopped } = findRun(session.home, job.requestDigest) ?? run;
  const requests = [...new Set([...run.requests, posted.digest])];
  saveRun(session.home, { ...run, requests, stopped });
  return posted.digest;
};

/** Milliseconds between two looks at what nobody reports. */
const LOOK_MS = 1_000;
/** Seconds that provider and market have to end a job before this command does. */
const COURTESY = 12;

/**
 * While a job is followed: stops it when its provider leaves or is gone, and ends it when nobody else does. Only for runs of this
 * home; ends with `signal`.
 */
const guard = async (
  { session, giveUp }: CarryOn,
  sight: Sight,
  signal: AbortSignal,
): Promise<void> => {
  const { output, assay, reader } = session;
  const stopped = new Set<Hex>();
  const stop = async (job: JobView, why: string): Promise<void> => {
    if (stopped.has(job.id)) return;
    stopped.add(job.id);
    output.line(why);
    await assay.stop(job.id);
  };
  const look = async (job: JobView): Promise<void> => {
    if (job.replicas > 1 || job.auditLine > 0n) return;
    const who = job.providerName ?? shortHex(job.provider);
    const isOver = job.stoppedAt !== null || Date.now() / 1_000 > job.deadline;
    if (job.state === "active" && !isOver) {
      if (sight.leaving)
        await stop(job, `${who} leaves: handing the job over at its next checkpoint`);
      else if (Date.now() - sight.aliveAt > giveUp * 1_000) {
        if ((await reader.provider(job.provider)).online) sight.aliveAt = Date.now();
        else await stop(job, `no sign of ${who} for ${giveUp} s: handing the job over`);
      }
    } else if (job.state === "active" || job.state === "submitted")
      await assay.finishJob(job.id, { courtesy: COURTESY });
  };
  while (!signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    if (sight.job !== undefined)
      await look(sight.job).catch((error: unknown) => {
        // Somebody else was first, or it is not time yet; the next look tells.
        stopped.clear();
        if (!isAssayError(error)) throw error;
      });
  }
};

/** Follows one request or job to its end, guarding it where it belongs to a run that may go on. */
const followGuarded = async (
  on: CarryOn,
  watch: Watch,
  guarded: boolean,
  over: ReadonlySet<Hex>,
  signal: AbortSignal,
): Promise<JobView> => {
  const { session, token } = on;
  const sight: Sight = { job: undefined, leaving: false, aliveAt: Date.now() };
  const ended = new AbortController();
  const guarding = guarded
    ? guard(on, sight, AbortSignal.any([signal, ended.signal]))
    : Promise.resolve();
  try {
    return await Promise.race([
      followJob(session, watch, { signal, token, over, sight }),
      // Guarding ends only with the following, or with what nobody foresaw.
      guarding.then(() => new Promise<never>(() => undefined)),
    ]);
  } finally {
    ended.abort();
  }
};

/**
 * Follows until the work is done in full, or cannot go on. Runs of this home go on with another provider, within their cap.
 * @throws `REQUEST_ENDED`, `CAP_USED_UP`, `JOB_FAILED`, `JOB_ENDED_EARLY`
 */
const carryOn = async (
  on: CarryOn,
  first: { readonly watch: Watch; readonly request: Hex | undefined },
  signal: AbortSignal,
): Promise<JobView> => {
  const { session, token } = on;
  const { output, reader } = session;
  const over = new Set<Hex>();
  let { watch, request } = first;
  for (;;) {
    const guarded = request !== undefined && findRun(session.home, request)?.stopped === false;
    const job = await followGuarded(on, watch, guarded, over, signal);
    if (isComplete(job)) return job;
    over.add(job.id);
    request = job.requestDigest;
    const run = findRun(session.home, request);
    if (job.state === "void") throw endedEarly(job, token, "Its own program broke the limits.");
    if (run === undefined) throw endedEarly(job, token, "");
    if (run.stopped) throw endedEarly(job, token, "It was stopped.");
    const later = run.requests[run.requests.indexOf(request) + 1];
    if (later !== undefined) request = later;
    else if (await isMatchedAgain(session, job)) {
      tellHandover(on, job, await leftOf(session, run));
      output.line("the market looks for another provider under the same request");
    } else request = await postRest(on, run, job);
    const digest = request;
    watch = (options) => reader.watchRequest(digest, options);
  }
};

/**
 * Follows until the end, or until Ctrl-C: then says how to go on watching, sets the exit code and returns undefined. `watched` is
 * what `assay jobs watch` takes.
 */
export const carryOnUntilInterrupted = (
  on: CarryOn,
  first: { readonly watch: Watch; readonly request: Hex | undefined; readonly watched: string },
): Promise<JobView | undefined> =>
  untilInterrupted(
    (signal) => carryOn(on, first, signal),
    () => {
      on.session.output.line("left; the job goes on without this command");
      on.session.output.next(`assay jobs watch ${first.watched}`);
      on.session.output.result({ detached: true, watch: first.watched });
    },
  );
