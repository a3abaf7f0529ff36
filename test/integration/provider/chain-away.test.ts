/** An agent whose chain is away, slow, or says wrong things: it costs time, never money. */
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "viem";
import { startRpcProxy } from "../../support/rpc-proxy.ts";
import { agentFor, eventOf, marketEvents, proposalFor, setStage, smallJob } from "./story.ts";

const stage = await setStage();
after(() => stage.close());

/** An agent that sees the chain through a proxy. */
const agentBehind = async (t: TestContext, environment: Record<string, string> = {}) => {
  const proxy = await startRpcProxy(stage.chain.rpcUrl);
  const { home } = await agentFor(stage, t, { ASSAY_PROVIDER_RPC_URL: proxy.url, ...environment });
  t.after(() => proxy.close());
  return { home, proxy };
};

const paidOnce = async (home: string): Promise<void> => {
  const end = await eventOf(home, "ended");
  assert.equal(end.outcome, "settled");
  const jobId = end.jobId as Hex;
  const { terms } = (await stage.requester.jobFromChain(jobId)).job;
  assert.equal(BigInt(end.paid ?? "0"), terms.price);
  for (const eventName of ["Submitted", "Settled"] as const)
    assert.equal((await marketEvents(stage, jobId, eventName)).length, 1, eventName);
};

test("a chain that goes away while a job trains, and is back later, costs nothing but time", async (t) => {
  const { home, proxy } = await agentBehind(t, { ASSAY_PROVIDER_DUTY_CYCLE: "0.05" });
  const job = await smallJob(stage, { steps: 20_000, interval: 2_000, seed: 81n });
  stage.front.propose(await proposalFor(stage, job));
  await eventOf(home, "agreed");
  proxy.down();
  await eventOf(home, "trained");
  proxy.pass();
  await paidOnce(home);
});

test("a chain whose every answer takes its time is only slow", async (t) => {
  const { home, proxy } = await agentBehind(t);
  proxy.set(async (_method, forward) => {
    await sleep(200);
    return { status: 200, body: await forward() };
  });
  const job = await smallJob(stage, { seed: 82n });
  stage.front.propose(await proposalFor(stage, job));
  await paidOnce(home);
});

test("regression: a submission reported failed that had mined is not sent again", async (t) => {
  const { home, proxy } = await agentBehind(t);
  proxy.set(async (method, forward) => {
    const body = await forward();
    if (method !== "eth_sendRawTransaction") return { status: 200, body };
    const { id } = JSON.parse(body) as { id: number };
    const error = { code: -32_000, message: "transaction execution failed" };
    return { status: 200, body: JSON.stringify({ jsonrpc: "2.0", id, error }) };
  });
  const job = await smallJob(stage, { seed: 83n });
  stage.front.propose(await proposalFor(stage, job));
  await paidOnce(home);
});
