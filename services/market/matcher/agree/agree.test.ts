import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { openDatabase, type Database } from "../../database/open.ts";
import { insertProposal, insertRequest } from "../../testing/rows.ts";
import { agreeHandler } from "./agree.ts";

describe("agreeHandler", () => {
  const NOW = Math.floor(Date.now() / 1_000);
  const logger = createLogger({ name: "test", level: "silent" });
  let database: Database;
  let intake: string[] = [];

  /** Carries the proposal to a chain that has no such job and answers with this error. */
  const carry = (proposalId: string, code: string): Promise<void> =>
    agreeHandler({
      sql: database.sql,
      logger,
      chain: { stateOf: () => Promise.resolve("none") },
      queues: {
        add: (_name, key) => {
          intake.push(key);
          return Promise.resolve();
        },
      },
      pairs: { agree: () => Promise.reject(new AssayError(code, "The chain says no.")) },
    })({ proposalId });

  const stateOf = async (id: string): Promise<unknown> =>
    (await database.sql.query("SELECT state FROM market_proposal WHERE id = $1", [id]))[0]?.[
      "state"
    ];

  before(async () => {
    database = await openDatabase({ logger });
  });
  after(() => database.close());
  beforeEach(() => {
    intake = [];
  });

  const LATER = ["MARKET_PAUSED", "MARKET_EXCLUSIVE", "GAS_FUNDS_MISSING", "CONTRACT_REVERTED"];

  test("regression: what may pass by itself is thrown as retryable while the acceptance is valid", async () => {
    const request = await insertRequest(database.sql, { expiry: NOW + 900, state: "accepted" });
    for (const code of LATER) {
      const id = await insertProposal(database.sql, request, {
        state: "accepted",
        accepted: NOW + 600,
      });
      await assert.rejects(
        carry(id, code),
        (error) => isAssayError(error, code) && error.retryable,
      );
      assert.equal(await stateOf(id), "accepted");
    }
    assert.deepEqual(intake, []);
  });

  test("regression: once the acceptance has expired the proposal fails, and its request looks for another", async () => {
    const request = await insertRequest(database.sql, { expiry: NOW + 900, state: "accepted" });
    for (const code of LATER) {
      const id = await insertProposal(database.sql, request, {
        state: "accepted",
        accepted: NOW - 60,
      });
      await carry(id, code);
      assert.equal(await stateOf(id), "failed");
      assert.equal(intake.at(-1), `${id}-failed`);
    }
  });
});
