import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { marketAbi } from "@assay/protocol/generated/abis";
import {
  agentHome,
  journalOf,
  proposalFor,
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

/** What a reorganisation takes back, by the last event that the agent noted before it. */
for (const kind of ["agreed", "submitted"] as const)
  test(`a reorganisation that undoes the job once it was ${kind} costs nothing but time`, async (t) => {
    const { home, remove } = await agentHome(stage);
    const agent = await startAgent(stage, home);
    t.after(async () => {
      await agent.kill("SIGKILL");
      await remove();
    });
    const job = await smallJob(stage, { seed: kind === "agreed" ? 71n : 72n });
    const undo = await stage.chain.snapshot();
    const accepted = once(stage.front.events, "accepted");
    stage.front.propose(await proposalFor(stage, job));
    const [{ jobId }] = (await accepted) as [{ jobId: `0x${string}` }];
    await until(
      async () => (await journalOf(home)).some((event) => event.kind === kind) || undefined,
      kind,
    );
    await undo();
    await stage.front.carryAgain();
    await until(
      async () => (await journalOf(home)).find((event) => event.kind === "ended"),
      "the end",
      60_000,
    );
    const settled = await stage.requester.context.publicClient.getContractEvents({
      address: stage.chain.deployment.contracts.market,
      abi: marketAbi,
      eventName: "Settled",
      args: { jobId },
      fromBlock: 0n,
    });
    assert.equal(settled.length, 1);
  });
