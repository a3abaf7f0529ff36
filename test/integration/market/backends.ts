/** Each of the market's two kinds of back end, for tests that must hold on both. */
import pg from "pg";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Backend {
  readonly stateDir: string;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly queuePrefix?: string;
  remove(): Promise<void>;
}

const folder = () => mkdtemp(join(tmpdir(), "assay-market-"));

export const embedded = async (): Promise<Backend> => {
  const stateDir = await folder();
  return { stateDir, remove: () => rm(stateDir, { recursive: true }) };
};

/** A database of its own on the PostgreSQL server of `npm test`. */
export const freshDatabase = async (server: string) => {
  const name = `assay_${randomUUID().replaceAll("-", "")}`;
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
};

const SERVERS = {
  database: process.env["ASSAY_TEST_DATABASE_URL"],
  redis: process.env["ASSAY_TEST_REDIS_URL"],
};

/** Set where `npm test` runs servers; a plain `node --test` of one file has none. */
export const servers =
  SERVERS.database === undefined || SERVERS.redis === undefined
    ? undefined
    : { database: SERVERS.database, redis: SERVERS.redis };

const onServers = async (): Promise<Backend> => {
  if (servers === undefined) throw new Error("no servers");
  const stateDir = await folder();
  const database = await freshDatabase(servers.database);
  return {
    stateDir,
    databaseUrl: database.url,
    redisUrl: servers.redis,
    queuePrefix: `assay-${randomUUID()}`,
    async remove() {
      await database.drop();
      await rm(stateDir, { recursive: true });
    },
  };
};

export const BACKENDS: readonly { readonly name: string; readonly open: () => Promise<Backend> }[] =
  [
    { name: "embedded", open: embedded },
    ...(servers === undefined ? [] : [{ name: "PostgreSQL and Redis", open: onServers }]),
  ];
