/** Replicas that differ play each other by themselves: the wrong one is slashed whichever side it is on. */
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { programParts } from "@assay/engine/ir/root";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import { marketAbi } from "@assay/protocol/generated/abis";
import type { Assay } from "@assay/sdk";
import { write } from "@assay/sdk/chain/write";
import { findGames, findRivalGames, readGame } from "@assay/sdk/disputes/read";
import { forcePlayCall, type RevealedReplica } from "@assay/sdk/disputes/moves";
import { turnOf } from "@assay/sdk/disputes/turn";
import type { Hex } from "viem";
import { commitWrong, playWrong, type Committed } from "../watcher/cheats.ts";
import {
  agentFor,
  eventOf,
  LONG_WINDOWS,
  proposalFor,
  setStage,
  skipPast,
  skipWindow,
  smallJob,
  until,
} from "./story.ts";

const stage = await setStage(LONG_WINDOWS);
after(() => stage.close());

/** Enough to pay whoever wins without a bond. */
const AMPLE = { collateral: 3_000_000n };

/** An honest agent and a cheating provider under one request, both committed. */
const bothCommitted = async (
  t: TestContext,
  [first, second]: readonly [number, number],
  terms: { readonly collateral?: bigint } = AMPLE,
  environment: Record<string, string> = {},
) => {
  const { key, assay } = await stage.furtherProvider(first);
  const cheat = (await stage.furtherProvider(second)).assay;
  const { home, agent, start } = await agentFor(stage, t, environment, key);
  const job = await smallJob(stage, { steps: 36, interval: 6, seed: BigInt(first) });
  const proposal = await proposalFor(stage, job, { replicas: 2 }, terms);
  stage.front.propose(proposal, assay.context.walletClient!.account!.address);
  const { jobId } = await eventOf(home, "submitted");
  const wrong = await commitWrong(cheat, job, proposal, { lazy: true });
  t.after(() => wrong.run.close());
  return { home, agent, start, assay, cheat, job, jobId: jobId as Hex, wrong };
};

const stateOf = async (jobId: Hex): Promise<string> =>
  (await stage.requester.jobFromChain(jobId)).state;
const reaches = (jobId: Hex, wanted: string): Promise<true> =>
  until(
    async () => ((await stateOf(jobId)) === wanted ? true : undefined),
    `${jobId} to be ${wanted}`,
    300_000,
  );
const settles = async (home: string, jobId: Hex): Promise<void> => {
  await skipWindow(stage, jobId);
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
};
const revealedBy = async (assay: Assay, jobId: Hex): Promise<RevealedReplica> => {
  const { job, prefixRoot } = await assay.jobFromChain(jobId);
  assert.ok(prefixRoot !== undefined);
  return { job, prefixRoot };
};

test(
  "an agent makes a replica that differs play, wins as its challenger, and is paid",
  { timeout: 900_000 },
  async (t) => {
    const { home, assay, jobId, wrong } = await bothCommitted(t, [10, 11]);
    await reaches(jobId, "submitted");
    await wrong.reveal();
    const stuck = await playWrong(wrong);
    assert.equal(turnOf(stuck), "provider", "it has no move left");
    assert.equal(stuck.bond, 0n);
    const { movedAt, providerLeft } = stuck.clocks;
    await skipPast(stage, movedAt + providerLeft);
    await reaches(wrong.jobId, "slashed");
    const over = await readGame(assay.context, stuck);
    assert.equal(over.end, "provider lost");
    await settles(home, jobId);
    // Of its stake nothing is gone, and the reward lies beside its pay.
    assert.equal((await assay.stakeOf()).total, 10n ** 11n);
  },
);

test(
  "an agent that is made to play by a replica that differs wins, and collects what that one forfeits",
  { timeout: 900_000 },
  async (t) => {
    const { home, agent, start, assay, cheat, job, jobId, wrong } = await bothCommitted(
      t,
      [12, 13],
    );
    await reaches(jobId, "submitted");
    // Away while the other one reveals, so that it cannot be the first to begin.
    await agent.kill("SIGKILL");
    await wrong.reveal();
    await force(cheat, { jobId, wrong, program: job.program });
    const before_ = await assay.balance();
    await start();
    const [id] = await findRivalGames(assay.context, wrong);
    assert.ok(id !== undefined);
    // It answers; the other one never moves again.
    const waiting = await until(
      async () => {
        const game = await readGame(assay.context, id);
        return turnOf(game) === "challenger" ? game : undefined;
      },
      "an answer",
      300_000,
    );
    const { movedAt, challengerLeft } = waiting.clocks;
    await skipPast(stage, movedAt + challengerLeft);
    await reaches(wrong.jobId, "slashed");
    assert.equal((await findGames(assay.context, wrong.disputes, { jobIds: [jobId] })).length, 1);
    assert.ok((await assay.balance()) > before_, "the reward");
    await settles(home, jobId);
  },
);

test(
  "an agent brings the bond of a game that its collateral does not cover, as far as its owner lets it",
  { timeout: 900_000 },
  async (t) => {
    const { home, agent, start, assay, jobId, wrong } = await bothCommitted(
      t,
      [14, 15],
      {},
      { ASSAY_PROVIDER_MAX_BOND: "0.000001" },
    );
    const { context } = assay;
    const { address } = context.walletClient!.account!;
    const { contracts } = await context.deployment();
    const allowed = () =>
      context.publicClient.readContract({
        address: contracts.market,
        abi: marketAbi,
        functionName: "allowedTo",
        args: [address, contracts.disputes],
      });
    await reaches(jobId, "submitted");
    await wrong.reveal();
    const refusals = () => agent.lines.filter((line) => line.includes("PROVER_BOND_TOO_HIGH"));
    await until(
      () => (refusals().length > 0 ? true : undefined),
      () => agent.lines.join("\n"),
      300_000,
    );
    assert.deepEqual([await assay.balance(), await allowed()], [0n, 0n], "nothing was moved");
    assert.deepEqual(await findRivalGames(context, { disputes: contracts.disputes, jobId }), []);
    await agent.kill("SIGKILL");

    const inWallet = await assay.walletBalance();
    await start();
    const stuck = await playWrong(wrong);
    assert.ok(stuck.bond > 0n);
    assert.equal(await assay.walletBalance(), inWallet - stuck.bond, "deposited what is needed");
    assert.deepEqual([await assay.balance(), await allowed()], [0n, 0n], "all of it is the bond");
    await skipPast(stage, stuck.clocks.movedAt + stuck.clocks.providerLeft);
    await reaches(wrong.jobId, "slashed");
    assert.ok((await assay.balance()) >= stuck.bond, "the bond is back");
    await settles(home, jobId);
    assert.equal((await assay.stakeOf()).total, 10n ** 11n);
  },
);

const force = async (
  cheat: Assay,
  {
    jobId,
    wrong,
    program,
  }: {
    readonly jobId: Hex;
    readonly wrong: Committed;
    readonly program: Parameters<typeof programParts>[1];
  },
): Promise<void> => {
  const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
  const lists = { init: initRoot, step: stepRoot, eval: evalRoot };
  await write(
    cheat.context,
    forcePlayCall(await revealedBy(cheat, jobId), await revealedBy(cheat, wrong.jobId), {
      header: toHex(header),
      lists,
    }),
  );
};
