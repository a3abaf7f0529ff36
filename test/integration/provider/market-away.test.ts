import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { paidUpTo } from "@assay/protocol/domain/money";
import { agentFor, eventOf, proposalFor, setStage, smallJob } from "./story.ts";

test(
  "a job is finished and paid by an agent that is restarted while the market is away",
  { timeout: 400_000 },
  async (t) => {
    const stage = await setStage();
    t.after(() => stage.close());
    // Killed long before the end: an agent without an open job does not start while the market is away.
    const slow = { ASSAY_PROVIDER_DUTY_CYCLE: "0.01" };
    const { home, agent, start } = await agentFor(stage, t, slow);
    const job = await smallJob(stage, { steps: 20_000, interval: 2_000, seed: 31n });
    stage.front.propose(await proposalFor(stage, job));
    await eventOf(home, "agreed");
    await agent.kill("SIGKILL");
    // Nobody listens on port 1; the gateway alone is there.
    const away = {
      ASSAY_PROVIDER_API_URL: "http://127.0.0.1:1",
      ASSAY_PROVIDER_GATEWAY_URL: stage.front.url,
    };
    const { child } = await start(away);
    const end = await eventOf(home, "ended");
    const { terms } = (await stage.requester.jobFromChain(end.jobId!)).job;
    assert.equal(end.outcome, "settled");
    assert.equal(BigInt(end.paid!), paidUpTo(terms.price, terms, 10));
    const gone = once(child, "exit");
    child.kill("SIGUSR1");
    child.kill("SIGUSR1");
    assert.deepEqual(await gone, [0, null]);
  },
);
