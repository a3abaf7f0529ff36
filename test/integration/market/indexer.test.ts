import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { marketAbi, reputationAbi, stakingAbi } from "@assay/protocol/generated/abis";
import type { Acceptance, Job, Request } from "@assay/protocol/domain/messages";
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import { keccak256, numberToHex, type Hex, type LocalAccount } from "viem";
import { openDatabase, type Database } from "../../../services/market/database/open.ts";
import { startIndexer, type Indexer } from "../../../services/market/indexer/follow.ts";
import { lockedOf } from "../../../services/market/indexer/fold.ts";
import {
  reputationScale,
  scoreAt,
  type StandingRow,
} from "../../../services/market/indexer/standing.ts";
import { indexStore } from "../../../services/market/indexer/store.ts";
import { domainOf, makeRequest } from "./actors.ts";
import { freshDatabase, servers } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";

/** Seconds, longer than the challenge window of the local parameters. */
const WINDOW = 60;
const FINALITY = 32;
/** The tests move the chain's clock by months. */
const FAR = 2 ** 39;
const TABLES = {
  chain_event: "block, log_index",
  chain_transaction: "hash",
  chain_job: "id",
  chain_stake: "provider",
  chain_standing: "account",
  chain_operator: "provider, operator",
  chain_record: "artifact_root, place",
};

const startIndex = (chain: TestChain, database: Database): Indexer => {
  const { market, staking, reputation, provenance } = chain.deployment.contracts;
  return startIndexer({
    client: chain.client,
    contracts: { market, staking, reputation, provenance },
    startBlock: chain.deployment.startBlock,
    store: indexStore({
      sql: database.sql,
      identity: { chainId: chain.deployment.chainId, market },
      scale: reputationScale(chain.deployment.token.decimals),
      finality: FINALITY,
    }),
    logger: silent,
    finality: FINALITY,
    // The tests call `catchUp` themselves.
    pollInterval: 3_600_000,
  });
};

const dump = async ({ sql }: Database): Promise<Record<string, unknown[]>> => {
  const tables: Record<string, unknown[]> = {};
  for (const [table, order] of Object.entries(TABLES))
    tables[table] = await sql.query(`SELECT * FROM ${table} ORDER BY ${order}`);
  return tables;
};

/** Rows of a new database that reads the whole chain at once. */
const replay = async (chain: TestChain): Promise<Record<string, unknown[]>> => {
  const database = await openDatabase({ logger: silent });
  const indexer = startIndex(chain, database);
  await indexer.catchUp();
  const rows = await dump(database);
  await indexer.close();
  await database.close();
  return rows;
};

const KINDS = [
  { name: "PGlite", url: undefined },
  ...(servers === undefined ? [] : [{ name: "PostgreSQL", url: servers.database }]),
];

for (const { name, url } of KINDS)
  describe(`indexer on ${name}`, () => {
    let chain: TestChain;
    let database: Database;
    let indexer: Indexer;
    let drop = (): Promise<void> => Promise.resolve();
    let requester: LocalAccount;
    let provider: LocalAccount;
    let keys = 0;

    before(async () => {
      chain = await startChain();
      requester = chain.account(2);
      provider = chain.account(3);
      const fresh = url === undefined ? undefined : await freshDatabase(url);
      if (fresh) drop = fresh.drop;
      database = await openDatabase({ url: fresh?.url, logger: silent });
      await chain.fund(requester, 10n ** 9n);
      await chain.stake(provider, 10n ** 9n);
      indexer = startIndex(chain, database);
    });
    after(async () => {
      await indexer.close();
      await database.close();
      await drop();
      await chain.close();
    });

    const agree = async (change: Partial<Request> = {}): Promise<Hex> => {
      const { request, signature, digest } = await makeRequest(chain, requester, {
        expiry: FAR,
        ...change,
      });
      const acceptance: Acceptance = {
        requestDigest: digest,
        provider: provider.address,
        unitPrice: 10n ** 15n,
        collateral: 10n ** 6n,
        nonce: BigInt(keys),
        expiry: request.expiry,
        paramsVersion: 1,
      };
      const accepted = await provider.signTypedData(
        typedData(domainOf(chain), "Acceptance", acceptance),
      );
      await chain.sender(requester).send({
        to: chain.deployment.contracts.market,
        abi: marketAbi,
        functionName: "agree",
        args: [request, signature, acceptance, accepted],
        key: `agree ${keys++}`,
      });
      return digestOf(domainOf(chain), "Acceptance", acceptance);
    };

    const recordOf = async (id: Hex): Promise<Job> => {
      await indexer.catchUp();
      const [row] = await database.sql.query<{ terms: object; progress: object }>(
        "SELECT terms, progress FROM chain_job WHERE id = $1",
        [id],
      );
      assert.ok(row);
      return { terms: row.terms, progress: row.progress } as unknown as Job;
    };

    const transact = async (
      from: LocalAccount,
      functionName: "submit" | "settle" | "stop",
      args: readonly unknown[],
    ): Promise<void> => {
      await chain.sender(from).send({
        to: chain.deployment.contracts.market,
        abi: marketAbi,
        functionName,
        args: args as never,
        key: `${functionName} ${keys++}`,
      });
    };

    const submit = async (jobId: Hex): Promise<void> => {
      const root = (place: number): Hex => keccak256(numberToHex(place + keys * 8, { size: 32 }));
      await transact(provider, "submit", [
        await recordOf(jobId),
        {
          jobId,
          checkpoint: 10,
          prefixRoot: root(1),
          stateRoot: root(2),
          modelRoot: root(3),
          evalRoot: root(4),
          modelCid: root(5),
        },
      ]);
    };

    const settle = async (jobId: Hex): Promise<void> => {
      await chain.client.increaseTime({ seconds: WINDOW });
      await chain.client.mine({ blocks: 1 });
      await transact(requester, "settle", [await recordOf(jobId)]);
    };

    test("a job's life gives the record that the contract holds, and stake and score as it says", async () => {
      const settled = await agree();
      const stopped = await agree();
      await submit(settled);
      await settle(settled);
      await transact(requester, "stop", [await recordOf(stopped)]);
      await chain.sender(provider).send({
        to: chain.deployment.contracts.staking,
        abi: stakingAbi,
        functionName: "setOperator",
        args: [chain.account(7).address, true],
        key: "operator",
      });
      await chain.sender(provider).send({
        to: chain.deployment.contracts.staking,
        abi: stakingAbi,
        functionName: "requestUnstake",
        args: [1_000n],
        key: "unstake",
      });
      await chain.sender(provider).send({
        to: chain.deployment.contracts.staking,
        abi: stakingAbi,
        functionName: "reserve",
        args: [2_000n],
        key: "reserve",
      });
      for (const id of [settled, stopped]) {
        const isRecord = await chain.client.readContract({
          address: chain.deployment.contracts.market,
          abi: marketAbi,
          functionName: "isRecord",
          args: [await recordOf(id)],
        });
        assert.equal(isRecord, true, id);
      }
      const rows = await dump(database);
      const states = (rows["chain_job"] as { id: Hex; state: string }[]).map(({ state }) => state);
      assert.deepEqual(states.toSorted(), ["active", "settled"]);
      assert.equal(rows["chain_record"]?.length, 1);
      assert.equal(rows["chain_operator"]?.length, 1);

      const [total, locked, leaving, availableAt] = await chain.client.readContract({
        address: chain.deployment.contracts.staking,
        abi: stakingAbi,
        functionName: "stakeOf",
        args: [provider.address],
      });
      const [stake] = await database.sql.query(
        `SELECT total, leaving, reserved, available_at, ${lockedOf("provider")} AS locked FROM chain_stake WHERE provider = $1`,
        [provider.address],
      );
      assert.deepEqual(stake, {
        total: total.toString(),
        leaving: leaving.toString(),
        reserved: "2000",
        available_at: availableAt,
        locked: locked.toString(),
      });
      assert.ok(locked > 0n);
      await chain.client.increaseTime({ seconds: 50 * 86_400 });
      await chain.client.mine({ blocks: 1 });
      const { timestamp } = await chain.client.getBlock();
      for (const standing of rows["chain_standing"] as StandingRow[])
        assert.equal(
          scoreAt(standing, Number(timestamp)),
          Number(
            await chain.client.readContract({
              address: chain.deployment.contracts.reputation,
              abi: reputationAbi,
              functionName: "scoreOf",
              args: [standing.account as Hex],
            }),
          ),
        );
      assert.deepEqual(rows, await replay(chain));
    });

    test("a reorganisation is rolled back and replayed, as if the lost blocks had never been", async () => {
      const kept = await agree();
      const snapshot = await chain.client.snapshot();
      const lost = await agree();
      await submit(kept);
      await settle(kept);
      await chain.stake(provider, 777n);
      await indexer.catchUp();
      const [job] = await database.sql.query<{ state: string }>(
        "SELECT state FROM chain_job WHERE id = $1",
        [kept],
      );
      assert.equal(job?.state, "settled");

      await chain.revert(snapshot);
      // The chain is shorter now than what was read of it.
      await indexer.catchUp();
      const [gone] = await database.sql.query("SELECT id FROM chain_job WHERE id = $1", [lost]);
      assert.equal(gone, undefined);
      assert.deepEqual(await dump(database), await replay(chain));

      // Another history of the same length takes its place.
      await chain.stake(provider, 555n);
      const other = await agree();
      await submit(kept);
      await chain.client.mine({ blocks: 5 });
      await indexer.catchUp();
      const jobs = await database.sql.query<{ id: string; state: string }>(
        "SELECT id, state FROM chain_job WHERE id = ANY($1) ORDER BY state",
        [[kept, lost, other]],
      );
      assert.deepEqual(jobs, [
        { id: other, state: "active" },
        { id: kept, state: "submitted" },
      ]);
      assert.deepEqual(await dump(database), await replay(chain));
    });

    test("a reorganisation deeper than what is kept begins anew", async () => {
      const snapshot = await chain.client.snapshot();
      await agree();
      await chain.client.mine({ blocks: FINALITY * 2 });
      await indexer.catchUp();
      await chain.revert(snapshot);
      await chain.stake(provider, 5n);
      await indexer.catchUp();
      assert.deepEqual(await dump(database), await replay(chain));
    });

    test("an indexer that was stopped goes on where it was", async () => {
      await indexer.catchUp();
      const jobs = (await dump(database))["chain_job"]?.length ?? 0;
      await indexer.close();
      await agree();
      indexer = startIndex(chain, database);
      await indexer.reached(Number(await chain.client.getBlockNumber()));
      assert.deepEqual(await dump(database), await replay(chain));
      assert.equal((await dump(database))["chain_job"]?.length, jobs + 1);
    });

    test("tables of another deployment are not mixed with this one's", async () => {
      const market = chain.account(9).address;
      const store = indexStore({
        sql: database.sql,
        identity: { chainId: chain.deployment.chainId, market },
        scale: 1n,
        finality: FINALITY,
      });
      assert.equal(await store.cursor(), undefined);
      for (const rows of Object.values(await dump(database))) assert.equal(rows.length, 0);
    });
  });
