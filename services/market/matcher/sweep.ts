/** Finds rows that wait for a task which is lost or has given up, and adds the task again. */
import type { SqlDatabase } from "../database/sql.ts";
import type { TaskQueues } from "../queue/queues.ts";

export interface SweepOptions {
  readonly sql: SqlDatabase;
  readonly queues: Pick<TaskQueues, "add">;
  /** Whether a request is in a round, or waits for the book to change. */
  readonly isConsidered: (requestDigest: string) => boolean;
}

/** Seconds that a row's own task has: sweeping earlier would only repeat it. */
const PATIENCE = 30;
/** Seconds after which a due task is late. */
const LATE = 2;

/** One look at everything unfinished. Adding is keyed: a task that still waits or runs is left alone. */
export const sweepLost = async ({ sql, queues, isConsidered }: SweepOptions): Promise<void> => {
  const now = Math.floor(Date.now() / 1_000);

  const accepted = await sql.query<{ id: string; changed: number; again: boolean }>(
    `SELECT id, extract(epoch FROM updated_at)::int8 AS changed, transaction IS NOT NULL AS again FROM market_proposal
     WHERE state = 'accepted' AND updated_at < (now() AT TIME ZONE 'utc') - make_interval(secs => $1)`,
    [PATIENCE],
  );
  for (const { id, changed, again } of accepted) {
    // What a reorganisation took must be sent anew, and its first transaction not be found again.
    const task = { proposalId: id, ...(again ? { attempt: changed } : {}) };
    // One try: the next sweep is the next one, and sees an acceptance that has expired meanwhile.
    await queues.add("agree", `${id}-swept`, task, { attempts: 1 });
  }

  const unanswered = await sql.query<{ id: string }>(
    "SELECT id FROM market_proposal WHERE state = 'open' AND answer_by < $1",
    [now - LATE],
  );
  for (const { id } of unanswered) await queues.add("answerDue", id, { proposalId: id });

  const expired = await sql.query<{ digest: string }>(
    "SELECT digest FROM market_request WHERE state IN ('open', 'proposed', 'accepted') AND expiry < $1",
    [now - LATE],
  );
  for (const { digest } of expired)
    await queues.add("requestDue", digest, { requestDigest: digest });

  const idle = await sql.query<{ digest: string }>(
    `SELECT digest FROM market_request r WHERE state IN ('open', 'proposed', 'accepted') AND expiry >= $1
       AND updated_at < (now() AT TIME ZONE 'utc') - make_interval(secs => $2) AND NOT EXISTS (
         SELECT 1 FROM market_proposal p WHERE p.request_digest = r.digest AND p.state IN ('open', 'accepted'))`,
    [now, PATIENCE],
  );
  for (const { digest } of idle)
    if (!isConsidered(digest)) await queues.add("intake", digest, { requestDigest: digest });
};
