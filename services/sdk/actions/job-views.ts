import type { Hex } from "viem";
import { JOB_STATES, type JobState } from "@assay/protocol/domain/states";
import { isAssayError } from "@assay/protocol/errors";
import { marketAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import type { AssayContext } from "../context.ts";
import { jobFromChain, type ChainJob } from "./job-from-chain.ts";

export interface JobView {
  readonly state: JobState;
  /** Absent while there is no such job. */
  readonly found: ChainJob | undefined;
}

/**
 * Looks at jobs again and again, for a process that looks after them: putting a job together searches the chain's events, and is done only
 * where two small calls say that it changed. A job that a reorganisation took back is as if it had never been. Throws what reading throws.
 */
export const createJobViews = (context: AssayContext): ((jobId: Hex) => Promise<JobView>) => {
  const seen = new Map<Hex, JobView>();
  const market = async () =>
    ({ address: (await context.deployment()).contracts.market, abi: marketAbi }) as const;

  const stateOf = async (jobId: Hex): Promise<number> =>
    read(context, { ...(await market()), functionName: "stateOf", args: [jobId] });

  const stands = async (jobId: Hex, { state, found }: JobView): Promise<boolean> => {
    if (found === undefined) return (await stateOf(jobId)) === 0;
    const [now, same] = await Promise.all([
      stateOf(jobId),
      read(context, { ...(await market()), functionName: "isRecord", args: [found.job] }),
    ]);
    return same && JOB_STATES[now] === state;
  };

  const look = async (jobId: Hex): Promise<JobView> => {
    if ((await stateOf(jobId)) === 0) return { state: "none", found: undefined };
    try {
      const found = await jobFromChain(context, jobId);
      return { state: found.state, found };
    } catch (error) {
      // Between two blocks, or taken back by a reorganisation.
      if (isAssayError(error, "JOB_UNKNOWN")) return { state: "none", found: undefined };
      throw error;
    }
  };

  return async (jobId) => {
    const before = seen.get(jobId);
    if (before && (await stands(jobId, before))) return before;
    const view = await look(jobId);
    if (view.state === "settled" || view.state === "none") seen.delete(jobId);
    else seen.set(jobId, view);
    return view;
  };
};
