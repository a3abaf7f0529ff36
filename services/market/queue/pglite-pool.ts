/**
 * What BullMQ's PostgreSQL backend needs of a `pg.Pool`, over one in-process PGlite. PGlite has a single session, so a
 * client that begins a transaction holds the database until it ends it.
 */
import type { PGlite, Results, Transaction } from "@electric-sql/pglite";
import type { PgNotification, PgPool, PgPoolClient, PgQueryResult } from "bullmq";
import { EventEmitter } from "node:events";

type Run = Pick<PGlite | Transaction, "query" | "exec">;

// BullMQ expects 64-bit integers and decimals as node-postgres gives them.
const text = (value: string): string => value;
const parsers = { 20: text, 1700: text };

const query = async <R>(
  run: Run,
  sql: string,
  values: readonly unknown[] = [],
): Promise<PgQueryResult<R>> => {
  let result: Results<R> | undefined;
  if (values.length > 0)
    result = await run.query<R>(
      sql,
      values.map((value) => value ?? null),
      { parsers },
    );
  else result = (await run.exec(sql, { parsers })).at(-1) as Results<R> | undefined;
  const rows = result?.rows ?? [];
  return { rows, rowCount: result?.affectedRows || rows.length };
};

interface OpenTransaction {
  readonly run: Transaction;
  readonly finish: (commit: boolean) => Promise<void>;
}

/** Opens a transaction that is ended by a later call instead of at the end of a callback. */
const begin = async (database: PGlite): Promise<OpenTransaction> => {
  const started = Promise.withResolvers<Transaction>();
  const decided = Promise.withResolvers<boolean>();
  const ended = database.transaction(async (run) => {
    started.resolve(run);
    if (!(await decided.promise)) await run.rollback();
  });
  ended.catch(started.reject);
  return {
    run: await started.promise,
    finish: async (commit) => {
      decided.resolve(commit);
      await ended;
    },
  };
};

const word = (sql: string): string =>
  /^(?:\s|--[^\n]*\n)*(\w+)/.exec(sql)?.[1]?.toUpperCase() ?? "";
const channelOf = (sql: string): string => /LISTEN\s+"?([^";\s]+)"?/i.exec(sql)?.[1] ?? "*";

class PgliteClient extends EventEmitter {
  readonly #database: PGlite;
  readonly #channels = new Map<string, () => Promise<void>>();
  #transaction: OpenTransaction | undefined;

  constructor(database: PGlite) {
    super();
    this.setMaxListeners(0);
    this.#database = database;
  }

  async query<R>(sql: string, values?: readonly unknown[]): Promise<PgQueryResult<R>> {
    switch (word(sql)) {
      case "BEGIN":
        this.#transaction = await begin(this.#database);
        return nothing();
      case "COMMIT":
      case "ROLLBACK": {
        const transaction = this.#transaction;
        this.#transaction = undefined;
        await transaction?.finish(word(sql) === "COMMIT");
        return nothing();
      }
      case "LISTEN":
        await this.#listen(channelOf(sql));
        return nothing();
      case "UNLISTEN":
        await this.#unlisten(channelOf(sql));
        return nothing();
      default:
        return query<R>(this.#transaction?.run ?? this.#database, sql, values);
    }
  }

  release(): void {
    this.#unlisten("*").catch((error: unknown) => this.emit("error", error));
  }

  async #listen(channel: string): Promise<void> {
    if (this.#channels.has(channel)) return;
    const stop = await this.#database.listen(`"${channel}"`, (payload) => {
      this.emit("notification", { channel, payload } satisfies PgNotification);
    });
    this.#channels.set(channel, stop);
  }

  async #unlisten(channel: string): Promise<void> {
    for (const [name, stop] of this.#channels)
      if (channel === "*" || channel === name) {
        this.#channels.delete(name);
        if (!this.#database.closed) await stop();
      }
  }
}

const nothing = <R>(): PgQueryResult<R> => ({ rows: [], rowCount: 0 });

class PglitePool extends EventEmitter {
  // PGlite can lose a NOTIFY, so BullMQ must not trust them for long.
  readonly options = { keepAlive: false };
  readonly #database: PGlite;

  constructor(database: PGlite) {
    super();
    this.setMaxListeners(0);
    this.#database = database;
  }

  query<R>(sql: string, values?: readonly unknown[]): Promise<PgQueryResult<R>> {
    return query<R>(this.#database, sql, values);
  }

  connect(): Promise<PgPoolClient> {
    return Promise.resolve(new PgliteClient(this.#database));
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

export const pglitePool = (database: PGlite): PgPool => new PglitePool(database);
