/**
 * Takes in providers' receipts: whoever has the latest one can present it when its provider no longer does, and whoever has two
 * that contradict each other can have the provider slashed.
 */
import { AssayError } from "@assay/protocol/errors";
import { checkpointCount } from "@assay/protocol/domain/money";
import type { Terms } from "@assay/protocol/domain/messages";
import { isConflict } from "@assay/protocol/domain/receipts";
import { FINAL_STATES, type JobState } from "@assay/protocol/domain/states";
import { digestOf } from "@assay/protocol/signing/typed-data";
import { signedReceiptSchema, type SignedReceipt } from "@assay/protocol/wire/api";
import { toWire, type Wire } from "@assay/protocol/wire/scalars";
import type { Address, Hex } from "viem";
import type { ChainReads } from "../chain.ts";
import type { Sql, SqlDatabase } from "../database/sql.ts";
import { requireSignedForProvider } from "../signatures.ts";
import { noteConflict } from "./conflicts.ts";
import type { Domain } from "./requests.ts";

export interface ReceiptIntake {
  /**
   * Keeps the first receipt of each checkpoint; the same one again changes nothing. Another result for a checkpoint that is known
   * is kept too, as evidence: `RECEIPT_CONFLICT`. Throws also `JOB_UNKNOWN`, other `RECEIPT_*`, `SIGNATURE_INVALID`.
   */
  take(jobId: Hex, receipt: SignedReceipt): Promise<void>;
}

const wrong = (code: string, message: string, remedy: string, details = {}): AssayError =>
  new AssayError(code, message, { remedy, details });

/** The latest receipt of a job, if this market has one. */
export const readReceipt = async (sql: Sql, jobId: string): Promise<SignedReceipt | undefined> => {
  const [row] = await sql.query<{ submission: unknown; signature: string }>(
    "SELECT submission, signature FROM market_receipt WHERE job_id = $1",
    [jobId],
  );
  return row && signedReceiptSchema.parse(row);
};

/** Checkpoints behind the latest one of which receipts are kept: a bound on what one job can make a market store. */
const KEPT_CHECKPOINTS = 10_000;

/** Keeps what is new about a job. True where the receipt contradicts the one that is known of its checkpoint. */
const keep = async (sql: Sql, { submission, signature }: SignedReceipt): Promise<boolean> => {
  const { jobId, checkpoint } = submission;
  const wire = JSON.stringify(toWire(submission));
  const latest = (await readReceipt(sql, jobId))?.submission.checkpoint ?? 0;
  if (checkpoint <= latest - KEPT_CHECKPOINTS) return false;
  const kept = await sql.query(
    `INSERT INTO market_past_receipt (job_id, checkpoint, submission, signature)
     VALUES ($1, $2, $3::jsonb, $4) ON CONFLICT (job_id, checkpoint) DO NOTHING RETURNING job_id`,
    [jobId, checkpoint, wire, signature],
  );
  if (kept.length === 0) {
    const [row] = await sql.query<{ submission: unknown; signature: string }>(
      "SELECT submission, signature FROM market_past_receipt WHERE job_id = $1 AND checkpoint = $2",
      [jobId, checkpoint],
    );
    const first = signedReceiptSchema.parse(row);
    if (!isConflict(first.submission, submission)) return false;
    await noteConflict(sql, { first, second: { submission, signature } });
    return true;
  }
  await sql.query(
    `INSERT INTO market_receipt (job_id, checkpoint, submission, signature, updated_at)
     VALUES ($1, $2, $3::jsonb, $4, now() AT TIME ZONE 'utc')
     ON CONFLICT (job_id) DO UPDATE SET checkpoint = $2, submission = $3::jsonb, signature = $4,
       updated_at = excluded.updated_at WHERE market_receipt.checkpoint < $2`,
    [jobId, checkpoint, wire, signature],
  );
  await sql.query("DELETE FROM market_past_receipt WHERE job_id = $1 AND checkpoint <= $2", [
    jobId,
    Math.max(latest, checkpoint) - KEPT_CHECKPOINTS,
  ]);
  return false;
};

export const receiptIntake = (
  sql: SqlDatabase,
  chain: ChainReads,
  domain: Domain,
): ReceiptIntake => ({
  async take(jobId, { submission, signature }) {
    const [job] = await sql.query<{ provider: Address; state: JobState; terms: Wire<Terms> }>(
      "SELECT provider, state, terms FROM chain_job WHERE id = $1",
      [jobId],
    );
    if (job === undefined)
      throw wrong(
        "JOB_UNKNOWN",
        "This market has not seen the job on the chain.",
        "Check the id; a job shows a moment after its agreement is mined.",
      );
    if (submission.jobId !== jobId)
      throw wrong(
        "RECEIPT_MISMATCH",
        `The receipt is for job ${submission.jobId}.`,
        "Send a receipt to the job it is for.",
      );
    const { terms } = job;
    const last = checkpointCount(terms);
    if (submission.checkpoint < 1 || submission.checkpoint >= last)
      throw wrong(
        "RECEIPT_CHECKPOINT",
        `Checkpoint ${submission.checkpoint} is not one of 1 to ${last - 1}.`,
        "The last checkpoint is submitted on chain.",
        { last },
      );
    if (terms.replicas > 1 || terms.auditLine !== "0")
      throw wrong(
        "RECEIPT_NOT_PAID",
        "The job is replicated or audited: it is paid in full or not at all.",
        "Keep the result secret until it is revealed.",
      );
    if (FINAL_STATES.has(job.state)) return;
    const digest = digestOf(domain, "Submission", submission);
    await requireSignedForProvider(chain, job.provider, digest, signature);
    if (await sql.transaction((run) => keep(run, { submission, signature })))
      throw wrong(
        "RECEIPT_CONFLICT",
        `Another result was signed for checkpoint ${submission.checkpoint} before.`,
        "Both receipts are kept, and anyone may have the provider slashed with them: stop its agent and check the machine.",
        { checkpoint: submission.checkpoint },
      );
  },
});
