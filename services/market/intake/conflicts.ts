/** Two results that a provider signed for one checkpoint: kept as evidence, for whoever wants to have it slashed. */
import { conflictSchema, type Conflict, type ConflictEvidence } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import type { Sql } from "../database/sql.ts";

const NOW = "extract(epoch FROM now())::int8";

/** Keeps the evidence; of a job the first is enough. */
export const noteConflict = async (sql: Sql, evidence: ConflictEvidence): Promise<void> => {
  const { jobId, checkpoint } = evidence.first.submission;
  const { first, second } = toWire(evidence);
  await sql.query(
    `INSERT INTO market_conflict (job_id, checkpoint, first, second, seen_at)
     VALUES ($1, $2, $3::jsonb, $4::jsonb, ${NOW}) ON CONFLICT (job_id) DO NOTHING`,
    [jobId, checkpoint, JSON.stringify(first), JSON.stringify(second)],
  );
};

/**
 * Holds what stands on the chain against the receipts that are known of the same checkpoint: the contract asks for no signature of what
 * stands. Receipts of jobs that are over are dropped, but for the latest. Safe to call at any time, again and again.
 */
export const noteStandingConflicts = async (sql: Sql): Promise<void> => {
  await sql.query(
    `INSERT INTO market_conflict (job_id, checkpoint, first, second, seen_at)
     SELECT j.id, r.checkpoint,
       jsonb_build_object('submission', r.submission, 'signature', r.signature),
       jsonb_build_object('signature', '0x', 'submission', jsonb_build_object(
         'jobId', j.id, 'checkpoint', r.checkpoint, 'prefixRoot', j.prefix_root,
         'stateRoot', j.progress ->> 'stateRoot', 'modelRoot', j.progress ->> 'modelRoot',
         'evalRoot', j.progress ->> 'evalRoot', 'modelCid', j.model_cid)),
       ${NOW}
     FROM chain_job j JOIN market_past_receipt r
       ON r.job_id = j.id AND r.checkpoint = (j.progress ->> 'checkpoint')::int8
     WHERE j.state = 'submitted'
       AND (r.submission ->> 'prefixRoot', r.submission ->> 'stateRoot',
            r.submission ->> 'modelRoot', r.submission ->> 'evalRoot')
         IS DISTINCT FROM (j.prefix_root, j.progress ->> 'stateRoot',
            j.progress ->> 'modelRoot', j.progress ->> 'evalRoot')
     ON CONFLICT (job_id) DO NOTHING`,
  );
  await sql.query(
    `DELETE FROM market_past_receipt r USING chain_job j
     WHERE j.id = r.job_id AND j.state IN ('settled', 'slashed', 'expired', 'void')`,
  );
};

export interface ConflictFilter {
  readonly job?: string | undefined;
  /** Only of jobs whose provider can still be slashed. */
  readonly open: boolean;
  readonly limit: number;
  /** Time and job of the last one of the page before. */
  readonly after: { readonly seenAt: number; readonly jobId: string } | undefined;
}

/** Conflicts, newest first. */
export const readConflicts = async (
  sql: Sql,
  { job, open, limit, after }: ConflictFilter,
): Promise<Conflict[]> => {
  const rows = await sql.query(
    `SELECT c.job_id AS "jobId", j.provider, j.state, c.checkpoint, c.seen_at AS "seenAt", c.first, c.second
     FROM market_conflict c JOIN chain_job j ON j.id = c.job_id
     WHERE ($1::text IS NULL OR c.job_id = $1)
       AND (NOT $2::bool OR j.state IN ('active', 'committed', 'submitted'))
       AND ($3::int8 IS NULL OR (c.seen_at, c.job_id) < ($3::int8, $4::text))
     ORDER BY c.seen_at DESC, c.job_id DESC LIMIT $5`,
    [job ?? null, open, after?.seenAt ?? null, after?.jobId ?? null, limit],
  );
  return rows.map((row) => conflictSchema.parse(row));
};
