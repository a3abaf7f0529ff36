/** Jobs that change hands at a checkpoint: drained, killed; the second provider ends with the bits of an uninterrupted run. */
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { checkpointCount, paidUpTo, stepAtCheckpoint } from "@assay/protocol/domain/money";
import type { Request } from "@assay/protocol/domain/messages";
import type { SignedReceipt } from "@assay/protocol/wire/api";
import type { Hex } from "viem";
import {
  agentFor,
  eventOf,
  proposalFor,
  rerun,
  setStage,
  skipWindow,
  smallJob,
  until,
  type SmallJob,
} from "./story.ts";

const stage = await setStage();
after(() => stage.close());
const second = await stage.furtherProvider(10);

const SLOW = { ASSAY_PROVIDER_DUTY_CYCLE: "0.02", ASSAY_PROVIDER_RECEIPT_SECONDS: "0" };
const slowJob = (seed: bigint) => smallJob(stage, { steps: 60_000, interval: 1_500, seed });

/** The latest receipt that the market got, once there is one for `checkpoint` or later. */
const receiptFrom = (checkpoint: number): Promise<SignedReceipt> =>
  new Promise((resolve) => {
    const take = (receipt: SignedReceipt): void => {
      if (receipt.submission.checkpoint < checkpoint) return;
      stage.front.events.off("receipt", take);
      resolve(receipt);
    };
    stage.front.events.on("receipt", take);
  });

/** Request fields of the job that goes on where `jobId` was settled. */
const successorOf = async (jobId: Hex): Promise<Partial<Request>> => {
  const { job } = await stage.requester.jobFromChain(jobId);
  const { terms, progress } = job;
  const records = await stage.requester.provenance(progress.modelRoot);
  return {
    startRoot: progress.stateRoot,
    startStep: stepAtCheckpoint(terms, progress.checkpoint),
    parentRoot: progress.modelRoot,
    parentIndex: records.findIndex((record) => record.jobId === jobId),
    initUnits: 0n,
  };
};

/** The second provider does the rest; asserts that the model is that of a run without interruption. */
const finishElsewhere = async (t: TestContext, job: SmallJob, first: Hex): Promise<void> => {
  const { home } = await agentFor(stage, t, {}, second.key);
  const change = await successorOf(first);
  stage.front.propose(
    await proposalFor(stage, job, change),
    second.assay.context.walletClient!.account!.address,
  );
  const end = await eventOf(home, "ended");
  assert.equal(end.outcome, "settled");
  const rest = await stage.requester.jobFromChain(end.jobId as Hex);
  const whole = await rerun(job);
  assert.equal(rest.job.progress.modelRoot, whole.modelRoot);
  assert.equal(rest.job.progress.evalRoot, whole.evalRoot);
  assert.equal(rest.settlement?.paid, rest.job.terms.price);
  const [record] = await stage.requester.provenance(whole.modelRoot);
  const lineage = await stage.requester.lineage(whole.modelRoot, 0);
  assert.deepEqual(
    lineage.map(({ record: { jobId } }) => jobId),
    [end.jobId, first],
  );
  assert.equal(record?.parentRoot, change.parentRoot);
};

test("a drained provider hands its job over at a checkpoint, is paid for it, and leaves", async (t) => {
  const { home, agent } = await agentFor(stage, t, SLOW);
  const job = await slowJob(31n);
  const receipt = receiptFrom(1);
  const leaving = new Promise<Hex>((resolve) => {
    stage.front.events.on("progress", ({ jobId, report }) => report.leaving && resolve(jobId));
  });
  stage.front.propose(await proposalFor(stage, job));
  await receipt;
  agent.child.kill("SIGUSR1");
  const jobId = await leaving;
  await stage.requester.stop(jobId);
  await skipWindow(stage, jobId);
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
  await until(() => agent.child.exitCode ?? undefined, "the agent to leave");
  assert.equal(agent.child.exitCode, 0);
  const { job: handed, settlement } = await stage.requester.jobFromChain(jobId);
  const { terms, progress } = handed;
  assert.ok(progress.checkpoint >= 1 && progress.checkpoint < checkpointCount(terms));
  assert.equal(settlement?.paid, paidUpTo(terms.price, terms, progress.checkpoint));
  await finishElsewhere(t, job, jobId);
});

test("a provider that dies is paid up to its last receipt, and another goes on from there", async (t) => {
  const { agent } = await agentFor(stage, t, SLOW);
  const job = await slowJob(32n);
  const receipt = receiptFrom(2);
  stage.front.propose(await proposalFor(stage, job));
  const signed = await receipt;
  await agent.kill("SIGKILL");
  const { jobId, checkpoint } = signed.submission;
  const { job: agreed } = await stage.requester.jobFromChain(jobId);
  await stage.chain.skip(agreed.terms.deadline - (await stage.chain.now()) + 1);
  await stage.requester.presentReceipt(signed);
  const { job: presented } = await stage.requester.jobFromChain(jobId);
  await stage.chain.skip(presented.progress.windowEnd - (await stage.chain.now()) + 1);
  await stage.requester.settle(jobId);
  const { settlement } = await stage.requester.jobFromChain(jobId);
  const done = paidUpTo(agreed.terms.price, agreed.terms, checkpoint);
  const { latenessBps } = await stage.requester.parameters();
  assert.equal(settlement?.paid, done - (done * BigInt(latenessBps)) / 10_000n);
  await finishElsewhere(t, job, jobId);
});
