import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { marketAbi } from "@assay/protocol/generated/abis";
import { paidUpTo } from "@assay/protocol/domain/money";
import { write } from "@assay/sdk/chain/write";
import { readStatus } from "@assay/provider/status/status";
import type { Hex } from "viem";
import {
  agentFor,
  agentsFor,
  eventOf,
  journalOf,
  proposalFor,
  rerun,
  setStage,
  skipWindow,
  smallJob,
  until,
} from "./story.ts";

const stage = await setStage();
after(() => stage.close());

const refusalOf = async (proposal: Parameters<typeof stage.front.propose>[0]): Promise<string> => {
  const refused = once(stage.front.events, "refused");
  stage.front.propose(proposal);
  const [{ code }] = (await refused) as [{ code: string }];
  return code;
};
const SLOW = { ASSAY_PROVIDER_DUTY_CYCLE: "0.03" };
const slowJob = (seed: bigint) => smallJob(stage, { steps: 60_000, interval: 1_500, seed });

test("a job that the requester stops is paid up to the latest checkpoint", async (t) => {
  const { home } = await agentFor(stage, t, SLOW);
  const job = await slowJob(21n);
  stage.front.propose(await proposalFor(stage, job));
  const jobId = (await eventOf(home, "agreed")).jobId as Hex;
  await until(async () => (await checkpointsOf(home)) >= 2 || undefined, "two checkpoints");
  const { job: record } = await stage.requester.jobFromChain(jobId);
  await write(stage.requester.context, {
    address: stage.chain.deployment.contracts.market,
    abi: marketAbi,
    functionName: "stop",
    args: [record],
  });
  await skipWindow(stage, jobId);
  const end = await eventOf(home, "ended");
  const { job: last, settlement } = await stage.requester.jobFromChain(jobId);
  const { checkpoint } = last.progress;
  assert.ok(checkpoint >= 2 && checkpoint < 40, `checkpoint ${checkpoint}`);
  assert.equal(settlement?.paid, paidUpTo(last.terms.price, last.terms, checkpoint));
  assert.equal(BigInt(end.paid ?? "0"), settlement?.paid);
  const whole = await rerun(job);
  assert.equal(last.progress.stateRoot, whole.checkpointRoots[checkpoint]);
});

const checkpointsOf = async (home: string): Promise<number> =>
  (await readStatus(`${home}/state/status.json`)).jobs[0]?.checkpoint ?? 0;
/** Lets the chain's time run past the job's deadline, and `more` seconds. */
const skipDeadline = async (jobId: Hex, more = 1): Promise<void> => {
  const { job } = await stage.requester.jobFromChain(jobId);
  await stage.chain.skip(job.terms.deadline - (await stage.chain.now()) + more);
};

test("a job that misses its deadline is paid for what was done, less the holdback", async (t) => {
  const { home } = await agentFor(stage, t, SLOW);
  const job = await slowJob(22n);
  stage.front.propose(await proposalFor(stage, job));
  const jobId = (await eventOf(home, "agreed")).jobId as Hex;
  await until(async () => (await checkpointsOf(home)) >= 2 || undefined, "two checkpoints");
  await skipDeadline(jobId);
  await skipWindow(stage, jobId);
  const end = await eventOf(home, "ended");
  assert.equal(end.outcome, "settled");
  const { job: last, settlement } = await stage.requester.jobFromChain(jobId);
  const done = paidUpTo(last.terms.price, last.terms, last.progress.checkpoint);
  assert.ok(last.progress.checkpoint >= 2);
  assert.ok(settlement!.paid > 0n && settlement!.paid < done);
});

test("a job without a checkpoint by its deadline expires and frees the place", async (t) => {
  const { home } = await agentFor(stage, t, SLOW);
  const job = await smallJob(stage, { steps: 60_000, interval: 60_000, seed: 23n });
  stage.front.propose(await proposalFor(stage, job));
  const jobId = (await eventOf(home, "agreed")).jobId as Hex;
  const { receiptGrace } = await stage.requester.parameters();
  await skipDeadline(jobId, receiptGrace + 1);
  assert.equal((await eventOf(home, "ended")).outcome, "expired");
  const next = await smallJob(stage, { steps: 50, interval: 50, seed: 24n });
  stage.front.propose(await proposalFor(stage, next));
  await until(
    async () => (await journalOf(home)).some(({ outcome }) => outcome === "settled") || undefined,
    "the next job",
  );
});

test("an agent that was off when its deadline passed presents its checkpoint when it is back", async (t) => {
  const { home, agent, start } = await agentFor(stage, t, SLOW);
  const job = await slowJob(25n);
  stage.front.propose(await proposalFor(stage, job));
  const jobId = (await eventOf(home, "agreed")).jobId as Hex;
  await until(async () => (await checkpointsOf(home)) >= 2 || undefined, "two checkpoints");
  await agent.kill("SIGKILL");
  await skipDeadline(jobId);
  await start();
  await skipWindow(stage, jobId);
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
  const { job: last } = await stage.requester.jobFromChain(jobId);
  assert.ok(last.progress.checkpoint >= 2 && last.progress.checkpoint < 40);
});

test("proposals are refused with the reason, on real inputs", async (t) => {
  await agentFor(stage, t, { ASSAY_PROVIDER_MAX_DATA_MIB: "1", ASSAY_PROVIDER_PRICE: "1" });
  const job = await smallJob(stage, { seed: 30n });
  const other: Hex = `0x${"cd".repeat(32)}`;
  const propose = async (
    ...rest: [Parameters<typeof proposalFor>[2]?, Parameters<typeof proposalFor>[3]?]
  ) => refusalOf(await proposalFor(stage, job, ...rest));
  assert.equal(await propose({ programRoot: other }), "PROGRAM_ROOT_MISMATCH");
  assert.equal(await propose({ dataRoot: other }), "DATA_ROOT_MISMATCH");
  assert.equal(await propose({ dataCid: other }), "CONTENT_NOT_FOUND");
  assert.equal(await propose({ stepUnits: job.named.stepUnits - 1n }), "UNITS_MISMATCH");
  assert.equal(await propose({ runTime: 1 }), "DEADLINE_TOO_SHORT");
  assert.equal(await propose({}, { unitPrice: 1n }), "PRICE_BELOW_ASK");
  const spoiled = await proposalFor(stage, job);
  assert.equal(
    await refusalOf({ ...spoiled, request: { ...spoiled.request, maximum: 1n } }),
    "REQUEST_MISMATCH",
  );
});

test("a full agent refuses more, drains when told, and leaves with nothing open", async (t) => {
  // Full for seconds, on any machine.
  const { home, agent } = await agentFor(stage, t, { ASSAY_PROVIDER_DUTY_CYCLE: "0.05" });
  const job = await slowJob(31n);
  stage.front.propose(await proposalFor(stage, job));
  await eventOf(home, "agreed");
  assert.equal(await refusalOf(await proposalFor(stage, job, { seed: 32n })), "PROVIDER_BUSY");
  const withdrawn = once(stage.front.events, "withdrawn");
  const gone = once(agent.child, "exit");
  agent.child.kill("SIGUSR1");
  await withdrawn;
  const [code] = (await gone) as [number];
  assert.equal(code, 0);
  assert.equal((await journalOf(home)).at(-1)?.outcome, "settled");
  assert.equal((await readStatus(`${home}/state/status.json`)).state, "stopped");
});

test("two jobs run side by side where there are two places", async (t) => {
  const { home } = await agentFor(stage, t, { ASSAY_PROVIDER_CAPACITY: "2" });
  const jobs = await Promise.all([41n, 42n].map((seed) => smallJob(stage, { seed })));
  for (const job of jobs) stage.front.propose(await proposalFor(stage, job));
  await until(
    async () =>
      (await journalOf(home)).filter(({ outcome }) => outcome === "settled").length === 2 ||
      undefined,
    "both settled",
  );
});

test("an agent signs in again at a market that was restarted", async (t) => {
  const { home } = await agentFor(stage, t);
  const listening = once(stage.front.events, "listening");
  stage.front.restart();
  await listening;
  const job = await smallJob(stage, { seed: 51n });
  stage.front.propose(await proposalFor(stage, job));
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
});

test("an acceptance that nobody carries holds no money, and a later job runs", async (t) => {
  stage.front.carries = false;
  t.after(() => {
    stage.front.carries = true;
  });
  const { home } = await agentFor(stage, t, { ASSAY_PROVIDER_CAPACITY: "2" });
  const stake = await stage.provider.stakeOf();
  const job = await smallJob(stage, { seed: 61n });
  stage.front.propose(await proposalFor(stage, job));
  await eventOf(home, "accepted");
  await sleep(1_500);
  assert.deepEqual(await stage.provider.stakeOf(), stake);
  stage.front.carries = true;
  stage.front.propose(await proposalFor(stage, await smallJob(stage, { seed: 62n })));
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
});

test("what keeps an agent from starting is said with a code and a remedy", async (t) => {
  const { home, start } = await agentsFor(stage, t);
  await assert.rejects(start({ ASSAY_PROVIDER_HARDWARE: "gpu" }), /"GPU_BACKEND_MISSING".*remedy/);
  await assert.rejects(start({ ASSAY_PROVIDER_KEY_FILE: "/nowhere" }), /"KEY_FILE_UNREADABLE"/);
  await assert.rejects(start({ ASSAY_PROVIDER_PRICE: "cheap" }), /"CONFIG_INVALID"/);
  const stranger = `0x${"12".repeat(20)}`;
  await assert.rejects(start({ ASSAY_PROVIDER_ADDRESS: stranger }), /"OPERATOR_NOT_ALLOWED"/);
  const poor = await stage.chain.actor(9);
  const { writeFile } = await import("node:fs/promises");
  await writeFile(`${home}/poor`, poor.key);
  await assert.rejects(start({ ASSAY_PROVIDER_KEY_FILE: `${home}/poor` }), /"STAKE_MISSING"/);
  await start();
  await assert.rejects(start(), /"AGENT_ALREADY_RUNS"/);
});
