/** `node scripts/database/new-migration.ts NAME`: writes the migration that brings the tables to `schema.prisma`. */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { MIGRATIONS, missingSql } from "./schema-engine.ts";

const name = process.argv[2];
if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name)) {
  console.error("usage: node scripts/database/new-migration.ts name_of_the_change");
  process.exit(2);
}
await mkdir(MIGRATIONS, { recursive: true });
const sql = await missingSql();
if (sql === "") {
  console.log("The migrations already give the tables of schema.prisma.");
} else {
  const stamp = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const folder = join(MIGRATIONS, `${stamp}_${name}`);
  await mkdir(folder);
  await writeFile(join(folder, "migration.sql"), `${sql}\n`);
  console.log(
    `Wrote ${relative(process.cwd(), folder)}/migration.sql: read it before you commit it.`,
  );
}
