/** Carries accepted pairs to the market contract and takes the consequences of what it says. */
import { AssayError, isAssayError } from "@assay/protocol/errors";
import {
  signedAcceptanceSchema,
  signedRequestSchema,
  type SignedAcceptance,
  type SignedRequest,
} from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import type { Hex } from "viem";
import type { ChainReads } from "../../chain.ts";
import type { SqlDatabase } from "../../database/sql.ts";
import type { Tasks } from "../../queue/tasks.ts";
import type { TaskQueues } from "../../queue/queues.ts";
import { changeProposal, changeRequest, readRequest, stateOfProposals } from "../requests.ts";
import { blameFor, type Pair, type PairSender } from "./pairs.ts";

export interface AgreeOptions {
  readonly sql: SqlDatabase;
  readonly chain: Pick<ChainReads, "stateOf">;
  readonly queues: Pick<TaskQueues, "add">;
  readonly pairs: PairSender;
  readonly logger: Logger;
}

interface AcceptedRow {
  readonly state: string;
  readonly request_digest: Hex;
  readonly provider: string;
  readonly job_id: Hex;
  readonly acceptance: unknown;
  readonly signed: unknown;
}

const pairOf = (
  { request, signature }: SignedRequest,
  { acceptance, signature: acceptanceSignature }: SignedAcceptance,
): Pair => ({ request, requestSignature: signature, acceptance, acceptanceSignature });

/** Seconds after which no block can take the pair any more that the node has not shown yet. */
const SLACK = 30;

/** Whether the contract's answer to the pair can only be no, for good. `now`: Unix seconds. */
const isOver = ({ request, acceptance }: Pair, now: number): boolean =>
  Math.min(request.expiry, acceptance.expiry) + SLACK < now;

/** As the queue needs it: what may pass by itself is tried again. */
const asRetryable = (error: unknown): unknown =>
  error instanceof AssayError && !error.retryable
    ? new AssayError(error.code, error.message, {
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
        retryable: true,
        details: error.details,
        cause: error,
      })
    : error;

/** Handler of `agree` tasks: may be called any number of times for one proposal. */
export const agreeHandler = ({ sql, chain, queues, pairs, logger }: AgreeOptions) => {
  const succeed = async (id: string, digest: Hex, hash: Hex | undefined): Promise<void> => {
    await changeProposal(sql, id, ["accepted"], {
      state: "agreed",
      ...(hash === undefined ? {} : { transaction: hash }),
    });
    await writeState(digest, "The job is agreed: escrow and collateral are locked.");
  };

  const writeState = async (digest: Hex, explanation: string): Promise<void> => {
    const row = await readRequest(sql, digest);
    if (row === undefined) return;
    const state = stateOfProposals(row.proposals, row.signed.request.replicas);
    await changeRequest(sql, digest, { state, explanation });
  };

  const fail = async (id: string, row: AcceptedRow, pair: Pair, error: unknown): Promise<void> => {
    const blame = blameFor(error, pair);
    if (blame === "later" && !isOver(pair, Date.now() / 1_000)) throw asRetryable(error);
    const code = isAssayError(error) ? error.code : "AGREE_FAILED";
    const reason = error instanceof Error ? error.message : String(error);
    logger.warn({ proposal: id, code, blame }, "a pair could not be agreed");
    await changeProposal(sql, id, ["accepted"], { state: "failed", reason: { code, reason } });
    if (blame === "request")
      await changeRequest(sql, row.request_digest, {
        state: code === "MARKET_REQUEST_EXPIRED" ? "expired" : "cancelled",
        explanation: `The request cannot be agreed: ${reason}`,
      });
    else await queues.add("intake", `${id}-failed`, { requestDigest: row.request_digest });
  };

  return async ({ proposalId, attempt = 0 }: Tasks["agree"]): Promise<void> => {
    const [row] = await sql.query<AcceptedRow>(
      `SELECT p.state, p.request_digest, p.provider, p.job_id, p.acceptance, r.signed FROM market_proposal p
       JOIN market_request r ON r.digest = p.request_digest WHERE p.id = $1`,
      [proposalId],
    );
    if (row?.state !== "accepted") return;
    if ((await chain.stateOf(row.job_id)) !== "none") {
      await succeed(proposalId, row.request_digest, undefined);
      return;
    }
    const pair = pairOf(
      signedRequestSchema.parse(row.signed),
      signedAcceptanceSchema.parse(row.acceptance),
    );
    let hash: Hex;
    try {
      hash = await pairs.agree(row.job_id, pair, attempt);
    } catch (error) {
      // Somebody else may have carried the same pair.
      if ((await chain.stateOf(row.job_id)) !== "none")
        await succeed(proposalId, row.request_digest, undefined);
      else await fail(proposalId, row, pair, error);
      return;
    }
    logger.info({ job: row.job_id, transaction: hash }, "agreed");
    await succeed(proposalId, row.request_digest, hash);
  };
};
