/** The runs that are looked into: a thread each, at most a few at a time, kept while there are disputes about them. */
import type { Bindings } from "@assay/protocol/domain/disputes";
import type { Hex } from "viem";
import { createUrgentQueue } from "./queue.ts";
import type { SubmittedRun } from "./run.ts";
import { openWitness, type Witness } from "./witness.ts";

/** One submission of a job: a later receipt has more checkpoints. */
export interface Submitted extends Pick<Bindings, "checkpoints" | "prefixRoot" | "stateRoot"> {
  readonly jobId: Hex;
}

export interface RunPool {
  /**
   * Asks the run of a submission once it is its turn: of those that wait the earliest deadline goes first, and a run is asked one thing at
   * a time. A run that failed is opened again from the disk for the next question.
   */
  ask<T>(of: Submitted, deadline: number, question: (witness: Witness) => Promise<T>): Promise<T>;
  /** Closes the runs of a job that nothing is asked of. */
  closeIdle(jobId: Hex): void;
  close(): Promise<void>;
}

interface OpenRun {
  readonly jobId: Hex;
  readonly witness: Promise<Witness>;
  uses: number;
}

export const createRunPool = (parts: {
  readonly open: (of: Submitted) => Promise<SubmittedRun>;
  readonly places: number;
  readonly signal: AbortSignal;
}): RunPool => {
  const queue = createUrgentQueue(parts.places);
  const runs = new Map<string, OpenRun>();

  const close = (key: string): Promise<void> => {
    const run = runs.get(key);
    runs.delete(key);
    return run === undefined
      ? Promise.resolve()
      : run.witness.then((witness) => witness.close()).catch(() => undefined);
  };

  const open = (key: string, of: Submitted): OpenRun => {
    const known = runs.get(key);
    if (known !== undefined) return known;
    for (const [idle, { uses }] of runs)
      if (runs.size >= parts.places && uses === 0) void close(idle);
    const witness = parts.open(of).then(({ data, load }) => openWitness(data, load));
    witness.catch(() => undefined);
    const run = { jobId: of.jobId, witness, uses: 0 };
    runs.set(key, run);
    return run;
  };

  return {
    ask: (of, deadline, question) => {
      const key = `${of.jobId}:${of.checkpoints}`;
      return queue.run(key, deadline, async () => {
        parts.signal.throwIfAborted();
        const run = open(key, of);
        run.uses++;
        try {
          return await question(await run.witness);
        } catch (error) {
          await close(key);
          throw error;
        } finally {
          run.uses--;
        }
      });
    },
    closeIdle: (jobId) => {
      for (const [key, run] of runs) if (run.jobId === jobId && run.uses === 0) void close(key);
    },
    close: async () => {
      await Promise.all([...runs.keys()].map(close));
    },
  };
};
