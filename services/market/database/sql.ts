/** Plain SQL on either kind of PostgreSQL, with the same JavaScript values from both. */
import type { PGlite, Results, Transaction } from "@electric-sql/pglite";
import pg from "pg";

export type Row = Record<string, unknown>;

export interface Sql {
  /** Rows: `int8` as number, `numeric` as string, `jsonb` parsed. */
  query<R extends object = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** Several statements without parameters. */
  script(text: string): Promise<void>;
  /** Tells the listeners of `channel`; inside a transaction only once that commits. */
  notify(channel: string, payload: string): Promise<void>;
}

export interface SqlDatabase extends Sql {
  /** Commits when `work` resolves, rolls back when it rejects. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}

const INT8 = 20;
const NUMERIC = 1700;
const asText = (text: string): string => text;
const parsers = { [INT8]: Number, [NUMERIC]: asText };

/** Delivers one notification within this process. */
export type Deliver = (channel: string, payload: string) => void;

const onPglite = (run: PGlite | Transaction, deliver: Deliver): Sql => ({
  query: async <R extends object>(text: string, values: readonly unknown[] = []) => {
    const { rows }: Results<R> = await run.query<R>(text, [...values], { parsers });
    return rows;
  },
  script: async (text) => {
    await run.exec(text);
  },
  notify: (channel, payload) => {
    deliver(channel, payload);
    return Promise.resolve();
  },
});

/**
 * PGlite loses a NOTIFY whose message arrives with the result of a query that fails. It has no listeners outside this
 * process, so notifications go to them directly.
 */
export const pgliteSql = (database: PGlite, deliver: Deliver): SqlDatabase => ({
  ...onPglite(database, deliver),
  transaction: async (work) => {
    const held: [string, string][] = [];
    const result = await database.transaction((inner) =>
      work(onPglite(inner, (channel, payload) => held.push([channel, payload]))),
    );
    for (const [channel, payload] of held) deliver(channel, payload);
    return result;
  },
});

const types = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    if (oid === INT8) return Number;
    if (oid === NUMERIC) return asText;
    return format === "binary"
      ? pg.types.getTypeParser(oid, "binary")
      : pg.types.getTypeParser(oid, "text");
  }) as typeof pg.types.getTypeParser,
};

const onServer = (run: pg.Pool | pg.PoolClient): Sql => ({
  query: async <R extends object>(text: string, values: readonly unknown[] = []) => {
    const { rows } = await run.query<R & pg.QueryResultRow>({ text, values: [...values], types });
    return rows;
  },
  script: async (text) => {
    await run.query(text);
  },
  notify: async (channel, payload) => {
    await run.query("SELECT pg_notify($1, $2)", [channel, payload]);
  },
});

export const serverSql = (pool: pg.Pool): SqlDatabase => ({
  ...onServer(pool),
  transaction: async (work) => {
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const result = await work(onServer(client));
      await client.query("COMMIT");
      client.release();
      return result;
    } catch (error) {
      await client.query("ROLLBACK").then(
        () => client.release(),
        () => client.release(true),
      );
      throw error;
    }
  },
});
