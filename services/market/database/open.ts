/** Opens the market's database: a server where a URL is given, otherwise PostgreSQL inside this process. */
import { AssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import { PGlite } from "@electric-sql/pglite";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaPGlite } from "pglite-prisma-adapter";
import { mkdir } from "node:fs/promises";
import pg from "pg";
import { PrismaClient } from "./generated/client.ts";
import { migrate } from "./migrate.ts";
import { localNotifications, serverNotifications, type Notifications } from "./notifications.ts";
import { pgliteSql, serverSql, type SqlDatabase } from "./sql.ts";

export interface Database {
  readonly prisma: PrismaClient;
  /** For bulk writes and for what the ORM cannot say. */
  readonly sql: SqlDatabase;
  readonly notifications: Notifications;
  /** Present on the embedded kind: the queue shares it. */
  readonly embedded: PGlite | undefined;
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  /** `postgresql://…`; absent: embedded. */
  readonly url?: string | undefined;
  /** Folder of the embedded kind; absent: in memory. */
  readonly folder?: string | undefined;
  readonly logger: Logger;
  /** Most connections to a server. */
  readonly connections?: number;
}

/** Opens and migrates. Throws `DATABASE_UNREACHABLE` and what `migrate` throws. */
export const openDatabase = async (options: OpenDatabaseOptions): Promise<Database> => {
  const database =
    options.url === undefined
      ? await openEmbedded(options)
      : await openServer({ ...options, url: options.url });
  try {
    const applied = await migrate(database.sql);
    if (applied.length > 0) options.logger.info({ applied }, "database migrated");
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
};

const openEmbedded = async ({ folder }: OpenDatabaseOptions): Promise<Database> => {
  if (folder !== undefined) await mkdir(folder, { recursive: true });
  const embedded = folder === undefined ? new PGlite() : new PGlite(folder);
  await embedded.waitReady;
  const prisma = new PrismaClient({ adapter: new PrismaPGlite(embedded) });
  const { notifications, deliver } = localNotifications();
  return {
    prisma,
    sql: pgliteSql(embedded, deliver),
    notifications,
    embedded,
    async close() {
      await prisma.$disconnect();
      await embedded.close();
    },
  };
};

const openServer = async ({
  url,
  logger,
  connections = 10,
}: OpenDatabaseOptions & { url: string }): Promise<Database> => {
  const pool = new pg.Pool({ connectionString: url, max: connections, keepAlive: true });
  pool.on("error", (error) => logger.warn({ err: error }, "an idle database connection was lost"));
  try {
    await pool.query("SELECT 1");
  } catch (cause) {
    await pool.end();
    throw new AssayError("DATABASE_UNREACHABLE", "The database does not answer.", {
      remedy:
        "Check ASSAY_MARKET_DATABASE_URL and that PostgreSQL runs; without it the database is embedded.",
      retryable: true,
      cause,
    });
  }
  const prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString: url, max: connections }),
  });
  const notifications = serverNotifications(url, logger);
  return {
    prisma,
    sql: serverSql(pool),
    notifications,
    embedded: undefined,
    async close() {
      await notifications.close();
      await prisma.$disconnect();
      await pool.end();
    },
  };
};
