/**
 * Looks after one job: runs it again, compares, and where the submission is wrong challenges it and plays to the end. Every round asks
 * the chain where things stand, decides, and does one thing; killed at any point, the next process does the same.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bytesInFiles } from "@assay/engine/columns/column";
import { wrongTarget } from "@assay/engine/trace/game/point";
import { programParts } from "@assay/engine/ir/root";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import type { Terms } from "@assay/protocol/domain/messages";
import { checkpointCount } from "@assay/protocol/domain/money";
import type { JobState } from "@assay/protocol/domain/states";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import type { JobView } from "@assay/sdk/actions/job-views";
import { phaseOf, type Game } from "@assay/sdk/disputes/game";
import { describePlace } from "@assay/sdk/disputes/place";
import type { ContentStore } from "@assay/storage/content";
import type { Hex } from "viem";
import { traceRootOfRun, type Auditing } from "../audit/auditing.ts";
import { decideAudit } from "../audit/decide.ts";
import type { Chain } from "../chain.ts";
import type { Notebook } from "../journal/notebook.ts";
import type { Outcome } from "../journal/events.ts";
import { fetchReplayInputs, type ReplayInputs, type ReplayLimits } from "../replay/inputs.ts";
import type { RunRoots } from "../replay/messages.ts";
import { replayFolder } from "../replay/replay.ts";
import type { Slots } from "../slots.ts";
import { decide, type Facts, type Step } from "./decide.ts";
import { nextLook, nextTry } from "./pace.ts";
import { createPlayer, type Player } from "./player.ts";

export interface KeepParts {
  readonly chain: Chain;
  readonly notebook: Notebook;
  readonly store: ContentStore;
  readonly limits: ReplayLimits;
  readonly logger: Logger;
  /** Runs at a time. */
  readonly slots: Slots;
  /** Folder of all runs. */
  readonly runsDir: string;
  readonly checkpointBytes: number;
  /** Audits, where they are done. */
  readonly auditing: Auditing | undefined;
  /** Whether a job is one of those that are run in any case. */
  readonly chosen: (terms: Terms) => boolean;
  /** Jobs are run when they are agreed. */
  readonly early: boolean;
  /** Milliseconds between two looks at the chain. */
  readonly pollMs: number;
  /** Stops everything. */
  readonly signal: AbortSignal;
}

/** How a job left this watcher's hands; `parked`: until something is submitted. */
export type Kept = Outcome | "parked";

/** So many times a run must fit into what is left of the window, or there is no second one. */
const AGAIN_FACTOR = 4;

/** What others may have done first, or the chain took back: look again. */
const OVERTAKEN = new Set([
  "DISPUTE_WRONG_POSITION",
  "DISPUTE_WRONG_PHASE",
  "DISPUTE_CLOCK_RUNNING",
  "DISPUTE_OUTSIDE_WINDOW",
  "DISPUTE_WRONG_JOB",
  "GAME_MISMATCH",
  "JOB_RECORD_MISMATCH",
]);

const asCoded = (error: unknown): AssayError =>
  isAssayError(error)
    ? error
    : new AssayError("WATCHER_UNEXPECTED", error instanceof Error ? error.message : String(error), {
        cause: error,
        retryable: true,
      });

/** Resolves with how it ended. Rejects only when the journal cannot be written or `signal` is aborted. */
export const keepJob = async (parts: KeepParts, jobId: Hex): Promise<Kept> => {
  const { chain, notebook, logger, signal } = parts;
  const folder = join(parts.runsDir, jobId);
  const runs = replayFolder(folder, parts.checkpointBytes, parts.limits.engine);
  let inputs: ReplayInputs | undefined;
  let player: Player | undefined;
  let told: string | undefined;
  /** Of a run that cannot be had: by checkpoint. */
  const failed = new Map<number, AssayError>();
  const confirmed = new Set<Hex>();
  /** What the latest run took. */
  let seconds = 0;
  /** Until when a drawn auditor can commit. */
  let auditUntil: number | undefined;

  const inputsOf = async (job: ChainJob): Promise<ReplayInputs> => {
    const { store, limits } = parts;
    const find = (terms: Parameters<Chain["startOf"]>[0]) => chain.startOf(terms);
    inputs ??= await fetchReplayInputs(store, job, limits, find, runs.dataDir, signal);
    return inputs;
  };

  const findingOf = async ({ job, prefixRoot }: ChainJob): Promise<Facts["finding"]> => {
    const { checkpoint, traceRoot, stateRoot, modelRoot, evalRoot } = job.progress;
    const before = notebook.memory.verdictOf(jobId, traceRoot);
    if (before === "same" || before === "unknown") return { kind: before };
    if (failed.has(checkpoint)) return { kind: "unknown" };
    const run = await runs.finished(checkpoint);
    if (run === undefined || prefixRoot === undefined) return undefined;
    const target = wrongTarget(
      { n: checkpoint, ...run },
      { n: checkpoint, prefixRoot, stateRoot, modelRoot, evalRoot },
    );
    if (target === undefined) {
      await notebook.note({ kind: "judged", jobId, traceRoot, verdict: "same" });
      return { kind: "same" };
    }
    return {
      kind: "different",
      target,
      confirmed: confirmed.has(traceRoot) || before !== undefined,
    };
  };

  const look = async (): Promise<{ facts: Facts; view: JobView; game: Game | undefined }> => {
    const [view, now] = await Promise.all([chain.job(jobId), chain.now()]);
    const { found, state } = view;
    const standing = state === "submitted" && found !== undefined;
    const mayHaveGame = standing || state === "slashed" || state === "void";
    const game = found && mayHaveGame ? await chain.gameOf(found.job) : undefined;
    const finding = standing ? await findingOf(found) : undefined;
    const all = found && checkpointCount(found.job.terms);
    const failedAll = all !== undefined && failed.has(all);
    const ranAll = all !== undefined && (failedAll || (await runs.finished(all)) !== undefined);
    const audit = found && (await auditTurn(found, state, now));
    const chosen = found === undefined || parts.chosen(found.job.terms);
    const { early } = parts;
    const facts = { now, state, job: found?.job, game, finding, audit, chosen, early, ranAll };
    return { facts, view, game };
  };

  const auditTurn = async (
    { job: { terms, progress } }: ChainJob,
    state: JobState,
    now: number,
  ): Promise<Facts["audit"]> => {
    const { auditing } = parts;
    if (auditing === undefined || state === "active") return undefined;
    // Of a slashed job a challenger without any stake may have to wait for its reward, too.
    const concerned = state === "slashed" ? terms.auditLine > 0n : await auditing.mayAudit(terms);
    if (!concerned) return undefined;
    const view = await auditing.view(terms);
    if (view.drawn && view.until > 0) auditUntil = view.until;
    const checkpoint = checkpointCount(terms);
    const run = await runs.finished(checkpoint);
    const own = run && traceRootOfRun(run);
    return decideAudit({
      now,
      state,
      committedAt: progress.committedAt,
      windowEnd: progress.windowEnd,
      standing: progress.traceRoot,
      auditor: auditing.auditor,
      challenger: auditing.challenger,
      view,
      own,
      ownCommitment: own && auditing.commitment(jobId, own),
      failed: failed.has(checkpoint),
    });
  };

  const audit = async ({ job }: ChainJob, { step }: Step & { do: "audit" }): Promise<void> => {
    const hash = await parts.auditing?.act(step, job);
    if (hash !== undefined) logger.info({ jobId, doing: step.audit, hash }, "audit");
    else await sleep(parts.pollMs, undefined, { signal });
  };

  const run = async (job: ChainJob, checkpoint: number): Promise<void> => {
    const { windowEnd } = job.job.progress;
    // What stands already goes before what may still be submitted.
    const urgency = windowEnd === 0 ? (auditUntil ?? Number.MAX_SAFE_INTEGER) : windowEnd;
    await parts.slots.use(
      urgency,
      async () => {
        const own = await inputsOf(job);
        const begun = performance.now();
        await runs.run(own, checkpoint, signal);
        seconds = (performance.now() - begun) / 1000;
        const figures = {
          seconds: Number(seconds.toFixed(3)),
          // Of the data set, on disk because memory has no room for it.
          fileBytes: bytesInFiles(own.data),
        };
        logger.info({ jobId, checkpoint, ...figures }, "run again");
      },
      signal,
    );
  };

  const confirm = async (job: ChainJob): Promise<void> => {
    const { traceRoot, checkpoint, windowEnd } = job.job.progress;
    const own = (await runs.finished(checkpoint)) as RunRoots;
    logger.warn({ jobId, checkpoint }, "the submission differs; making sure of our own run");
    const disagreement = await parts.slots.use(
      windowEnd,
      async () => {
        const again = windowEnd - (await chain.now()) > AGAIN_FACTOR * seconds;
        return runs.confirm(await inputsOf(job), own, again, signal);
      },
      signal,
    );
    if (disagreement === undefined) {
      confirmed.add(traceRoot);
      await notebook.note({ kind: "judged", jobId, traceRoot, verdict: "different" });
      return;
    }
    throw new AssayError(
      "REPLAY_SELF_MISMATCH",
      `this machine disagrees with itself (${disagreement})`,
      {
        remedy: "Nothing was challenged. Check this machine's memory and processor.",
        details: { jobId, disagreement },
      },
    );
  };

  const challenge = async (job: ChainJob, target: Step & { do: "challenge" }): Promise<void> => {
    const { terms, progress } = job.job;
    const { program } = await inputsOf(job);
    const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
    const { traceRoot } = progress;
    await notebook.note({ kind: "challenging", jobId, traceRoot, disputes: terms.disputes });
    const lists = { init: initRoot, step: stepRoot, eval: evalRoot };
    const { hash, bond } = await chain.challenge(
      job.job,
      job.prefixRoot as Hex,
      { header: toHex(header), lists },
      target.target,
    );
    logger.warn({ jobId, target: target.target, bond, hash }, "challenged");
  };

  const playerOf = async (job: ChainJob): Promise<Player> => {
    if (player !== undefined) return player;
    const { checkpoint } = job.job.progress;
    if ((await runs.finished(checkpoint)) === undefined) await run(job, checkpoint);
    const { roots } = (await runs.finished(checkpoint)) as RunRoots;
    const { programText, data, parent, seed, start } = await inputsOf(job);
    player = createPlayer({
      program: programText,
      data,
      parent,
      seed,
      engine: parts.limits.engine,
      folder,
      startStep: start?.step,
      roots,
    });
    return player;
  };

  const move = async (job: ChainJob, game: Game): Promise<void> => {
    const made = await (await playerOf(job)).move(game);
    if (made === undefined) {
      throw new AssayError(
        "WATCHER_NOTHING_DIFFERS",
        "nothing that the provider shows differs from our own run",
        {
          remedy: "The game is left to its clock. Check this machine: its run seems to be wrong.",
          details: { jobId, gameId: game.gameId },
        },
      );
    }
    const hash = await chain.move(game, made);
    const place = describePlace(game.position);
    logger.info({ jobId, gameId: game.gameId, place, ...made, hash }, "pointed");
  };

  /** What a game is about, once and whenever it is somewhere else. */
  const tell = async (job: ChainJob, game: Game): Promise<void> => {
    const { position, gameId } = game;
    const now = `${gameId} ${phaseOf(position)} ${describePlace(position)}`;
    if (now === told) return;
    told = now;
    logger.info({ jobId, gameId, phase: phaseOf(position) }, describePlace(position));
    if (phaseOf(position) !== "judge") return;
    const { scalar, judge } = await (await playerOf(job)).scalar(game);
    const computed = await chain.judged(game, judge);
    const { bits: disputed, op, element, term, step } = position;
    logger.warn(
      { jobId, gameId, step, op, element, term, scalar, disputed, computed },
      "one scalar decides",
    );
  };

  const act = async (step: Step, job: ChainJob): Promise<void> => {
    switch (step.do) {
      case "run":
        return run(job, step.checkpoint);
      case "confirm":
        return confirm(job);
      case "challenge":
        return challenge(job, step);
      case "audit":
        return audit(job, step);
      case "move":
        return move(job, step.game);
      case "timeout": {
        const hash = await chain.timeout(step.game, job.job);
        logger.warn({ jobId, gameId: step.game.gameId, hash }, "the provider's clock ran out");
        return;
      }
      case "compare":
        await chain.compare(step.game, job.job);
        return;
      case "withdraw":
        await chain.withdrawBond(step.game);
        return;
      default:
    }
  };

  /** What was fetched is not as it was: it is fetched again. */
  const forget = async (): Promise<void> => {
    inputs = undefined;
    await player?.close();
    player = undefined;
  };

  /** A run that failed for good is remembered; what may pass is tried again. Returns whether to wait before. */
  const onFailure = async (
    step: Step,
    job: ChainJob | undefined,
    error: unknown,
  ): Promise<void> => {
    signal.throwIfAborted();
    if (isAssayError(error, "JOURNAL_UNWRITABLE")) throw error;
    const coded = asCoded(error);
    const { code } = coded;
    const known = OVERTAKEN.has(code);
    logger[known ? "debug" : "error"]({ jobId, doing: step.do, code, err: coded }, "did not work");
    if (code === "ENGINE_COLUMN_UNREADABLE") await forget();
    const own = step.do === "run" || step.do === "confirm";
    if (!own || coded.retryable || job === undefined) return;
    const { checkpoint, traceRoot, submittedAt } = job.job.progress;
    failed.set(step.do === "run" ? step.checkpoint : checkpoint, coded);
    if (submittedAt !== 0)
      await notebook.note({ kind: "judged", jobId, traceRoot, verdict: "unknown", code });
  };

  const pause = async (until: number | undefined, now: number, playing: boolean): Promise<void> => {
    const left = until === undefined ? 0 : (until - now) * 1000;
    await sleep(nextLook(left, playing, parts.pollMs), undefined, { signal });
  };

  const close = async (outcome: Outcome): Promise<Outcome> => {
    await player?.close();
    await notebook.note({ kind: "closed", jobId, outcome });
    await runs.remove();
    return outcome;
  };

  // One that is only known from the chain, because the journal was lost or it was asked for by hand, is remembered from here on.
  if (!notebook.memory.jobs.has(jobId)) await notebook.note({ kind: "watched", jobId });
  let failures = 0;
  for (;;) {
    signal.throwIfAborted();
    let step: Step | undefined;
    let job: ChainJob | undefined;
    try {
      const { facts, view, game } = await look();
      job = view.found;
      if (job !== undefined && game !== undefined && game.end === undefined) await tell(job, game);
      step = decide(facts);
      if (step.do === "park") {
        await runs.removeData();
        return "parked";
      }
      if (step.do === "close") return await close(step.outcome);
      if (step.do === "wait")
        await pause(step.until, facts.now, game !== undefined && game.end === undefined);
      else if (job !== undefined) await act(step, job);
      failures = 0;
    } catch (error) {
      await onFailure(step ?? { do: "wait", until: undefined }, job, error);
      await sleep(nextTry(failures++), undefined, { signal });
    }
  }
};
