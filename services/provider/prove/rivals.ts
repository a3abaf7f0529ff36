/**
 * Plays out replicas that differ: of two results of one request at most one is right, and this provider stands by its own. It makes
 * itself the challenger of the other one, and collects what a rival forfeits that lost as the challenger of this provider.
 */
import type { Terms } from "@assay/protocol/domain/messages";
import type { ListRoots } from "@assay/protocol/domain/disputes";
import { isAssayError, type AssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import type { JobView } from "@assay/sdk/actions/job-views";
import {
  collectForfeitCall,
  forcePlayCall,
  type DisputeCall,
  type RevealedReplica,
} from "@assay/sdk/disputes/moves";
import type { Hex } from "viem";
import type { Chain } from "../chain/chain.ts";
import type { JobMemory } from "../journal/memory.ts";
import type { Bonds } from "./bonds.ts";

export interface RivalParts {
  readonly chain: Pick<Chain, "job">;
  /** Ids of the other jobs of a job's request. */
  readonly replicasOf: (
    terms: Pick<Terms, "jobId" | "requester" | "requestDigest">,
  ) => Promise<readonly Hex[]>;
  /** What a program is told by in a game. */
  readonly programOf: (
    job: JobMemory,
  ) => Promise<{ readonly header: Hex; readonly lists: ListRoots }>;
  /** For a game whose bond this provider's collateral does not cover. */
  readonly bonds: Bonds;
  /** Sends under a key that says what it is; gives the gas used. */
  readonly send: (key: string, call: DisputeCall) => Promise<bigint>;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface Rivals {
  /** Begins what there is to do about the replicas of one of our jobs, which may be over already, unless it is under way. */
  look(memory: JobMemory, now: number): void;
}

/** Milliseconds between two looks at the replicas of a job. */
const EVERY_MS = 5_000;

/** The contract's answers to a forfeit that is not there, and to one that somebody else collected. */
const NOTHING_TO_COLLECT = new Set(["DISPUTE_DONE", "DISPUTE_WRONG_JOB", "MARKET_WRONG_STATE"]);

/** The bond cannot be brought now; it is tried again while the window is open. */
const NO_BOND = new Set(["PROVER_BOND_TOO_HIGH", "PROVER_BOND_MISSING", "PROVER_BOND_NOT_ALLOWED"]);

const revealed = ({ state, found }: JobView): RevealedReplica | undefined =>
  state === "submitted" && found?.prefixRoot !== undefined
    ? { job: found.job, prefixRoot: found.prefixRoot }
    : undefined;

const isOver = ({ state }: JobView): boolean =>
  state === "settled" || state === "slashed" || state === "expired" || state === "void";

export const createRivals = (parts: RivalParts): Rivals => {
  const { chain, logger } = parts;
  /** Jobs of which nothing more can come. */
  const done = new Set<Hex>();
  const nextLook = new Map<Hex, number>();
  /** Pairs that play or played, whoever made them: a pair plays once. */
  const played = new Set<string>();
  /** Why a pair cannot play yet, so that it is said once and not at every look. */
  const hindered = new Map<string, string>();

  const tellHindrance = (jobId: Hex, rivalId: Hex, error: AssayError): void => {
    const { code, remedy } = error;
    const pair = `${jobId}:${rivalId}`;
    const level = hindered.get(pair) === code ? "debug" : "error";
    hindered.set(pair, code);
    logger[level](
      { jobId, rivalId, code, remedy, err: error },
      "cannot make a replica that differs play",
    );
  };

  const force = async (memory: JobMemory, defender: RevealedReplica, rival: RevealedReplica) => {
    const [jobId, rivalId] = [rival.job.terms.jobId, defender.job.terms.jobId];
    const pair = `${jobId}:${rivalId}`;
    if (played.has(pair)) return;
    try {
      const call = forcePlayCall(defender, rival, await parts.programOf(memory));
      const { disputes } = defender.job.terms;
      const gas = await parts.bonds.covering({ disputes, jobId, pair }, () =>
        parts.send(`force:${pair}`, call),
      );
      logger.warn({ jobId, rivalId, gas }, "another replica differs: it has to play");
    } catch (error) {
      if (isAssayError(error) && NO_BOND.has(error.code))
        return tellHindrance(jobId, rivalId, error);
      if (!isAssayError(error, "DISPUTE_DONE")) throw error;
    }
    played.add(pair);
  };

  const collect = async ({ job }: RevealedReplica, jobId: Hex): Promise<void> => {
    const rivalId = job.terms.jobId;
    try {
      const gas = await parts.send(`forfeit:${rivalId}`, collectForfeitCall(job));
      logger.info({ jobId, rivalId, gas }, "collected what another replica forfeited");
    } catch (error) {
      if (!isAssayError(error) || !NOTHING_TO_COLLECT.has(error.code)) throw error;
    }
  };

  const look = async (memory: JobMemory, now: number): Promise<void> => {
    const { jobId } = memory;
    const view = await chain.job(jobId);
    if (view.found === undefined || view.state === "active") return;
    const { terms, progress } = view.found.job;
    const others = await Promise.all((await parts.replicasOf(terms)).map((id) => chain.job(id)));
    // One that lost has nothing to say about others.
    if (isOver(view) && (view.state !== "settled" || others.every(isOver))) {
      done.add(jobId);
      return;
    }
    const own = revealed(view);
    for (const other of others) {
      const theirs = revealed(other);
      if (theirs === undefined || theirs.job.progress.traceRoot === progress.traceRoot) continue;
      if (own !== undefined && now <= theirs.job.progress.windowEnd)
        await force(memory, theirs, own);
      await collect(theirs, jobId);
    }
  };

  return {
    look: (memory, now) => {
      const { jobId, request, agreed } = memory;
      if (request.replicas < 2 || !agreed || done.has(jobId)) return;
      if (Date.now() < (nextLook.get(jobId) ?? 0)) return;
      nextLook.set(jobId, Number.POSITIVE_INFINITY);
      void look(memory, now)
        .catch((error: unknown) => {
          if (parts.signal.aborted) return;
          logger.warn({ jobId, err: error }, "cannot play out replicas");
          parts.onFailure(error);
        })
        .finally(() => nextLook.set(jobId, Date.now() + EVERY_MS));
    },
  };
};
