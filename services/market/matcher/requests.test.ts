import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createLogger } from "@assay/runtime/logger";
import { openDatabase, type Database } from "../database/open.ts";
import { addressOf } from "../testing/markets.ts";
import { insertProposal, insertRequest } from "../testing/rows.ts";
import { changeProposal, excludedProviders, readRequest, settleExpired } from "./requests.ts";

describe("settleExpired", () => {
  const EXPIRY = 1_000;
  let database: Database;

  const settle = async (digest: string, now: number): Promise<string | undefined> => {
    const row = await readRequest(database.sql, digest);
    assert.ok(row);
    await settleExpired(database.sql, row, now);
    return (await readRequest(database.sql, digest))?.state;
  };

  before(async () => {
    database = await openDatabase({ logger: createLogger({ name: "test", level: "silent" }) });
  });
  after(() => database.close());

  test("regression: a request whose last proposal ends after its expiry is closed, not before", async () => {
    for (const ended of ["silent", "failed", "refused"] as const) {
      const digest = await insertRequest(database.sql, { expiry: EXPIRY, state: "proposed" });
      const id = await insertProposal(database.sql, digest, { state: "open" });
      assert.equal(await settle(digest, EXPIRY + 1), "proposed");
      await changeProposal(database.sql, id, ["open"], { state: ended });
      assert.equal(await settle(digest, EXPIRY - 1), "proposed");
      assert.equal(await settle(digest, EXPIRY + 1), "expired");
    }
  });

  test("behavior: a request with some of its places agreed is agreed once its time is over", async () => {
    const digest = await insertRequest(database.sql, {
      expiry: EXPIRY,
      state: "proposed",
      replicas: 2,
    });
    await insertProposal(database.sql, digest, { state: "agreed" });
    await insertProposal(database.sql, digest, { state: "silent", provider: 1 });
    assert.equal(await settle(digest, EXPIRY + 1), "agreed");
  });
});

describe("excludedProviders", () => {
  test("regression: a provider that was busy, silent or still fetching is asked again after a while, one that refused is not", async () => {
    const database = await openDatabase({
      logger: createLogger({ name: "test", level: "silent" }),
    });
    const { sql } = database;
    const digest = await insertRequest(sql, { expiry: 1_000 });
    await insertProposal(sql, digest, { state: "silent", provider: 0 });
    await insertProposal(sql, digest, { state: "refused", code: "PROVIDER_BUSY", provider: 1 });
    await insertProposal(sql, digest, { state: "refused", code: "DISK_FULL", provider: 2 });
    await insertProposal(sql, digest, { state: "open", provider: 3 });
    await insertProposal(sql, digest, { state: "silent", provider: 4, age: 40 });
    await insertProposal(sql, digest, { state: "silent", provider: 4 });
    await insertProposal(sql, digest, { state: "refused", code: "INPUTS_TOO_SLOW", provider: 5 });
    const proposals = (await readRequest(sql, digest))?.proposals ?? [];
    const changed = proposals[0]?.changed ?? 0;
    const excluded = (seconds: number): (string | number)[][] =>
      [...excludedProviders(proposals, changed + seconds)].map(([provider, until]) => [
        [0, 1, 2, 3, 4, 5].findIndex((place) => addressOf(place) === provider),
        until === Infinity ? "never" : "later",
      ]);
    assert.ok(Math.abs(changed - Date.now() / 1_000) < 60);
    assert.deepEqual(excluded(28), [
      [0, "later"],
      [1, "later"],
      [2, "never"],
      [3, "never"],
      [4, "later"],
      [5, "later"],
    ]);
    assert.deepEqual(excluded(45), [
      [2, "never"],
      [3, "never"],
      [4, "later"],
    ]);
    assert.deepEqual(excluded(70), [
      [2, "never"],
      [3, "never"],
    ]);
    await database.close();
  });
});
