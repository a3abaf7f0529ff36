/** Several providers under one request: each commits before it can see another's result, one of them killed in between. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { disputesAbi, marketAbi } from "@assay/protocol/generated/abis";
import { disputeStatus } from "@assay/sdk/disputes/read";
import type { Hex } from "viem";
import { privateKeyToAddress as addressOf } from "viem/accounts";
import {
  agentFor,
  eventOf,
  LONG_WINDOWS,
  proposalFor,
  rerun,
  setStage,
  skipPast,
  skipWindow,
  smallJob,
  until,
} from "./story.ts";

/** However long one replica takes to follow the other, both are shown before either is settled; and every job is drawn. */
const stage = await setStage({ ...LONG_WINDOWS, auditRateBps: 10_000 });
after(() => stage.close());

test("two replicas commit, then reveal, and both settle as replicated", async (t) => {
  const others = [await stage.furtherProvider(11), await stage.furtherProvider(12)];
  const agents = await Promise.all(
    others.map(async ({ key, assay }) => {
      const provider = assay.context.walletClient!.account!.address;
      return { provider, ...(await agentFor(stage, t, {}, key)) };
    }),
  );
  const [one, two] = agents as [(typeof agents)[number], (typeof agents)[number]];
  const job = await smallJob(stage, { seed: 41n });
  const proposal = await proposalFor(stage, job, { replicas: 2 });
  const stateOf = async (jobId: Hex): Promise<string> =>
    (await stage.requester.jobFromChain(jobId)).state;

  stage.front.propose(proposal, one.provider);
  const first = (await eventOf(one.home, "submitted")).jobId as Hex;
  assert.equal(await stateOf(first), "committed");
  const seen = await stage.requester.jobFromChain(first);
  assert.equal(seen.modelCid, undefined, "nothing of the result is on chain");
  // It forgets nothing that the reveal needs.
  await one.agent.kill("SIGKILL");
  await one.start();

  const id = `${proposal.id}-second`;
  const answerBy = Math.floor(Date.now() / 1000) + 300;
  stage.front.propose({ ...proposal, id, answerBy }, two.provider);
  await skipWindow(stage, first, (await eventOf(two.home, "submitted")).jobId as Hex);
  const ends = await Promise.all(agents.map(({ home }) => eventOf(home, "ended")));
  assert.deepEqual(
    ends.map(({ outcome }) => outcome),
    ["settled", "settled"],
  );
  const whole = await rerun(job);
  const records = await stage.requester.provenance(whole.modelRoot);
  assert.deepEqual(
    records.map(({ assurance, agreeing }) => [assurance, agreeing]),
    [
      ["replicated", 2],
      ["replicated", 2],
    ],
  );
  assert.equal(new Set(records.map(({ provider }) => provider)).size, 2);
  const { modelCid } = await stage.requester.jobFromChain(first);
  assert.ok(modelCid !== undefined);
  const { contracts } = stage.chain.deployment;
  const taken = await stage.requester.context.publicClient.readContract({
    address: contracts.market,
    abi: marketAbi,
    functionName: "placesTaken",
    args: [proposal.request],
  });
  assert.equal(taken, 2n);
});

test("an audited job is drawn by its own provider, then revealed and settled", async (t) => {
  const { key } = await stage.furtherProvider(13);
  const { home } = await agentFor(stage, t, {}, key);
  const job = await smallJob(stage, { seed: 43n });
  stage.front.propose(await proposalFor(stage, job, { auditLine: 1_000n }), addressOf(key));
  const jobId = (await eventOf(home, "submitted")).jobId as Hex;
  const { disputes } = (await stage.requester.jobFromChain(jobId)).job.terms;
  const auditUntil = await until(async () => {
    const status = await disputeStatus(stage.requester.context, { disputes, jobId });
    return status.auditUntil === 0 ? undefined : status.auditUntil;
  }, "the draw");
  await skipPast(stage, auditUntil);
  await skipWindow(stage, jobId);
  assert.equal((await eventOf(home, "ended")).outcome, "settled");
  const { contracts } = stage.chain.deployment;
  const resolved = await stage.requester.context.publicClient.getContractEvents({
    address: contracts.disputes,
    abi: disputesAbi,
    eventName: "DrawResolved",
    args: { jobId },
    fromBlock: 0n,
  });
  assert.equal(resolved.length, 1);
});
