/** Rows of requests and proposals, and the states that follow from them. */
import { signedRequestSchema, type Rejection, type SignedRequest } from "@assay/protocol/wire/api";
import type { RequestState } from "@assay/protocol/domain/states";
import { toWire } from "@assay/protocol/wire/scalars";
import type { Address, Hex } from "viem";
import { tell } from "../bus.ts";
import type { Sql } from "../database/sql.ts";
import type { Ask } from "./book/query.ts";

export const PROPOSAL_STATES = [
  "open",
  "accepted",
  "agreed",
  "refused",
  "silent",
  "withdrawn",
  "failed",
] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

export interface ProposalRow {
  readonly id: string;
  readonly provider: Address;
  readonly state: ProposalState;
  readonly job_id: Hex | null;
  /** State of its job on the chain, null where there is none yet. */
  readonly job_state: string | null;
  /** Code of the reason for which it ended. */
  readonly code: string | null;
  /** When it last changed, Unix seconds. */
  readonly changed: number;
}

export interface RequestRow {
  readonly digest: Hex;
  readonly signed: SignedRequest;
  readonly state: RequestState;
  readonly explanation: string;
  readonly proposals: readonly ProposalRow[];
}

/** States of a job that give its place back to the request. */
const LOST = new Set(["expired", "slashed", "void"]);
const FINAL: ReadonlySet<RequestState> = new Set(["expired", "cancelled"]);

/** A request that asks for nothing more, whatever happens to its jobs. */
export const isClosed = (row: Pick<RequestRow, "state">): boolean => FINAL.has(row.state);

/** Whether this proposal holds one of the request's places. */
export const holdsPlace = ({ state, job_state }: ProposalRow): boolean =>
  state === "open" ||
  state === "accepted" ||
  (state === "agreed" && !(job_state !== null && LOST.has(job_state)));

/** Seconds before a provider that could not answer is asked again: doubled each time, so that others come first. */
const ASK_AGAIN = 30;
/** Refusals that say nothing about the request: the same provider may take it later. */
const PASSING: ReadonlySet<string> = new Set([
  "PROVIDER_BUSY",
  "PROVIDER_UNEXPECTED",
  "CHAIN_UNREACHABLE",
  "MARKET_UNREACHABLE",
  // It goes on fetching.
  "INPUTS_TOO_SLOW",
]);

const mayBeAskedAgain = ({ state, code }: ProposalRow): boolean =>
  state === "silent" || (state === "refused" && code !== null && PASSING.has(code));

/**
 * Providers that must not be asked now, each with when it may be asked again in Unix seconds: those with a place, those
 * that refused for good (both never), and for a while those that were busy or silent.
 */
export const excludedProviders = (
  proposals: readonly ProposalRow[],
  now: number,
): Map<Address, number> => {
  const until = new Map<Address, number>();
  const tries = new Map<Address, number>();
  for (const proposal of proposals) {
    const { provider, changed } = proposal;
    const before = tries.get(provider) ?? 0;
    tries.set(provider, before + 1);
    const end = mayBeAskedAgain(proposal)
      ? changed + ASK_AGAIN * 2 ** Math.min(before, 6)
      : Infinity;
    until.set(provider, Math.max(until.get(provider) ?? 0, end));
  }
  for (const [provider, end] of until) if (end <= now) until.delete(provider);
  return until;
};

export const readRequest = async (sql: Sql, digest: string): Promise<RequestRow | undefined> => {
  const [row] = await sql.query<Omit<RequestRow, "signed" | "proposals"> & { signed: unknown }>(
    "SELECT digest, signed, state, explanation FROM market_request WHERE digest = $1",
    [digest],
  );
  if (row === undefined) return undefined;
  const proposals = await sql.query<ProposalRow>(
    `SELECT p.id, p.provider, p.state, p.job_id, j.state AS job_state, p.reason ->> 'code' AS code,
       extract(epoch FROM p.updated_at)::int8 AS changed FROM market_proposal p
     LEFT JOIN chain_job j ON j.id = p.job_id WHERE p.request_digest = $1 ORDER BY p.place`,
    [digest],
  );
  return { ...row, signed: signedRequestSchema.parse(row.signed), proposals };
};

/** What the book is searched for. `ours`: this matcher's account, which alone can earn the fee that names it. */
export const askOfRequest = ({ request, constraints }: SignedRequest, ours: Address): Ask => ({
  work: request,
  runTime: request.runTime,
  maximum: request.maximum,
  minCollateral: request.minCollateral,
  statedLoss: request.statedLoss,
  matcherFee: request.matcher === ours ? request.matcherFee : 0n,
  auditLine: request.auditLine,
  constraints,
});

/** The state that a request's proposals give it. */
export const stateOfProposals = (
  proposals: readonly ProposalRow[],
  replicas: number,
): RequestState => {
  const held = proposals.filter(holdsPlace);
  if (held.filter(({ state }) => state === "agreed").length >= replicas) return "agreed";
  if (held.some(({ state }) => state === "accepted")) return "accepted";
  if (held.some(({ state }) => state === "open")) return "proposed";
  return held.length > 0 ? "agreed" : "open";
};

export interface RequestChange {
  readonly state: RequestState;
  readonly explanation: string;
  readonly rejected?: readonly Rejection[];
}

/** Writes a request's state and tells of it, unless nothing changes. */
export const changeRequest = async (
  sql: Sql,
  digest: string,
  { state, explanation, rejected = [] }: RequestChange,
): Promise<void> => {
  const rows = await sql.query(
    `UPDATE market_request SET state = $2, explanation = $3, rejected = $4::jsonb, updated_at = now() AT TIME ZONE 'utc'
     WHERE digest = $1 AND (state, explanation, rejected) IS DISTINCT FROM ($2, $3, $4::jsonb) RETURNING digest`,
    [digest, state, explanation, JSON.stringify(toWire(rejected))],
  );
  if (rows.length > 0) await tell(sql, "request", { digest });
};

/**
 * Settles a request that is past its expiry: without a place held it is expired, and otherwise in the state that its
 * proposals give it. False where its time is not over. `now`: Unix seconds.
 */
export const settleExpired = async (sql: Sql, row: RequestRow, now: number): Promise<boolean> => {
  if (row.signed.request.expiry > now) return false;
  if (isClosed(row)) return true;
  const { proposals, explanation } = row;
  const state = stateOfProposals(proposals, row.signed.request.replicas);
  if (proposals.some(holdsPlace)) {
    if (state !== row.state) await changeRequest(sql, row.digest, { state, explanation });
  } else if (!(row.state === "agreed" && proposals.some((one) => one.state === "agreed")))
    // An agreed request whose jobs came to a bad end has had its provider: that is told by the jobs.
    await changeRequest(sql, row.digest, {
      state: "expired",
      explanation: "The request expired before a provider was found.",
    });
  return true;
};

export interface ProposalChange {
  readonly state: ProposalState;
  readonly reason?: { readonly code: string; readonly reason: string };
  readonly transaction?: Hex;
}

/** Moves a proposal on if it is in one of the states `from`; false if it is not. */
export const changeProposal = async (
  sql: Sql,
  id: string,
  from: readonly ProposalState[],
  { state, reason, transaction }: ProposalChange,
): Promise<boolean> => {
  const [row] = await sql.query<{ provider: string }>(
    `UPDATE market_proposal SET state = $3, reason = coalesce($4::jsonb, reason),
       transaction = coalesce($5, transaction), updated_at = now() AT TIME ZONE 'utc'
     WHERE id = $1 AND state = ANY($2) RETURNING provider`,
    [id, from, state, reason === undefined ? null : JSON.stringify(reason), transaction ?? null],
  );
  if (row === undefined) return false;
  await tell(sql, "proposal", { id, provider: row.provider });
  return true;
};
