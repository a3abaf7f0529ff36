import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createLogger } from "@assay/runtime/logger";
import { openDatabase, type Database } from "../database/open.ts";
import type { TaskQueues } from "../queue/queues.ts";
import { insertProposal, insertRequest } from "../testing/rows.ts";
import { sweepLost } from "./sweep.ts";

describe("sweepLost", () => {
  const NOW = Math.floor(Date.now() / 1_000);
  let database: Database;

  /** Keys of the tasks that one sweep adds. */
  const sweep = async (isConsidered = false): Promise<string[]> => {
    const keys: string[] = [];
    const add: TaskQueues["add"] = (name, key) => {
      keys.push(`${name} ${key}`);
      return Promise.resolve();
    };
    const { sql } = database;
    await sweepLost({ sql, queues: { add }, isConsidered: () => isConsidered });
    return keys;
  };

  before(async () => {
    database = await openDatabase({ logger: createLogger({ name: "test", level: "silent" }) });
  });
  after(() => database.close());

  test("regression: what no task moves any more gets one again, and what is under way does not", async () => {
    const { sql } = database;
    const busy = await insertRequest(sql, { expiry: NOW + 900, state: "accepted", age: 60 });
    const stuck = await insertProposal(sql, busy, { state: "accepted", accepted: NOW, age: 60 });
    await insertProposal(sql, busy, { state: "accepted", accepted: NOW });
    const unanswered = await insertProposal(sql, busy, { state: "open", answerBy: NOW - 60 });
    await insertProposal(sql, busy, { state: "open", answerBy: NOW + 60 });
    const over = await insertRequest(sql, { expiry: NOW - 60, age: 90 });
    const forgotten = await insertRequest(sql, { expiry: NOW + 900, age: 60 });
    await insertRequest(sql, { expiry: NOW + 900 });
    const due = [`agree ${stuck}-swept`, `answerDue ${unanswered}`, `requestDue ${over}`];
    assert.deepEqual(await sweep(), [...due, `intake ${forgotten}`]);
    assert.deepEqual(await sweep(true), due);
  });
});
