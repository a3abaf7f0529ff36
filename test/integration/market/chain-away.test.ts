/** A market whose chain is away, slow, or says wrong things. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { marketAbi } from "@assay/protocol/generated/abis";
import { jobViewSchema, problemSchema } from "@assay/protocol/wire/api";
import type { Hex } from "viem";
import { createMarket, type Market } from "../../../services/market/market.ts";
import { startRpcProxy, type RpcProxy } from "../../support/rpc-proxy.ts";
import {
  call,
  events,
  makeOffer,
  makeRequest,
  ok,
  startAgent,
  until,
  uploadInputs,
  type Agent,
} from "./actors.ts";
import { embedded, type Backend } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";

describe("a market whose chain has troubles", () => {
  let chain: TestChain;
  let proxy: RpcProxy;
  let backend: Backend;
  let market: Market;
  let url: string;
  let agent: Agent;
  let inputs: Awaited<ReturnType<typeof uploadInputs>>;

  before(async () => {
    [chain, backend] = await Promise.all([startChain(), embedded()]);
    proxy = await startRpcProxy(chain.rpcUrl);
    market = await createMarket({
      rpcUrl: proxy.url,
      deployment: chain.deployment,
      ...backend,
      account: chain.account(1),
      logger: silent,
      pollInterval: 50,
      answerTime: 600,
    });
    url = market.url;
    await chain.stake(chain.account(3), 10n ** 9n);
    await chain.fund(chain.account(2), 10n ** 9n);
    await market.indexer?.catchUp();
    inputs = await uploadInputs(url);
    const { digest: _, ...body } = await makeOffer(chain, chain.account(3), { capacity: 16 });
    ok(await call(url, "POST", "/v1/offers", { body }));
    agent = await startAgent(url, chain, chain.account(3));
  });
  afterEach(() => proxy.pass());
  after(async () => {
    agent.leave();
    await market.close();
    await proxy.close();
    await chain.close();
    await backend.remove();
  });

  const signed = () => makeRequest(chain, chain.account(2), inputs);
  const post = async (): Promise<Hex> => {
    const { digest, ...body } = await signed();
    ok(await call(url, "POST", "/v1/requests", { body }));
    return digest;
  };
  const proposalOf = (digest: Hex) =>
    until(agent.proposals, ({ requestDigest }) => requestDigest === digest);
  const oneJob = async (digest: Hex, jobId: Hex): Promise<void> => {
    const watched = events(`${url}/v1/requests/${digest}/events`, {}, AbortSignal.timeout(180_000));
    const told = await until(watched, ({ event }) => event === "job");
    assert.equal(jobViewSchema.parse(told.data).id, jobId);
    const agreed = await chain.client.getContractEvents({
      address: chain.deployment.contracts.market,
      abi: marketAbi,
      eventName: "Agreed",
      fromBlock: 0n,
      strict: true,
    });
    assert.equal(agreed.filter(({ args }) => args.terms.requestDigest === digest).length, 1);
  };

  test("what needs the chain is refused with a code while it is away, and taken when it is back", async () => {
    const { digest, ...body } = await signed();
    proxy.down();
    const refused = await call(url, "POST", "/v1/requests", { body });
    assert.equal(refused.status, 503);
    const { code, remedy } = problemSchema.parse(refused.body);
    assert.equal(code, "CHAIN_UNREACHABLE");
    assert.ok(remedy);
    assert.equal((await call(url, "GET", "/health")).status, 200);
    assert.equal((await call(url, "GET", "/v1/jobs")).status, 200);
    proxy.pass();
    ok(await call(url, "POST", "/v1/requests", { body }));
    const { jobId } = await agent.accept(await proposalOf(digest));
    await oneJob(digest, jobId);
  });

  test("a pair that was accepted when the chain went away is agreed when it is back, once", async () => {
    const digest = await post();
    const proposal = await proposalOf(digest);
    let cut = 0;
    const tried = Promise.withResolvers<void>();
    proxy.set(async (method, forward) => {
      if (!/eth_(estimateGas|sendRawTransaction)/.test(method))
        return { status: 200, body: await forward() };
      if (++cut === 4) tried.resolve();
      return "cut";
    });
    const { answer, jobId } = await agent.accept(proposal);
    assert.equal(answer.status, 202);
    await tried.promise;
    proxy.pass();
    await oneJob(digest, jobId);
  });

  test("regression: an agreement reported failed that had mined is one job, and its request knows it", async () => {
    const digest = await post();
    const proposal = await proposalOf(digest);
    proxy.set(async (method, forward) => {
      const body = await forward();
      if (!method.includes("eth_sendRawTransaction")) return { status: 200, body };
      const answers = [JSON.parse(body) as { id: number }].flat().map(({ id }) => ({
        jsonrpc: "2.0",
        id,
        error: { code: -32_000, message: "transaction execution failed" },
      }));
      return { status: 200, body: JSON.stringify(body.startsWith("[") ? answers : answers[0]) };
    });
    const { jobId } = await agent.accept(proposal);
    await oneJob(digest, jobId);
  });

  test("a chain whose every answer takes its time is only slow", async () => {
    proxy.set(async (_method, forward) => {
      await sleep(100);
      return { status: 200, body: await forward() };
    });
    const digest = await post();
    const { jobId } = await agent.accept(await proposalOf(digest));
    await oneJob(digest, jobId);
  });
});
