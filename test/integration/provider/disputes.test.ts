import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { TARGETS } from "@assay/protocol/domain/disputes";
import { readStatus } from "@assay/provider/status/status";
import { disputeStatus, findGames, readGame } from "@assay/sdk/disputes/read";
import { turnOf } from "@assay/sdk/disputes/turn";
import { toHex } from "@assay/protocol/commitments/hash";
import { disputesAbi } from "@assay/protocol/generated/abis";
import type { Hex } from "viem";
import { demandFirstChunk, disputeAll, lieUntil, liesIn } from "./liar.ts";
import {
  agentFor,
  eventOf,
  LONG_WINDOWS,
  proposalFor,
  rerun,
  setStage,
  skipWindow,
  smallJob,
  until,
} from "./story.ts";

const stage = await setStage(LONG_WINDOWS);
after(() => stage.close());

/** A job that an agent of its own has submitted. */
const submitted = async (t: TestContext, place: number) => {
  const { key, assay } = await stage.furtherProvider(place);
  const { home, agent, start } = await agentFor(stage, t, {}, key);
  const { address } = assay.context.walletClient!.account!;
  const job = await smallJob(stage, { steps: 36, interval: 6, seed: BigInt(place) });
  stage.front.propose(await proposalFor(stage, job), address);
  const jobId = (await eventOf(home, "submitted")).jobId as Hex;
  const { job: record } = await assay.jobFromChain(jobId);
  return { assay, address, home, agent, start, job, jobId, disputes: record.terms.disputes };
};

const challengerAt = async (place: number) => {
  const { assay } = await stage.chain.actor(place, stage.front.url);
  await assay.deposit(10n ** 12n);
  return assay;
};

const settledAt = async (home: string, jobId: Hex): Promise<void> => {
  await skipWindow(stage, jobId);
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
};

test(
  "an agent proves its result against a challenger that lies at every move, killed and robbed of files on the way",
  { timeout: 900_000 },
  async (t) => {
    const { assay, home, agent, start, job, jobId, disputes } = await submitted(t, 10);
    const liar = await challengerAt(4);
    // A chunk that somebody says is withheld is shown at once.
    const { publicClient } = assay.context;
    await demandFirstChunk(liar, { jobId, program: job.program });
    const [shown] = await until(async () => {
      const events = await publicClient.getContractEvents({
        address: disputes,
        abi: disputesAbi,
        eventName: "ChunkShown",
        fromBlock: 0n,
      });
      return events.length > 0 ? events : undefined;
    }, "the chunk that was demanded");
    const { state } = await rerun(job);
    const tensor = state[job.program.state.findIndex(({ parameter }) => parameter)]!;
    const bytes = new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength);
    assert.equal(shown!.args.chunk, toHex(bytes.subarray(0, 1_024)));

    const free = await assay.balance();
    const ids = await disputeAll(liar, { jobId, program: job.program }, TARGETS);
    const games = liesIn(disputes, ids, 11);

    const status = await until(async () => {
      const now = await readStatus(`${home}/state/status.json`);
      return now.disputes.length === TARGETS.length ? now : undefined;
    }, "four disputes in the status");
    for (const one of status.disputes) {
      assert.equal(one.jobId, jobId);
      assert.ok(one.atRisk > 0n && one.bond > 0n && one.deadline !== null);
    }

    // Killed in the middle of its games, some of which wait for its move then.
    await lieUntil(liar, games, ({ moves }) => moves.length >= 4);
    await agent.kill("SIGKILL");
    const half = await lieUntil(liar, games, (game) => turnOf(game) !== "challenger");
    assert.ok(half.some(({ end }) => end === undefined));
    const folder = join(home, "state", "jobs", jobId);
    const files = (await readdir(folder)).filter((name) => name.endsWith(".safetensors")).sort();
    for (const name of [files.at(-1)!, files[2]!]) await writeFile(join(folder, name), "torn");

    const next = await start();
    const over = await lieUntil(liar, games);
    for (const { gameId, end, moves } of over) {
      assert.equal(end, "challenger lost", `game ${gameId}`);
      assert.ok(moves.length >= 3, `${moves.length} moves`);
    }
    const bonds = over.reduce((sum, { bond }) => sum + bond, 0n);
    assert.equal((await assay.balance()) - free, bonds);
    assert.deepEqual(await disputeStatus(assay.context, { disputes, jobId }), {
      liveGames: 0,
      won: true,
      auditUntil: 0,
    });
    assert.ok(next.lines.some((line) => line.includes("running the job again")));
    await settledAt(home, jobId);
    assert.equal((await stage.requester.jobFromChain(jobId)).settlement?.assurance, "played");
    await until(
      async () => ((await readdir(folder).catch(() => [])).length === 0 ? true : undefined),
      "an empty folder",
    );
    assert.equal(await next.kill("SIGTERM"), 0);
  },
);

test(
  "twenty challenges at once cost an honest agent nothing: their bonds are worth more than its gas",
  { timeout: 900_000 },
  async (t) => {
    const { assay, address, home, job, jobId, disputes } = await submitted(t, 11);
    const { publicClient } = assay.context;
    const sybils = [await challengerAt(5), await challengerAt(6)];
    const free = await assay.balance();
    const spentBefore = await publicClient.getBalance({ address });
    const targets = Array.from({ length: 10 }, (_, i) => TARGETS[i % TARGETS.length]!);
    const named = { jobId, program: job.program };
    const ids = await Promise.all(sybils.map((sybil) => disputeAll(sybil, named, targets)));

    // One plays on, the other falls silent once every game of its own waits for it.
    await Promise.all([
      lieUntil(sybils[0]!, liesIn(disputes, ids[0]!, 100)),
      lieUntil(sybils[1]!, liesIn(disputes, ids[1]!, 200), ({ moves }) => moves.length >= 5),
    ]);
    const waiting = await until(
      async () => {
        const all = await Promise.all(
          ids[1]!.map((gameId) => readGame(assay.context, { disputes, gameId })),
        );
        return all.every((game) => turnOf(game) !== "provider") ? all : undefined;
      },
      "answers in all games",
      240_000,
    );
    assert.ok(waiting.some(({ end }) => end === undefined));
    await stage.chain.skip(2 * LONG_WINDOWS.disputeClock);
    await until(
      async () =>
        (await disputeStatus(assay.context, { disputes, jobId })).liveGames === 0
          ? true
          : undefined,
      "the end of all games",
      240_000,
    );

    const found = await findGames(assay.context, disputes, { jobIds: [jobId] });
    assert.equal(found.length, 20);
    const games = await Promise.all(found.map((id) => readGame(assay.context, id)));
    for (const { gameId, end } of games) assert.equal(end, "challenger lost", `game ${gameId}`);
    const won = (await assay.balance()) - free;
    assert.equal(
      won,
      games.reduce((sum, { bond }) => sum + bond, 0n),
    );
    // What the game takes a unit of gas to be worth, in the bonds as in the costs that it pays.
    const provenSpent = spentBefore - (await publicClient.getBalance({ address }));
    const { effectiveGasPrice } = await publicClient.getTransactionReceipt({
      hash: games[0]!.moves.at(-1)!.transaction,
    });
    const gas = provenSpent / effectiveGasPrice;
    const price = 10n ** 8n;
    assert.ok((gas * price) / 10n ** 9n < won, `${gas} gas for bonds of ${won}`);
    t.diagnostic(`20 games: ${gas} gas, bonds ${won}`);
    await settledAt(home, jobId);
  },
);
