/** Audits by separate processes: a drawn stake's watcher runs the job before its provider shows the result, and is paid either way. */
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { programParts } from "@assay/engine/ir/root";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import { disputesAbi, stakingAbi } from "@assay/protocol/generated/abis";
import type { Assay } from "@assay/sdk";
import { write } from "@assay/sdk/chain/write";
import { allowBonds, challenge, timeout } from "@assay/sdk/disputes/act";
import { auditOf } from "@assay/sdk/disputes/audits";
import { readGame } from "@assay/sdk/disputes/read";
import type { Address, Hex } from "viem";
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
} from "../provider/story.ts";
import {
  commitWrong,
  startWatcher,
  watcherHome,
  type Committed,
  type RunningWatcher,
} from "./cheats.ts";

const AUDIT_LINE = 1_000_001n;

const stage = await setStage({ ...LONG_WINDOWS, auditRateBps: 10_000 });
after(() => stage.close());

/** A stake so large that it is drawn for certain, and a watcher with a key of its own that audits for it. */
const auditorAt = async (t: TestContext, [stakePlace, keyPlace]: readonly [number, number]) => {
  const { assay } = await stage.furtherProvider(stakePlace);
  const auditor = assay.context.walletClient!.account!.address;
  await assay.deposit(9n * 10n ** 11n);
  await assay.stake(9n * 10n ** 11n);
  const { key, assay: hand } = await stage.chain.actor(keyPlace, stage.front.url);
  await write(assay.context, {
    address: stage.chain.deployment.contracts.staking,
    abi: stakingAbi,
    functionName: "setOperator",
    args: [hand.context.walletClient!.account!.address, true],
  });
  // Stakes count as they were a second before the provider commits: these must not be of the same second.
  await stage.chain.skip(2);
  const { home, remove } = await watcherHome(key);
  const started: RunningWatcher[] = [];
  t.after(async () => {
    await Promise.all(started.map((watcher) => watcher.kill("SIGKILL")));
    await remove();
  });
  // It runs nothing but what its stake is drawn for.
  const environment = { ASSAY_WATCHER_AUDITOR: auditor, ASSAY_WATCHER_FRACTION: "0" };
  const start = async (): Promise<RunningWatcher> => {
    const watcher = await startWatcher(stage, home, environment);
    started.push(watcher);
    return watcher;
  };
  return { assay, auditor, start };
};

const auditEvents = (
  jobId: Hex,
  eventName: "AuditCommitted" | "AuditPaid" | "RewardKept" | "AuditDissented" | "RewardPaid",
) =>
  stage.requester.context.publicClient.getContractEvents({
    address: stage.chain.deployment.contracts.disputes,
    abi: disputesAbi,
    eventName,
    args: { jobId },
    fromBlock: 0n,
  });
const happens = (jobId: Hex, eventName: Parameters<typeof auditEvents>[1]) =>
  until(
    async () => (await auditEvents(jobId, eventName))[0],
    () => `${eventName} about ${jobId}`,
    300_000,
  );

const viewOf = async (jobId: Hex, auditor: Address) => {
  const { disputes } = stage.chain.deployment.contracts;
  return auditOf(stage.requester.context, { disputes, jobId }, auditor);
};

test(
  "a drawn auditor, killed between its steps, commits before the result is shown, and is paid",
  { timeout: 900_000 },
  async (t) => {
    const { assay, auditor, start } = await auditorAt(t, [10, 4]);
    let watcher = await start();
    const { home } = await agentFor(stage, t);
    const job = await smallJob(stage, { steps: 36, interval: 6, seed: 51n });
    const changes = { auditLine: AUDIT_LINE };
    stage.front.propose(
      await proposalFor(stage, job, changes),
      stage.provider.context.walletClient!.account!.address,
    );
    const jobId = (await eventOf(home, "submitted")).jobId as Hex;

    await happens(jobId, "AuditCommitted");
    const before_ = await assay.balance();
    assert.equal((await stage.requester.jobFromChain(jobId)).state, "committed");
    assert.equal((await viewOf(jobId, auditor)).shown, false);
    await watcher.kill("SIGKILL");
    watcher = await start();
    await skipPast(stage, (await viewOf(jobId, auditor)).until);
    await until(
      async () => ((await viewOf(jobId, auditor)).shown ? true : undefined),
      "what the auditor found",
      300_000,
    );
    await watcher.kill("SIGKILL");
    watcher = await start();
    await skipWindow(stage, jobId);
    await happens(jobId, "AuditPaid");
    assert.equal((await assay.balance()) - before_, AUDIT_LINE);
    const { settlement } = await stage.requester.jobFromChain(jobId);
    assert.equal(settlement?.assurance, "audited");
    await watcher.said("done with a job", jobId);
    assert.equal((await auditEvents(jobId, "AuditPaid")).length, 1);
    assert.equal((await auditEvents(jobId, "AuditCommitted")).length, 1);
    assert.equal(await watcher.kill("SIGTERM"), 0);
  },
);

/** A friend of the provider challenges it first, and the provider falls silent: its clock ends the game for the friend. */
const strawWins = async (
  { jobId, disputes }: Committed,
  program: Parameters<typeof programParts>[1],
  straw: Assay,
): Promise<void> => {
  const { job, prefixRoot } = await straw.jobFromChain(jobId);
  const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
  const lists = { init: initRoot, step: stepRoot, eval: evalRoot };
  await allowBonds(straw.context, disputes, 10n ** 11n);
  const { gameId } = await challenge(
    straw.context,
    job,
    prefixRoot!,
    { header: toHex(header), lists },
    "checkpoint",
  );
  const game = await readGame(straw.context, { disputes, gameId });
  await skipPast(stage, game.clocks.movedAt + game.clocks.providerLeft);
  await timeout(straw.context, game, { side: "provider", job });
};

test(
  "a provider whose audited result is wrong is challenged by its auditor, who has the reward although a straw challenger wins first",
  { timeout: 900_000 },
  async (t) => {
    const { assay, auditor, start } = await auditorAt(t, [11, 5]);
    let watcher = await start();
    const provider = (await stage.furtherProvider(12)).assay;
    const straw = (await stage.chain.actor(6, stage.front.url)).assay;
    await straw.deposit(10n ** 11n);
    const job = await smallJob(stage, { steps: 36, interval: 6, seed: 52n });
    const changes = { auditLine: AUDIT_LINE };
    const proposal = await proposalFor(stage, job, changes, { collateral: 10n ** 9n });
    const wrong = await commitWrong(provider, job, proposal, { lazy: true });
    t.after(() => wrong.run.close());
    const { jobId } = wrong;
    // The provider does nothing about the draw, so the auditor does.
    await stage.chain.skip(60);
    await happens(jobId, "AuditCommitted");
    const before_ = await assay.balance();
    await skipPast(stage, (await viewOf(jobId, auditor)).until);
    await wrong.reveal();
    await watcher.said("challenged", jobId);
    // Away while the friend ends its own game: the provider is silent in both.
    await watcher.kill("SIGKILL");
    const strawBefore = await straw.balance();
    await strawWins(wrong, job.program, straw);
    watcher = await start();

    const { amount } = (await happens(jobId, "RewardKept")).args as { readonly amount: bigint };
    await happens(jobId, "AuditDissented");
    const { reward } = await viewOf(jobId, auditor);
    await skipPast(stage, reward!.until);
    await happens(jobId, "RewardPaid");
    assert.equal((await assay.balance()) - before_, amount);
    assert.equal((await straw.jobFromChain(jobId)).state, "slashed");
    const gained = (await straw.balance()) - strawBefore;
    assert.ok(gained < amount, `${gained} for its gas`);
    assert.equal((await watcher.said("done with a job", jobId))["outcome"], "returned");
    assert.equal(await watcher.kill("SIGTERM"), 0);
  },
);
