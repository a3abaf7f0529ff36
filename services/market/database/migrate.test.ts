import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { isAssayError } from "@assay/protocol/errors";
import { migrate } from "./migrate.ts";
import { pgliteSql, type SqlDatabase } from "./sql.ts";

describe("migrate", () => {
  let database: PGlite;
  let sql: SqlDatabase;

  before(() => {
    database = new PGlite();
    sql = pgliteSql(database, () => undefined);
  });
  after(() => database.close());

  test("default: applies what is new, in order, and nothing twice", async () => {
    const applied = await migrate(sql);
    assert.ok(applied.length > 0);
    assert.deepEqual(applied, applied.toSorted());
    assert.deepEqual(await migrate(sql), []);
    const rows = await sql.query<{ migration_name: string }>(
      `SELECT migration_name FROM "_prisma_migrations" WHERE finished_at IS NOT NULL ORDER BY started_at, migration_name`,
    );
    assert.deepEqual(
      rows.map(({ migration_name }) => migration_name),
      applied,
    );
  });

  test("behavior: a migration that was edited after use is refused", async () => {
    await sql.query(`UPDATE "_prisma_migrations" SET checksum = 'other'`);
    await assert.rejects(migrate(sql), (error) => isAssayError(error, "MIGRATION_CHANGED"));
  });

  test("behavior: a transaction that fails leaves nothing behind and tells nobody", async () => {
    const told: string[] = [];
    const own = pgliteSql(database, (_channel, payload) => told.push(payload));
    const failing = own.transaction(async (run) => {
      await run.query("INSERT INTO api_nonce (nonce, expires_at) VALUES ('abcdefgh', 1)");
      await run.notify("channel", "lost");
      throw new Error("no");
    });
    await assert.rejects(failing, /no/);
    await own.transaction((run) => run.notify("channel", "kept"));
    assert.deepEqual(told, ["kept"]);
    assert.deepEqual(await own.query("SELECT * FROM api_nonce"), []);
  });
});
