/** The indexer's rows: one database transaction per range holds events, what follows from them, and the cursor. */
import { tellChain } from "../bus.ts";
import type { Sql, SqlDatabase } from "../database/sql.ts";
import { foldJob, foldStake, type ChainEvent, type JobRow, type StakeRow } from "./fold.ts";
import { foldStanding, type StandingRow } from "./standing.ts";

export interface BlockMark {
  readonly number: number;
  readonly hash: string;
}
export interface KnownBlock extends BlockMark {
  readonly timestamp: number;
}

export interface TransactionRow {
  readonly hash: string;
  readonly block: number;
  readonly gas_used: number;
  readonly sender: string;
}

export interface Range {
  readonly to: KnownBlock;
  /** Blocks of the range that may still be reorganised away, `to` among them. */
  readonly recent: readonly KnownBlock[];
  readonly events: readonly ChainEvent[];
  readonly transactions: readonly TransactionRow[];
}

export interface ChainIdentity {
  readonly chainId: number;
  readonly market: string;
}

export interface StoreOptions {
  readonly sql: SqlDatabase;
  readonly identity: ChainIdentity;
  /** See `reputationScale`. */
  readonly scale: bigint;
  /** Blocks below the head whose hashes are kept. */
  readonly finality: number;
}

export interface IndexStore {
  /** Last block that was taken in; undefined at the beginning. Begins anew when the tables are another deployment's. */
  cursor(): Promise<BlockMark | undefined>;
  /** Hashes kept, highest first. */
  recentBlocks(): Promise<KnownBlock[]>;
  append(range: Range): Promise<void>;
  /** Forgets everything above block `number`; below 0: everything. */
  rollback(number: number): Promise<void>;
}

const JOB_COLUMNS = `id text, state text, request_digest text, requester text, provider text, terms jsonb, progress jsonb,
  program_cid text, data_cid text, price numeric, collateral numeric, agreed_at int8, deadline int8, model_cid text,
  prefix_root text, paid numeric, refunded numeric, assurance text, ended_at int8, block int4, log_index int4`;
const STAKE_COLUMNS =
  "provider text, total numeric, leaving numeric, reserved numeric, available_at int8";
const STANDING_COLUMNS =
  "account text, completed int8, late int8, expired int8, slashed int8, stopped int8, challenges_lost int8, updated_at int8";
const EVENT_COLUMNS = `block int4, "logIndex" int4, transaction text, contract text, name text, "jobId" text, account text,
  timestamp int8, args jsonb`;

const names = (columns: string): string[] =>
  columns.split(",").map((column) => column.trim().split(/\s+/)[0] ?? "");

/** One statement for any number of rows: new ones are inserted, known ones replaced. */
const upsert = async (
  sql: Sql,
  table: string,
  key: string,
  columns: string,
  rows: readonly object[],
): Promise<void> => {
  if (rows.length === 0) return;
  const list = names(columns);
  const changes = list
    .filter((name) => name !== key)
    .map((name) => `${name} = excluded.${name}`)
    .join(", ");
  await sql.query(
    `INSERT INTO ${table} (${list.join(", ")}) SELECT ${list.join(", ")}
     FROM jsonb_to_recordset($1::jsonb) AS row(${columns})
     ON CONFLICT (${key}) DO UPDATE SET ${changes}`,
    [JSON.stringify(rows)],
  );
};

const unique = (values: Iterable<string | null>): string[] => [
  ...new Set([...values].filter((value) => value !== null)),
];

const group = <T>(items: readonly T[], key: (item: T) => string | null): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    if (name === null) continue;
    const known = groups.get(name);
    if (known) known.push(item);
    else groups.set(name, [item]);
  }
  return groups;
};

const SELECT_EVENTS = `SELECT block, log_index AS "logIndex", transaction, contract, name, job_id AS "jobId", account,
  timestamp, args FROM chain_event`;

export const indexStore = ({ sql, identity, scale, finality }: StoreOptions): IndexStore => {
  /** Applies events, in order, to the rows that they concern. `fresh`: to nothing, as when replaying from the start. */
  const derive = async (run: Sql, events: readonly ChainEvent[], fresh: boolean): Promise<void> => {
    const jobEvents = group(
      events.filter((event) => event.contract === "market"),
      (event) => event.jobId,
    );
    const stakeEvents = group(
      events.filter((event) => event.contract === "staking" && event.name !== "OperatorSet"),
      (event) => event.account,
    );
    const standingEvents = group(
      events.filter((event) => event.contract === "reputation"),
      (event) => event.account,
    );
    const load = async <R extends object>(
      table: string,
      key: string,
      ids: string[],
    ): Promise<Map<string, R>> => {
      if (fresh || ids.length === 0) return new Map();
      const rows = await run.query<R>(`SELECT * FROM ${table} WHERE ${key} = ANY($1)`, [ids]);
      return new Map(rows.map((row) => [String((row as Record<string, unknown>)[key]), row]));
    };
    const fold = <R>(
      before: Map<string, R>,
      groups: Map<string, ChainEvent[]>,
      step: (row: R | undefined, event: ChainEvent) => R | undefined,
    ): R[] =>
      [...groups]
        .map(([id, list]) => list.reduce<R | undefined>(step, before.get(id)))
        .filter((row) => row !== undefined);

    const jobs = await load<JobRow>("chain_job", "id", [...jobEvents.keys()]);
    await upsert(run, "chain_job", "id", JOB_COLUMNS, fold(jobs, jobEvents, foldJob));
    const stakes = await load<StakeRow>("chain_stake", "provider", [...stakeEvents.keys()]);
    const newStakes = fold(stakes, stakeEvents, foldStake);
    await upsert(run, "chain_stake", "provider", STAKE_COLUMNS, newStakes);
    const standings = await load<StandingRow>("chain_standing", "account", [
      ...standingEvents.keys(),
    ]);
    await upsert(
      run,
      "chain_standing",
      "account",
      STANDING_COLUMNS,
      fold(standings, standingEvents, (row, event) => foldStanding(row, event, scale)),
    );
    await deriveSets(run, events);
  };

  /** Operators and provenance records are sets: the last word on each member counts. */
  const deriveSets = async (run: Sql, events: readonly ChainEvent[]): Promise<void> => {
    const operators = new Map<string, boolean>();
    const records: { artifact_root: unknown; place: number; job_id: unknown }[] = [];
    for (const { name, args } of events)
      if (name === "OperatorSet")
        operators.set(`${String(args["provider"])} ${String(args["operator"])}`, !!args["allowed"]);
      else if (name === "Recorded")
        records.push({
          artifact_root: args["artifactRoot"],
          place: Number(args["index"]),
          job_id: args["jobId"],
        });
    const pairs = (wanted: boolean): [string[], string[]] => {
      const chosen = [...operators].filter(([, allowed]) => allowed === wanted);
      return [0, 1].map((part) => chosen.map(([pair]) => pair.split(" ")[part] ?? "")) as [
        string[],
        string[],
      ];
    };
    if (operators.size > 0) {
      await run.query(
        `INSERT INTO chain_operator (provider, operator) SELECT * FROM unnest($1::text[], $2::text[])
         ON CONFLICT DO NOTHING`,
        pairs(true),
      );
      await run.query(
        `DELETE FROM chain_operator WHERE (provider, operator) IN
         (SELECT * FROM unnest($1::text[], $2::text[]))`,
        pairs(false),
      );
    }
    if (records.length > 0)
      await run.query(
        `INSERT INTO chain_record (artifact_root, place, job_id) SELECT artifact_root, place, job_id
         FROM jsonb_to_recordset($1::jsonb) AS row(artifact_root text, place int4, job_id text)
         ON CONFLICT (artifact_root, place) DO UPDATE SET job_id = excluded.job_id`,
        [JSON.stringify(records)],
      );
  };

  const insertEvents = async (run: Sql, { events, transactions }: Range): Promise<void> => {
    if (events.length === 0) return;
    await run.query(
      `INSERT INTO chain_event (block, log_index, transaction, contract, name, job_id, account, timestamp, args)
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS row(${EVENT_COLUMNS})`,
      [JSON.stringify(events)],
    );
    await run.query(
      `INSERT INTO chain_transaction (hash, block, gas_used, sender)
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS row(hash text, block int4, gas_used int8, sender text)
       ON CONFLICT (hash) DO UPDATE SET block = excluded.block, gas_used = excluded.gas_used`,
      [JSON.stringify(transactions)],
    );
  };

  const setCursor = async (run: Sql, { number, hash }: BlockMark): Promise<void> => {
    await run.query(
      `INSERT INTO chain_cursor (id, chain_id, market, number, hash) VALUES (1, $1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET chain_id = $1, market = $2, number = $3, hash = $4`,
      [identity.chainId, identity.market, number, hash],
    );
  };

  const tellOf = (run: Sql, block: number, events: readonly ChainEvent[], rolledBack: boolean) =>
    tellChain(run, {
      block,
      jobs: unique(events.map((event) => event.jobId)),
      accounts: unique(events.map((event) => event.account)),
      rolledBack,
    });

  const rollback = async (number: number): Promise<void> => {
    await sql.transaction(async (run) => {
      const gone = await run.query<ChainEvent>(
        `${SELECT_EVENTS} WHERE block > $1 ORDER BY block, log_index`,
        [number],
      );
      const jobs = unique(gone.map((event) => event.jobId));
      const accounts = unique(gone.map((event) => event.account));
      await run.query("DELETE FROM chain_event WHERE block > $1", [number]);
      await run.query("DELETE FROM chain_transaction WHERE block > $1", [number]);
      await run.query("DELETE FROM chain_block WHERE number > $1", [number]);
      await run.query("DELETE FROM chain_job WHERE id = ANY($1)", [jobs]);
      await run.query("DELETE FROM chain_stake WHERE provider = ANY($1)", [accounts]);
      await run.query("DELETE FROM chain_standing WHERE account = ANY($1)", [accounts]);
      await run.query("DELETE FROM chain_operator WHERE provider = ANY($1)", [accounts]);
      await run.query("DELETE FROM chain_record WHERE job_id = ANY($1)", [jobs]);
      const left = await run.query<ChainEvent>(
        `${SELECT_EVENTS} WHERE job_id = ANY($1) OR account = ANY($2) ORDER BY block, log_index`,
        [jobs, accounts],
      );
      // An event has a job and an account: only those rows that were deleted are made again.
      const jobSet = new Set(jobs);
      const accountSet = new Set(accounts);
      await derive(
        run,
        left.filter((event) =>
          event.contract === "market" || event.contract === "provenance"
            ? event.jobId !== null && jobSet.has(event.jobId)
            : event.account !== null && accountSet.has(event.account),
        ),
        true,
      );
      const [top] = await run.query<KnownBlock>(
        "SELECT number, hash FROM chain_block ORDER BY number DESC LIMIT 1",
      );
      if (top) await setCursor(run, top);
      else await run.query("DELETE FROM chain_cursor");
      await tellOf(run, top?.number ?? 0, gone, true);
    });
  };

  return {
    async cursor() {
      const [row] = await sql.query<BlockMark & { chain_id: number; market: string }>(
        "SELECT number, hash, chain_id, market FROM chain_cursor",
      );
      if (row === undefined) return undefined;
      if (row.chain_id === identity.chainId && row.market === identity.market) return row;
      await rollback(-1);
      return undefined;
    },
    recentBlocks: () =>
      sql.query<KnownBlock>("SELECT number, hash, timestamp FROM chain_block ORDER BY number DESC"),
    async append(range) {
      await sql.transaction(async (run) => {
        await insertEvents(run, range);
        await derive(run, range.events, false);
        await upsert(
          run,
          "chain_block",
          "number",
          "number int4, hash text, timestamp int8",
          range.recent,
        );
        await run.query("DELETE FROM chain_block WHERE number < $1", [range.to.number - finality]);
        await setCursor(run, range.to);
        await tellOf(run, range.to.number, range.events, false);
      });
    },
    rollback,
  };
};
