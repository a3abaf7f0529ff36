import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";
import {
  agentFor,
  eventOf,
  marketEvents,
  proposalFor,
  setStage,
  skipWindow,
  smallJob,
} from "./story.ts";

/** A long window: no job is settled before it is undone. */
const stage = await setStage({ challengeWindow: 600, unbonding: 30_000 });
after(() => stage.close());

/** What a reorganisation takes back, by the last event that the agent noted before it. */
for (const kind of ["agreed", "submitted"] as const)
  test(`a reorganisation that undoes the job once it was ${kind} costs nothing but time`, async (t) => {
    const { home } = await agentFor(stage, t);
    const job = await smallJob(stage, { seed: kind === "agreed" ? 71n : 72n });
    const undo = await stage.chain.snapshot();
    const accepted = once(stage.front.events, "accepted");
    stage.front.propose(await proposalFor(stage, job));
    const [{ jobId }] = (await accepted) as [{ jobId: `0x${string}` }];
    await eventOf(home, kind);
    await undo();
    await stage.front.carryAgain();
    await skipWindow(stage, jobId);
    await eventOf(home, "ended");
    assert.equal((await marketEvents(stage, jobId, "Settled")).length, 1);
  });
