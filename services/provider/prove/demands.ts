/** Shows chunks of models that somebody has paid to see: whoever does not answer in time is slashed. */
import type { Logger } from "@assay/runtime/logger";
import type { DisputeCall } from "@assay/sdk/disputes/moves";
import { showChunkCall } from "@assay/sdk/disputes/moves";
import type { ChainJob } from "@assay/sdk/actions/job-from-chain";
import { demandedOf, type Demand } from "@assay/sdk/disputes/demands";
import type { RunPool, Submitted } from "./pool.ts";

export interface DemandParts {
  readonly pool: RunPool;
  /** Sends under a key that says what it is; gives the gas used. */
  readonly send: (key: string, call: DisputeCall) => Promise<bigint>;
  readonly logger: Logger;
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export interface DemandAnswers {
  /** Answers those that are not being answered yet. */
  answer(demands: readonly Demand[], job: Pick<ChainJob, "submissions">, now: number): void;
}

const RETRY_MS = 2_000;

export const createDemandAnswers = (parts: DemandParts): DemandAnswers => {
  const { pool, logger, signal } = parts;
  /** By demand: being answered, or not to be tried before this time by this machine's clock. */
  const state = new Map<string, "answering" | number>();

  const answer = async (demand: Demand, of: Submitted): Promise<void> => {
    const { demandId, tensor, chunk, fee, jobId } = demand;
    const proof = await pool.ask(of, demand.until, (witness) => witness.modelChunk(tensor, chunk));
    const gas = await parts.send(
      ["show", demand.disputes, demandId].join(":"),
      showChunkCall(demand, proof),
    );
    logger.info({ jobId, demandId, fee, gas }, `showed chunk ${chunk} of model tensor ${tensor}`);
  };

  return {
    answer: (demands, job, now) => {
      for (const demand of demands) {
        const about = demandedOf(job, demand);
        if (about === undefined) continue;
        const { jobId } = demand;
        const { checkpoint: checkpoints, stateRoot } = about.progress;
        const of = { jobId, checkpoints, prefixRoot: about.prefixRoot, stateRoot };
        const key = `${demand.disputes}:${demand.demandId}`;
        const known = state.get(key) ?? 0;
        if (known === "answering" || Date.now() < known || now > demand.until) continue;
        state.set(key, "answering");
        void answer(demand, of)
          .catch((error: unknown) => {
            if (signal.aborted) return;
            const { demandId } = demand;
            logger.warn({ jobId, demandId, err: error }, "cannot show what is demanded");
            parts.onFailure(error);
          })
          .finally(() => state.set(key, Date.now() + RETRY_MS));
      }
    },
  };
};
