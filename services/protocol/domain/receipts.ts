/** What a provider's signed submissions commit to, and when two of them contradict each other. */
import { sha256, type Hex } from "viem";
import { traceRootOf } from "../commitments/bindings.ts";
import { hasherOf } from "../commitments/hash.ts";
import type { Submission } from "./messages.ts";

const hasher = hasherOf((message) => sha256(message, "bytes"));

/** The 32 bytes that a submission stands for, `traceRootOf` of the contract: all of it but the CID of its file. */
export const submissionRoot = ({
  checkpoint,
  prefixRoot,
  stateRoot,
  modelRoot,
  evalRoot,
}: Submission): Hex =>
  traceRootOf(hasher, { n: checkpoint, prefixRoot, stateRoot, modelRoot, evalRoot });

/**
 * Whether a provider that signed both can be slashed: one job, one checkpoint, two results. The same result under another CID
 * is no conflict, and neither is a later checkpoint.
 */
export const isConflict = (first: Submission, second: Submission): boolean =>
  first.jobId.toLowerCase() === second.jobId.toLowerCase() &&
  first.checkpoint === second.checkpoint &&
  submissionRoot(first) !== submissionRoot(second);
