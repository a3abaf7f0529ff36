/** Receipts as a job goes on: the latest checkpoint is published and signed for, so that its pay survives this machine. */
import { treeRoot } from "@assay/protocol/commitments/tree";
import { stepAtCheckpoint } from "@assay/protocol/domain/money";
import type { Request, Submission } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import type { SignedReceipt } from "@assay/protocol/wire/api";
import type { Program } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoots } from "@assay/engine/trace/roots";
import type { ResumePoint } from "@assay/engine/trace/run";
import { encodeStateFile } from "@assay/engine/trace/state-file";
import type { Logger } from "@assay/runtime/logger";
import { digestOf } from "@assay/storage/cid";
import type { ContentStore } from "@assay/storage/content";
import { setTimeout as sleep } from "node:timers/promises";
import { zeroHash, type Hex } from "viem";

export interface PublishParts {
  readonly jobId: Hex;
  readonly request: Request;
  readonly store: ContentStore;
  readonly signal: AbortSignal;
}

/**
 * Stores the state of the last of `roots` where others can fetch it, and says what a submission up to there commits to. The
 * same checkpoint always gives the same file and so the same CID.
 */
export const publishCheckpoint = async (
  { jobId, request, store, signal }: PublishParts,
  program: Program,
  { roots, state }: ResumePoint,
): Promise<Submission> => {
  const checkpoint = roots.length - 1;
  const { stateRoot, modelRoot } = stateRoots(program, state);
  const file = encodeStateFile(program, state, {
    modelRoot,
    programRoot: request.programRoot,
    dataRoot: request.dataRoot,
    seed: request.seed.toString(),
    numerics: program.numerics,
    step: String(stepAtCheckpoint(request, checkpoint)),
  });
  const cid = await store.putFile(file, { signal });
  return {
    jobId,
    checkpoint,
    prefixRoot: treeRoot(nodeHasher, roots.slice(0, -1)),
    stateRoot,
    modelRoot,
    evalRoot: zeroHash,
    modelCid: digestOf(cid),
  };
};

export interface ReceiptParts extends PublishParts {
  readonly sign: (submission: Submission) => Promise<Hex>;
  /** Hands a receipt to the market. */
  readonly send: (receipt: SignedReceipt) => Promise<void>;
  /** Least milliseconds between two receipts. */
  readonly every: number;
  readonly logger: Logger;
}

export interface Receipts {
  /** A checkpoint is safe: it is published unless a later one comes first. Returns at once. */
  kept(program: Program, point: ResumePoint): void;
}

/** Publishes the latest checkpoint at most every so often; what fails is made good by the next one. */
export const createReceipts = (parts: ReceiptParts): Receipts => {
  const { request, logger, jobId, signal } = parts;
  // Such jobs are paid in full or not at all, and a result that others see can be copied.
  const wanted = request.replicas === 1 && request.auditLine === 0n;
  let next: { program: Program; point: ResumePoint } | undefined;
  let running = false;

  const run = async (): Promise<void> => {
    while (next !== undefined && !signal.aborted) {
      const { program, point } = next;
      next = undefined;
      try {
        const submission = await publishCheckpoint(parts, program, point);
        await parts.send({ submission, signature: await parts.sign(submission) });
        logger.debug({ jobId, checkpoint: submission.checkpoint }, "receipt sent");
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ jobId, err: error }, "a receipt could not be sent");
        // Nothing newer yet: the index may only not know the job.
        if (!isAssayError(error) || error.retryable || error.code === "JOB_UNKNOWN")
          next ??= { program, point };
      }
      await sleep(parts.every, undefined, { signal }).catch(() => undefined);
    }
  };

  return {
    kept: (program, point) => {
      if (!wanted) return;
      next = { program, point };
      if (running) return;
      running = true;
      void run().finally(() => {
        running = false;
      });
    },
  };
};
