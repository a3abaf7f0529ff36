/** Takes in providers' receipts: whoever has the latest one can present it when its provider no longer does. */
import { AssayError } from "@assay/protocol/errors";
import { checkpointCount } from "@assay/protocol/domain/money";
import type { Terms } from "@assay/protocol/domain/messages";
import { FINAL_STATES, type JobState } from "@assay/protocol/domain/states";
import { digestOf } from "@assay/protocol/signing/typed-data";
import { signedReceiptSchema, type SignedReceipt } from "@assay/protocol/wire/api";
import { toWire, type Wire } from "@assay/protocol/wire/scalars";
import type { Address, Hex } from "viem";
import type { ChainReads } from "../chain.ts";
import type { Sql, SqlDatabase } from "../database/sql.ts";
import { requireSignedForProvider } from "../signatures.ts";
import type { Domain } from "./requests.ts";

export interface ReceiptIntake {
  /** Keeps the receipt where it is later than the one known. Throws `JOB_UNKNOWN`, `RECEIPT_*`, `SIGNATURE_INVALID`. */
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
    await sql.query(
      `INSERT INTO market_receipt (job_id, checkpoint, submission, signature, updated_at)
       VALUES ($1, $2, $3::jsonb, $4, now() AT TIME ZONE 'utc')
       ON CONFLICT (job_id) DO UPDATE SET checkpoint = $2, submission = $3::jsonb, signature = $4,
         updated_at = excluded.updated_at WHERE market_receipt.checkpoint < $2`,
      [jobId, submission.checkpoint, JSON.stringify(toWire(submission)), signature],
    );
  },
});
