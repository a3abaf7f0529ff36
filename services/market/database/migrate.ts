/** Applies `migrations/` in order and keeps account in Prisma's own table, so that its CLI agrees. */
import { AssayError } from "@assay/protocol/errors";
import { createHash, randomUUID } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { SqlDatabase } from "./sql.ts";

const MIGRATIONS = fileURLToPath(new URL("migrations/", import.meta.url));
/** Any number: keeps two processes from migrating one database at once. */
const LOCK = 0x61737361;

const LEDGER = `
CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
}

/** Names of the migrations applied now. Throws `MIGRATION_CHANGED` when an applied file was edited, `MIGRATION_FAILED`. */
export const migrate = async (database: SqlDatabase): Promise<string[]> => {
  const names = (await readdir(MIGRATIONS, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const script = await readFile(`${MIGRATIONS}${name}/migration.sql`, "utf8");
      return { name, script, checksum: createHash("sha256").update(script).digest("hex") };
    }),
  );
  return database.transaction(async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    await sql.script(LEDGER);
    const rows = await sql.query<Applied>(
      `SELECT migration_name, checksum FROM "_prisma_migrations" WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL`,
    );
    const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]));
    const done: string[] = [];
    for (const { name, script, checksum } of files) {
      const before = applied.get(name);
      if (before === checksum) continue;
      if (before !== undefined)
        throw new AssayError("MIGRATION_CHANGED", `Migration ${name} was edited after use.`, {
          remedy: "Restore the file and write a new migration instead.",
          details: { name },
        });
      try {
        await sql.script(script);
      } catch (cause) {
        throw new AssayError("MIGRATION_FAILED", `Migration ${name} does not apply.`, {
          remedy: "Restore the database from a backup, or start with an empty one.",
          details: { name },
          cause,
        });
      }
      await sql.query(
        `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)`,
        [randomUUID(), checksum, name],
      );
      done.push(name);
    }
    return done;
  });
};
