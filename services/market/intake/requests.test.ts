import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "@assay/protocol/signing/typed-data";
import { createLogger } from "@assay/runtime/logger";
import { openDatabase } from "../database/open.ts";
import { readRequest } from "../matcher/requests.ts";
import type { TaskQueues } from "../queue/queues.ts";
import { addressOf } from "../testing/markets.ts";
import { insertRequest } from "../testing/rows.ts";
import { requestIntake, type RequestIntakeOptions } from "./requests.ts";

test("regression: a request handed in again adds its tasks again, which may be lost", async () => {
  const database = await openDatabase({ logger: createLogger({ name: "test", level: "silent" }) });
  const { sql } = database;
  const domain = { chainId: 1, market: addressOf(1) };
  const tasks: string[] = [];
  const add: TaskQueues["add"] = (name) => {
    tasks.push(name);
    return Promise.resolve();
  };
  // A request that is known comes neither to the chain nor to the content store.
  const intake = requestIntake({ sql, domain, queues: { add } } as unknown as RequestIntakeOptions);
  const expiry = Math.floor(Date.now() / 1_000) + 600;
  const inserted = await insertRequest(sql, { expiry });
  const row = await readRequest(sql, inserted);
  assert.ok(row);
  const digest = digestOf(domain, "Request", row.signed.request);
  await sql.query("UPDATE market_request SET digest = $2 WHERE digest = $1", [inserted, digest]);

  assert.equal(await intake.take(row.signed), digest);
  assert.deepEqual(tasks, ["requestDue", "intake"]);
  await database.close();
});
