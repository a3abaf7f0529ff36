/** Takes in what agents answer to proposals. Saying the same twice is saying it once. */
import { AssayError } from "@assay/protocol/errors";
import type { Acceptance } from "@assay/protocol/domain/messages";
import { digestOf } from "@assay/protocol/signing/typed-data";
import type { Refusal, SignedAcceptance } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import type { Address, Hex } from "viem";
import { tell } from "../bus.ts";
import type { ChainReads } from "../chain.ts";
import type { SqlDatabase } from "../database/sql.ts";
import { changeProposal, changeRequest } from "../matcher/requests.ts";
import type { TaskQueues } from "../queue/queues.ts";
import { requireSignedForProvider } from "../signatures.ts";
import type { Domain } from "./requests.ts";

export interface AnswerIntakeOptions {
  readonly sql: SqlDatabase;
  readonly chain: ChainReads;
  readonly queues: TaskQueues;
  readonly domain: Domain;
}

export interface AnswerIntake {
  /** The job's id. Throws `PROPOSAL_UNKNOWN`, `PROPOSAL_CLOSED`, `ACCEPTANCE_*`, `SIGNATURE_INVALID`. */
  accept(id: string, signed: SignedAcceptance): Promise<Hex>;
  /** Throws `PROPOSAL_UNKNOWN`. */
  stateOf(id: string): Promise<{ id: string; state: string; jobId: Hex | null }>;
  /** Throws `PROPOSAL_UNKNOWN`, `PROPOSAL_CLOSED`, `NOT_YOURS`. */
  refuse(id: string, provider: Address, refusal: Refusal): Promise<void>;
}

interface Row {
  readonly state: string;
  readonly provider: Address;
  readonly request_digest: Hex;
  readonly unit_price: string;
  readonly collateral: string;
  readonly job_id: Hex | null;
  /** The name that the provider's offer gives. */
  readonly name: string | null;
}

const mismatch = (field: string, expected: unknown, actual: unknown): AssayError =>
  new AssayError(
    "ACCEPTANCE_MISMATCH",
    `The acceptance's ${field} is ${String(actual)}; the proposal says ${String(expected)}.`,
    { remedy: "Sign what was proposed, or refuse it.", details: { field, expected, actual } },
  );

const checkAgainst = (row: Row, acceptance: Acceptance): void => {
  if (acceptance.requestDigest !== row.request_digest)
    throw mismatch("requestDigest", row.request_digest, acceptance.requestDigest);
  if (acceptance.provider !== row.provider)
    throw mismatch("provider", row.provider, acceptance.provider);
  if (acceptance.unitPrice !== BigInt(row.unit_price))
    throw mismatch("unitPrice", row.unit_price, acceptance.unitPrice);
  if (acceptance.collateral < BigInt(row.collateral))
    throw mismatch("collateral", `at least ${row.collateral}`, acceptance.collateral);
};

export const answerIntake = ({ sql, chain, queues, domain }: AnswerIntakeOptions): AnswerIntake => {
  const find = async (id: string): Promise<Row> => {
    const [row] = await sql.query<Row>(
      `SELECT p.state, p.provider, p.request_digest, p.unit_price, p.collateral, p.job_id,
         o.signed -> 'description' ->> 'name' AS name
       FROM market_proposal p LEFT JOIN market_offer o ON o.digest = p.offer_digest WHERE p.id = $1`,
      [id],
    );
    if (row) return row;
    throw new AssayError("PROPOSAL_UNKNOWN", "There is no such proposal.", {
      remedy: "GET /v1/proposals streams those that are open.",
    });
  };

  const closed = (state: string): AssayError =>
    new AssayError("PROPOSAL_CLOSED", `The proposal is closed: ${state}.`, {
      remedy: "Wait for the next proposal.",
      details: { state },
    });

  const checkTimes = async ({ expiry, paramsVersion }: Acceptance): Promise<void> => {
    if (expiry <= Date.now() / 1_000)
      throw new AssayError("ACCEPTANCE_EXPIRED", "The acceptance has expired.", {
        remedy: "Sign one that is valid for some minutes.",
      });
    const { version } = await chain.rates();
    if (paramsVersion !== version)
      throw new AssayError(
        "ACCEPTANCE_WRONG_PARAMS",
        `Parameters version ${version} is in force, the acceptance names ${paramsVersion}.`,
        { remedy: "Read Parameters.current() and sign again.", details: { version } },
      );
  };

  return {
    async accept(id, { acceptance, signature }) {
      const row = await find(id);
      const jobId = digestOf(domain, "Acceptance", acceptance);
      const pastOpen = row.state === "accepted" || row.state === "agreed";
      if (pastOpen && row.job_id === jobId) {
        // The task of the first time may be lost; where it is not, or is done, this changes nothing.
        if (row.state === "accepted") await queues.add("agree", id, { proposalId: id });
        return jobId;
      }
      if (row.state !== "open") throw closed(row.state);
      checkAgainst(row, acceptance);
      await checkTimes(acceptance);
      await requireSignedForProvider(chain, acceptance.provider, jobId, signature);
      await sql.transaction(async (run) => {
        const taken = await run.query(
          `UPDATE market_proposal SET state = 'accepted', acceptance = $2::jsonb, job_id = $3,
             updated_at = now() AT TIME ZONE 'utc' WHERE id = $1 AND state = 'open' RETURNING id`,
          [id, JSON.stringify(toWire({ acceptance, signature })), jobId],
        );
        if (taken.length === 0) throw closed("answered meanwhile");
        await tell(run, "proposal", { id, provider: row.provider });
        await changeRequest(run, row.request_digest, {
          state: "accepted",
          explanation: `${row.name ?? row.provider} has checked the inputs and signed; the pair goes to the chain.`,
        });
      });
      await queues.add("agree", id, { proposalId: id });
      return jobId;
    },

    async stateOf(id) {
      const { state, job_id } = await find(id);
      return { id, state, jobId: job_id };
    },

    async refuse(id, provider, refusal) {
      const row = await find(id);
      if (row.provider !== provider)
        throw new AssayError("NOT_YOURS", "The proposal was made to another provider.", {
          remedy: "Open a session as its provider.",
        });
      const lookForAnother = (): Promise<void> =>
        queues.add("intake", `${id}-refused`, { requestDigest: row.request_digest });
      if (row.state === "refused") {
        await lookForAnother();
        return;
      }
      if (!(await changeProposal(sql, id, ["open"], { state: "refused", reason: refusal })))
        throw closed(row.state);
      await lookForAnother();
    },
  };
};
