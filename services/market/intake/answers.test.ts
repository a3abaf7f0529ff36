import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "@assay/protocol/signing/typed-data";
import { signedAcceptanceSchema } from "@assay/protocol/wire/api";
import { createLogger } from "@assay/runtime/logger";
import type { ChainReads } from "../chain.ts";
import { openDatabase } from "../database/open.ts";
import type { TaskQueues } from "../queue/queues.ts";
import { addressOf } from "../testing/markets.ts";
import { insertProposal, insertRequest } from "../testing/rows.ts";
import { answerIntake } from "./answers.ts";

test("regression: an answer said again adds its task again, which may be lost", async () => {
  const database = await openDatabase({ logger: createLogger({ name: "test", level: "silent" }) });
  const { sql } = database;
  const domain = { chainId: 1, market: addressOf(1) };
  const tasks: string[] = [];
  const add: TaskQueues["add"] = (name, key) => {
    tasks.push(`${name} ${key}`);
    return Promise.resolve();
  };
  // Repeats never come as far as the chain, nor to anything of the queue but adding.
  const intake = answerIntake({
    sql,
    domain,
    chain: {} as ChainReads,
    queues: { add } as TaskQueues,
  });
  const expiry = Math.floor(Date.now() / 1_000) + 600;
  const request = await insertRequest(sql, { expiry, state: "accepted" });
  const accepted = await insertProposal(sql, request, { state: "accepted", accepted: expiry });
  const [row] = await sql.query<{ acceptance: unknown }>(
    "SELECT acceptance FROM market_proposal WHERE id = $1",
    [accepted],
  );
  const signed = signedAcceptanceSchema.parse(row?.acceptance);
  const jobId = digestOf(domain, "Acceptance", signed.acceptance);
  await sql.query("UPDATE market_proposal SET job_id = $2 WHERE id = $1", [accepted, jobId]);

  assert.equal(await intake.accept(accepted, signed), jobId);
  const refused = await insertProposal(sql, request, { state: "refused", provider: 1 });
  await intake.refuse(refused, addressOf(1), { code: "DISK_FULL", reason: "for a test" });
  assert.deepEqual(tasks, [`agree ${accepted}`, `intake ${refused}-refused`]);
  await database.close();
});
