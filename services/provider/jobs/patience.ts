/** How long to wait after a failure of a job before it is tried again, and when to give up. */
import type { AssayError } from "@assay/protocol/errors";

export interface Patience {
  /** Milliseconds to wait before the next try; undefined where trying again is of no use. */
  failed(error: AssayError): number | undefined;
  /** Something was reached that will not be lost: failures count from here. */
  readonly progressed: () => void;
}

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** A program that crashes its thread so often from one checkpoint does so every time. */
const CRASHES = 5;

/** What may pass is tried until the deadline, at ever longer distances; giving up earlier forfeits the collateral. */
export const createPatience = (): Patience => {
  let failures = 0;
  let crashes = 0;
  return {
    failed: ({ code, retryable }) => {
      failures++;
      if (code === "JOB_CRASHED") crashes++;
      if (!retryable || crashes >= CRASHES) return undefined;
      return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
    },
    progressed: () => {
      failures = 0;
      crashes = 0;
    },
  };
};
