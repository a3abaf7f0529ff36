/**
 * Asks the market for providers that signed two results for one checkpoint, and has them slashed: the reward is this watcher's. What the
 * market says is only a hint; roots are compared here, and the contract checks the signatures.
 */
import type { Terms } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import { marketAbi } from "@assay/protocol/generated/abis";
import type { Conflict } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import { conflicts, isContested, slashConflictCall } from "@assay/sdk/actions/conflicts";
import type { AssayContext } from "@assay/sdk/context";
import type { Address, Hex } from "viem";
import type { Chain } from "../chain.ts";
import { decideConflict } from "./decide.ts";

export interface ConflictParts {
  /** With a market to ask. */
  readonly context: AssayContext;
  readonly market: Address;
  readonly chain: Pick<Chain, "job" | "once">;
  /** Whether a job is of those that this watcher looks after, whatever share of them it runs. */
  readonly concerns: (terms: Terms) => boolean;
  readonly logger: Logger;
}

const PAGE = 100;
/** Milliseconds before what did not work is tried again. */
const AGAIN_MS = 30_000;

/** Somebody else was first, or the job moved on: the next look tells. */
const OVERTAKEN = new Set(["MARKET_WRONG_STATE", "MARKET_WRONG_RECORD", "JOB_RECORD_MISMATCH"]);

/**
 * One look at all conflicts of open jobs; call it again and again. Throws `API_UNREACHABLE` and what else asking throws, and
 * JOURNAL_UNWRITABLE.
 */
export const createConflictWatch = (parts: ConflictParts): (() => Promise<void>) => {
  const { context, chain, logger } = parts;
  /** Jobs of which the evidence is none, or for which there was no gas, say. */
  const notBefore = new Map<Hex, number>();

  const slash = async (conflict: Conflict): Promise<void> => {
    const { jobId, checkpoint } = conflict;
    const { state, found } = await chain.job(jobId);
    if (found === undefined) return;
    const { terms, progress } = found.job;
    const call = slashConflictCall(found.job, conflict);
    const contested = await isContested(context, terms);
    const what = decideConflict({ state, contested, concerns: parts.concerns(terms) });
    if (what !== "slash") {
      logger.debug({ jobId, checkpoint, what }, "a conflict");
      return;
    }
    const { stoppedAt, committedAt, submittedAt } = progress;
    const key = ["slashConflict", jobId, stoppedAt, committedAt, submittedAt, progress.checkpoint];
    const hash = await chain.once(key.join(":"), {
      address: parts.market,
      abi: marketAbi,
      ...call,
    });
    logger.warn({ jobId, provider: terms.provider, checkpoint, hash }, "slashed two results");
  };

  const take = async (conflict: Conflict): Promise<void> => {
    const { jobId } = conflict;
    if ((notBefore.get(jobId) ?? 0) > Date.now()) return;
    notBefore.delete(jobId);
    try {
      await slash(conflict);
    } catch (error) {
      if (!isAssayError(error) || error.code === "JOURNAL_UNWRITABLE") throw error;
      const { code } = error;
      const overtaken = OVERTAKEN.has(code);
      if (!overtaken) notBefore.set(jobId, Date.now() + AGAIN_MS);
      logger[overtaken ? "debug" : "warn"](
        { jobId, code, err: error },
        "could not show a conflict",
      );
    }
  };

  return async () => {
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof conflicts>> = await conflicts(context, {
        open: true,
        limit: PAGE,
        ...(cursor === null ? {} : { cursor }),
      });
      for (const conflict of page.items) await take(conflict);
      cursor = page.next;
    } while (cursor !== null);
  };
};
