/**
 * Answers every dispute about this provider's jobs, many at once. It remembers nothing that matters: each round asks the chain
 * where the games stand, and every answer is made again from the job's folder.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { GameMove } from "@assay/protocol/domain/disputes";
import type { Job } from "@assay/protocol/domain/messages";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import type { TransactionSender } from "@assay/runtime/transactions";
import type { GameFollower } from "@assay/sdk/disputes/follow";
import { positionHash, type Game } from "@assay/sdk/disputes/game";
import { compareCall, moveCall, timeoutCall, type DisputeCall } from "@assay/sdk/disputes/moves";
import type { GameId } from "@assay/sdk/disputes/read";
import { deadlineOf, turnOf } from "@assay/sdk/disputes/turn";
import { zeroAddress, type Abi, type Address, type Hex } from "viem";
import type { Chain } from "../chain/chain.ts";
import { openJobs, type JobMemory } from "../journal/memory.ts";
import type { Notebook } from "../journal/notebook.ts";
import type { DisputeStatus } from "../status/status.ts";
import { createBonds, type BondTerms } from "./bonds.ts";
import { decideGame, type GameStep } from "./decide.ts";
import { createDemandAnswers } from "./demands.ts";
import { createRunPool, type Submitted } from "./pool.ts";
import { createRivals, type RivalParts } from "./rivals.ts";
import type { SubmittedRun } from "./run.ts";
import { describeGame, describeMove } from "./words.ts";

export interface ProverParts {
  readonly follower: GameFollower;
  /** A game with its end. */
  readonly readGame: (id: GameId) => Promise<Game>;
  readonly chain: Pick<Chain, "now" | "job" | "parametersAt">;
  readonly sender: Pick<TransactionSender, "send">;
  readonly notebook: Pick<Notebook, "memory">;
  /** Opens the run of a submission. */
  readonly openRun: (job: JobMemory, of: Submitted) => Promise<SubmittedRun>;
  readonly replicasOf: RivalParts["replicasOf"];
  readonly programOf: RivalParts["programOf"];
  /** What a game against a replica that differs may take. */
  readonly bonds: BondTerms;
  /** Runs that are looked into at a time. */
  readonly places: number;
  /** Milliseconds between two looks while a game is live. */
  readonly pollMs: number;
  readonly logger: Logger;
  /** What the status shows has changed. */
  readonly onChange: () => void;
  /** The journal cannot be written: nothing more may be sent. */
  readonly onFatal: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface Prover {
  /** Plays until `signal` is aborted. */
  play(): Promise<void>;
  /** Live games, the most urgent first. */
  readonly disputes: () => DisputeStatus[];
}

/** A call of the game, or one that lets it take a bond. */
interface AnyCall {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args: readonly unknown[];
}

/** What never changes of a job, and the seconds that each side of a dispute about it has at least. */
interface FollowedTerms {
  readonly disputes: Hex;
  readonly clock: number;
}

/** Our side of a game. */
interface Seat {
  readonly ours: "provider" | "challenger";
  /** Our job, and the submission that our moves are made from. */
  readonly own: Job;
  readonly of: Submitted;
  /** The job that the game is about: another one where we are the challenger. */
  readonly about: Job;
}

interface LiveGame {
  readonly game: Game;
  readonly seat: Seat;
  step: GameStep;
  problem: AssayError | undefined;
  /** Failures one after the other in the same position. */
  failures: number;
  /** Not before this time by this machine's clock. */
  notBefore: number;
}

/** Longest wait between two looks for new games, and the share of a side's clock that it may take. */
const LONGEST_IDLE_MS = 15_000;
const IDLE_SHARE = 1 / 40;
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

/** The run made again, or the contract, says that what was submitted is not what the program gives here. */
const OWN_FAULT = new Set([
  "ENGINE_GAME_MISMATCH",
  "ENGINE_DESCENT_CHECKPOINT",
  "PROVER_RUN_DIFFERS",
  "DISPUTE_MISMATCH",
  "DISPUTE_WRONG_SCALAR",
  "DISPUTE_NOT_PROVEN",
  "PROVER_NOTHING_DIFFERS",
]);

/** Contract answers that only mean that the game has gone on meanwhile. */
const OVERTAKEN = new Set([
  "DISPUTE_WRONG_POSITION",
  "DISPUTE_WRONG_PHASE",
  "DISPUTE_WRONG_JOB",
  "DISPUTE_CLOCK_OVER",
  "DISPUTE_CLOCK_RUNNING",
]);

const keyOf = ({ disputes, gameId }: Game): string => `${disputes}:${gameId}`;

export const createProver = (parts: ProverParts): Prover => {
  const { follower, chain, logger, signal } = parts;
  const pool = createRunPool({
    open: (of) => parts.openRun(parts.notebook.memory.jobs.get(of.jobId) as JobMemory, of),
    places: parts.places,
    signal,
  });
  const live = new Map<string, LiveGame>();
  const acting = new Set<string>();
  /** Jobs whose run was found to differ twice, the second time from the disk. */
  const differing = new Map<Hex, AssayError>();
  const mined = new Map<string, number>();
  const terms = new Map<Hex, FollowedTerms>();

  const send = async (base: string, call: AnyCall): Promise<bigint> => {
    // Asked for again after it was mined (a reorganisation undid it), the call is a new transaction.
    const before = mined.get(base) ?? 0;
    const key = before === 0 ? base : `${base}:${before}`;
    const { receipt } = await parts.sender.send({ ...call, to: call.address, key });
    mined.set(base, before + 1);
    return receipt.gasUsed;
  };
  const sendIn = (what: string, game: Game, call: DisputeCall): Promise<bigint> =>
    send([what, game.disputes, game.gameId, positionHash(game.position)].join(":"), call);

  const onFatal = (error: unknown): void => {
    if (isAssayError(error, "JOURNAL_UNWRITABLE")) parts.onFatal(error);
  };
  const demands = createDemandAnswers({ pool, send, logger, onFailure: onFatal, signal });
  const bonds = createBonds({ ...parts.bonds, send, logger });
  const replicas = createRivals({ ...parts, bonds, send, onFailure: onFatal });

  // Moves

  const moveOf = ({ game, seat }: LiveGame, deadline: number): Promise<GameMove> =>
    pool.ask(seat.of, deadline, async (witness) => {
      if (seat.ours === "provider") return witness.answer(game.position, game.shown.claims);
      const move = await witness.point(game.position, game.shown);
      if (move !== undefined) return move;
      throw new AssayError("PROVER_NOTHING_DIFFERS", "The other replica shows what ours gives.", {
        remedy: "One of the two machines erred: check memory and disk of this one.",
      });
    });

  const act = async (known: LiveGame): Promise<void> => {
    const { game, seat, step } = known;
    const about = { jobId: seat.of.jobId, gameId: game.gameId };
    if (step.do === "answer") {
      const begun = performance.now();
      const move = await moveOf(known, step.deadline);
      const made = Math.round(performance.now() - begun);
      const gas = await sendIn("move", game, moveCall(game, move));
      logger.info({ ...about, gas, milliseconds: made }, describeMove(move.move, game));
    } else if (step.do === "timeout") {
      const late =
        seat.ours === "provider"
          ? ({ side: "challenger" } as const)
          : ({ side: "provider", job: seat.about } as const);
      await sendIn("timeout", game, timeoutCall(game, late));
      logger.info({ ...about, bond: game.bond }, `ended a game that its ${late.side} left`);
    } else if (step.do === "compare") {
      await sendIn("compare", game, compareCall(game, seat.about));
      logger.info({ ...about, bond: game.bond }, "ended a game by the job's record");
    }
  };

  const onFailure = (known: LiveGame, error: unknown): void => {
    const { game, seat } = known;
    const about = { jobId: seat.of.jobId, gameId: game.gameId };
    const coded = isAssayError(error)
      ? error
      : new AssayError(
          "PROVER_UNEXPECTED",
          error instanceof Error ? error.message : String(error),
          { retryable: true, cause: error },
        );
    if (coded.code === "JOURNAL_UNWRITABLE") return parts.onFatal(error);
    if (OVERTAKEN.has(coded.code)) {
      logger.debug({ ...about, code: coded.code }, "the game went on meanwhile");
      return undefined;
    }
    known.failures++;
    known.problem = coded;
    if (OWN_FAULT.has(coded.code) && known.failures > 1) {
      differing.set(seat.of.jobId, coded);
      logger.error(
        { ...about, code: coded.code, err: coded, remedy: coded.remedy },
        "the run made again is not the one submitted: no more moves are paid for in this job's disputes",
      );
      return undefined;
    }
    const wait = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** (known.failures - 1));
    known.notBefore = Date.now() + wait;
    const left = (deadlineOf(game) ?? 0) - game.clocks.movedAt;
    logger.warn({ ...about, code: coded.code, err: coded, wait, left }, "a move failed");
    return undefined;
  };

  const tryStep = async (known: LiveGame): Promise<void> => {
    try {
      await act(known);
      known.problem = undefined;
      known.failures = 0;
    } catch (error) {
      if (!signal.aborted) onFailure(known, error);
    }
  };

  const begin = (known: LiveGame): void => {
    const key = keyOf(known.game);
    if (known.step.do === "wait" || known.step.do === "lost") return;
    if (acting.has(key) || Date.now() < known.notBefore) return;
    acting.add(key);
    void tryStep(known).finally(() => {
      acting.delete(key);
      parts.onChange();
    });
  };

  // Looking

  const meet = (game: Game, seat: Seat, now: number): LiveGame => {
    const key = keyOf(game);
    const { ours } = seat;
    const about = { jobId: seat.of.jobId, gameId: game.gameId };
    const before = live.get(key);
    const step = decideGame({ game, ours, now, runDiffers: differing.has(seat.of.jobId) });
    const moved =
      before === undefined || positionHash(before.game.position) !== positionHash(game.position);
    if (before === undefined) {
      const { challenger, bond } = game;
      const seconds = (deadlineOf(game) ?? now) - now;
      logger.warn({ ...about, challenger, bond, seconds }, `disputed: ${describeGame(game, ours)}`);
    } else if (moved) logger.debug(about, describeGame(game, ours));
    if (step.do === "lost" && (moved || before.step.do !== "lost"))
      logger.error({ ...about, why: step.why }, "this game is lost");
    if (!moved) {
      before.step = step;
      return before;
    }
    const known = { game, seat, step, problem: undefined, failures: 0, notBefore: 0 };
    live.set(key, known);
    return known;
  };

  const partFrom = async ({ game, seat }: LiveGame): Promise<void> => {
    live.delete(keyOf(game));
    const about = { jobId: seat.of.jobId, gameId: game.gameId, bond: game.bond };
    try {
      const { end } = await parts.readGame(game);
      const lost = seat.ours === "provider" ? "provider lost" : "challenger lost";
      if (end === lost) logger.error(about, "lost a dispute, and the job with it");
      else if (end !== undefined && end !== "bond returned") logger.info(about, "won a dispute");
      else logger.info(about, "a dispute ended with its job");
    } catch (error) {
      logger.debug({ ...about, err: error }, "cannot see how a dispute ended");
    }
    parts.onChange();
  };

  const termsOf = async ({ jobId }: JobMemory): Promise<FollowedTerms | undefined> => {
    const known = terms.get(jobId);
    if (known !== undefined) return known;
    const job = (await chain.job(jobId)).found?.job;
    if (job === undefined) return undefined;
    const { disputeClock } = await chain.parametersAt(job.terms.paramsVersion);
    const found = { disputes: job.terms.disputes, clock: disputeClock };
    terms.set(jobId, found);
    return found;
  };

  const look = async (memory: JobMemory, now: number): Promise<LiveGame[]> => {
    const { jobId } = memory;
    const known = await termsOf(memory);
    if (known === undefined || known.disputes === zeroAddress) return [];
    const followed = { jobId, disputes: known.disputes };
    const games = await follower.look(followed);
    const [rivals, demanded] = [await follower.rivals(followed), await follower.demands(followed)];
    const keys = new Set([...games, ...rivals].map(keyOf));
    for (const one of live.values())
      if (one.seat.of.jobId === jobId && !keys.has(keyOf(one.game))) await partFrom(one);
    if (keys.size + demanded.length === 0) {
      pool.closeIdle(jobId);
      return [];
    }
    const { found } = await chain.job(jobId);
    if (found?.prefixRoot === undefined) return [];
    const { job: own, prefixRoot } = found;
    const { checkpoint: checkpoints, stateRoot } = own.progress;
    const standing: Submitted = { jobId, checkpoints, prefixRoot, stateRoot };
    demands.answer(demanded, found, now);
    const met = games.map((game) => {
      const of = { ...game.bindings, jobId };
      return meet(game, { ours: "provider", own, of, about: own }, now);
    });
    for (const game of rivals) {
      const about = (await chain.job(game.jobId)).found?.job;
      if (about !== undefined)
        met.push(meet(game, { ours: "challenger", own, of: standing, about }, now));
    }
    return met;
  };

  const jobs = (): JobMemory[] => openJobs(parts.notebook.memory).filter(({ agreed }) => agreed);

  const forgetEnded = async (): Promise<void> => {
    const open = new Set(jobs().map(({ jobId }) => jobId));
    for (const one of live.values()) if (!open.has(one.seat.of.jobId)) await partFrom(one);
    for (const jobId of terms.keys()) {
      if (open.has(jobId)) continue;
      terms.delete(jobId);
      follower.forget(jobId);
      pool.closeIdle(jobId);
    }
  };

  const round = async (): Promise<void> => {
    await forgetEnded();
    const now = await chain.now();
    const due: LiveGame[] = [];
    for (const memory of jobs())
      due.push(
        ...(await look(memory, now).catch((error: unknown) => {
          signal.throwIfAborted();
          logger.warn({ jobId: memory.jobId, err: error }, "cannot look for disputes");
          return [];
        })),
      );
    for (const memory of parts.notebook.memory.jobs.values()) replicas.look(memory, now);
    due.sort((a, b) => urgency(a) - urgency(b));
    for (const game of due) begin(game);
    if (due.length > 0) parts.onChange();
  };

  const restMs = (): number => {
    if (live.size > 0) return parts.pollMs;
    const shortest = Math.min(...[...terms.values()].map(({ clock }) => clock));
    return Math.max(parts.pollMs, Math.min(LONGEST_IDLE_MS, shortest * 1_000 * IDLE_SHARE));
  };

  return {
    play: async () => {
      while (!signal.aborted) {
        await round().catch((error: unknown) => {
          if (!signal.aborted) logger.warn({ err: error }, "cannot look for disputes");
        });
        await sleep(restMs(), undefined, { signal }).catch(() => undefined);
      }
      await pool.close();
    },
    disputes: () =>
      [...live.values()]
        .sort((a, b) => urgency(a) - urgency(b))
        .map(({ game, seat: { ours, own, of }, step, problem }) => ({
          gameId: game.gameId,
          jobId: of.jobId,
          challenger: game.challenger,
          place: describeGame(game, ours),
          ourMove: turnOf(game) === ours,
          deadline: deadlineOf(game) ?? null,
          atRisk: own.terms.collateral + own.terms.price,
          bond: game.bond,
          problem:
            step.do === "lost"
              ? `lost (${differing.get(of.jobId)?.code ?? step.why})`
              : (problem?.code ?? null),
        })),
  };
};

const urgency = ({ game }: LiveGame): number => deadlineOf(game) ?? Number.POSITIVE_INFINITY;
