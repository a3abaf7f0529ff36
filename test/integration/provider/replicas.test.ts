/** Several providers under one request: each commits before it can see another's result, one of them killed in between. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { disputesAbi, marketAbi } from "@assay/protocol/generated/abis";
import type { Hex } from "viem";
import { privateKeyToAddress as addressOf } from "viem/accounts";
import {
  agentHome,
  journalOf,
  proposalFor,
  rerun,
  setStage,
  smallJob,
  startAgent,
  until,
  type Stage,
} from "./story.ts";

let stage: Stage;
before(async () => {
  stage = await setStage();
});
after(() => stage.close());

const PATIENCE_MS = 120_000;

test("two replicas commit, then reveal, and both settle as replicated", async (t) => {
  const others = [await stage.furtherProvider(11), await stage.furtherProvider(12)];
  const agents = await Promise.all(
    others.map(async ({ key, assay }) => {
      const { home, remove } = await agentHome(stage, key);
      const agent = await startAgent(stage, home);
      const provider = assay.context.walletClient!.account!.address;
      const held = { home, provider, agent };
      t.after(async () => {
        await held.agent.kill("SIGKILL");
        await remove();
      });
      return held;
    }),
  );
  const [one, two] = agents as [(typeof agents)[number], (typeof agents)[number]];
  const job = await smallJob(stage, { seed: 41n });
  const proposal = await proposalFor(stage, job, { replicas: 2, runTime: 600 });
  const eventOf = (home: string, kind: string) =>
    until(
      async () => (await journalOf(home)).find((event) => event.kind === kind),
      kind,
      PATIENCE_MS,
    );
  const stateOf = async (jobId: Hex): Promise<string> =>
    (await stage.requester.jobFromChain(jobId)).state;

  stage.front.propose(proposal, one.provider);
  const first = (await eventOf(one.home, "submitted")).jobId as Hex;
  assert.equal(await stateOf(first), "committed");
  const seen = await stage.requester.jobFromChain(first);
  assert.equal(seen.modelCid, undefined, "nothing of the result is on chain");
  // It forgets nothing that the reveal needs.
  await one.agent.kill("SIGKILL");
  one.agent = await startAgent(stage, one.home);

  const id = `${proposal.id}-second`;
  const answerBy = Math.floor(Date.now() / 1000) + 60;
  stage.front.propose({ ...proposal, id, answerBy }, two.provider);
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
  const { home, remove } = await agentHome(stage, key);
  const agent = await startAgent(stage, home);
  t.after(async () => {
    await agent.kill("SIGKILL");
    await remove();
  });
  const job = await smallJob(stage, { seed: 43n });
  const changes = { auditLine: 1_000n, runTime: 600 };
  stage.front.propose(await proposalFor(stage, job, changes), addressOf(key));
  const kindOf = (kind: string) =>
    until(
      async () => (await journalOf(home)).find((event) => event.kind === kind),
      kind,
      PATIENCE_MS,
    );
  const { jobId } = await kindOf("submitted");
  const { outcome } = await kindOf("ended");
  assert.equal(outcome, "settled");
  const { contracts } = stage.chain.deployment;
  const resolved = await stage.requester.context.publicClient.getContractEvents({
    address: contracts.disputes,
    abi: disputesAbi,
    eventName: "DrawResolved",
    args: { jobId: jobId as Hex },
    fromBlock: 0n,
  });
  assert.equal(resolved.length, 1);
});
