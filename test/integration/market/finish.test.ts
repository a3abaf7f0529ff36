/** Providers that vanish: the market presents their receipts, settles and expires, and lets another one take the job. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { paidUpTo } from "@assay/protocol/domain/money";
import { jobViewSchema, requestStatusSchema, type JobView } from "@assay/protocol/wire/api";
import type { Request } from "@assay/protocol/domain/messages";
import type { Hex, LocalAccount } from "viem";
import { createMarket, type Market } from "../../../services/market/market.ts";
import {
  call,
  codeOf,
  events,
  makeOffer,
  next,
  now,
  ok,
  startAgent,
  until,
  uploadInputs,
} from "./actors.ts";
import { embedded, type Backend } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";
import { agreedBy, receiptOf } from "./jobs.ts";

describe("jobs that their providers leave", () => {
  let chain: TestChain;
  let backend: Backend;
  let market: Market;
  let url: string;
  let inputs: Awaited<ReturnType<typeof uploadInputs>>;

  before(async () => {
    [chain, backend] = await Promise.all([startChain(), embedded()]);
    market = await createMarket({
      rpcUrl: chain.rpcUrl,
      deployment: chain.deployment,
      ...backend,
      account: chain.account(1),
      logger: silent,
      pollInterval: 50,
      answerTime: 60,
    });
    url = market.url;
    for (const place of [3, 4]) await chain.stake(chain.account(place), 10n ** 9n);
    await chain.fund(chain.account(2), 10n ** 9n);
    await market.indexer?.catchUp();
    inputs = await uploadInputs(url);
  });
  after(async () => {
    await market.close();
    await chain.close();
    await backend.remove();
  });

  const follow = (path: string) => events(`${url}${path}/events`, {}, AbortSignal.timeout(180_000));
  const jobOf = async (id: Hex): Promise<JobView> =>
    jobViewSchema.parse(ok(await call(url, "GET", `/v1/jobs/${id}`)));

  const agreed = (account: LocalAccount, request: Partial<Request> = {}) =>
    agreedBy({ url, chain, requester: chain.account(2), inputs }, account, { request });
  const give = (jobId: Hex, body: unknown) =>
    call(url, "POST", `/v1/jobs/${jobId}/receipts`, { body });

  const final = async (jobId: Hex): Promise<JobView> => {
    const over = new Set(["settled", "expired"]);
    const { data } = await until(
      follow(`/v1/jobs/${jobId}`),
      ({ event, data: seen }) => event === "job" && over.has(jobViewSchema.parse(seen).state),
    );
    return jobViewSchema.parse(data);
  };
  const chainTime = async (): Promise<number> => Number((await chain.client.getBlock()).timestamp);
  const skip = async (seconds: number): Promise<void> => {
    await chain.client.increaseTime({ seconds });
    await chain.client.mine({ blocks: 1 });
  };
  const pass = async (jobId: Hex, seconds: number): Promise<void> => {
    const { deadline } = await jobOf(jobId);
    await skip(deadline - (await chainTime()) + seconds);
  };

  test("the latest receipt is kept, presented after the deadline and paid for, without its provider", async () => {
    const provider = chain.account(3);
    const { jobId } = await agreed(provider);
    assert.equal(codeOf(await call(url, "GET", `/v1/jobs/${jobId}/receipt`)), "RECEIPT_NOT_FOUND");
    const second = await receiptOf(chain, provider, { jobId, checkpoint: 2 });
    for (const receipt of [second, second, await receiptOf(chain, provider, { jobId })])
      ok(await give(jobId, receipt));
    const refusals: [string, Awaited<ReturnType<typeof receiptOf>>][] = [
      ["SIGNATURE_INVALID", await receiptOf(chain, chain.account(4), { jobId, checkpoint: 3 })],
      ["RECEIPT_MISMATCH", await receiptOf(chain, provider, { checkpoint: 3 })],
      ["RECEIPT_CHECKPOINT", await receiptOf(chain, provider, { jobId, checkpoint: 10 })],
      ["RECEIPT_CHECKPOINT", await receiptOf(chain, provider, { jobId, checkpoint: 0 })],
    ];
    for (const [code, receipt] of refusals) assert.equal(codeOf(await give(jobId, receipt)), code);
    const kept = ok(await call(url, "GET", `/v1/jobs/${jobId}/receipt`));
    assert.deepEqual(kept, JSON.parse(JSON.stringify(second)));
    assert.equal((await jobOf(jobId)).receipt, 2);

    await pass(jobId, 1);
    const presented = await until(
      follow(`/v1/jobs/${jobId}`),
      ({ event, data }) => event === "job" && jobViewSchema.parse(data).state === "submitted",
    );
    const { windowEnd, checkpoint } = jobViewSchema.parse(presented.data);
    assert.equal(checkpoint, 2);
    await skip((windowEnd ?? 0) - (await chainTime()) + 10);
    const settled = await final(jobId);
    assert.equal(settled.state, "settled");
    const work = { initUnits: 1_000n, stepUnits: 10_000n, evalUnits: 500n, ...settled };
    const done = paidUpTo(settled.price, work, 2);
    assert.equal(settled.paid, done - (done * 2_000n) / 10_000n);
  });

  test("a job without a receipt expires, and its request goes to another provider", async () => {
    const { jobId, request } = await agreed(chain.account(3), { expiry: now() + 20 * 86_400 });
    const { digest: _, ...offer } = await makeOffer(chain, chain.account(4));
    ok(await call(url, "POST", "/v1/offers", { body: offer }));
    const other = await startAgent(url, chain, chain.account(4));
    const proposed = next(other.proposals);
    await pass(jobId, 60);
    assert.equal((await final(jobId)).state, "expired");
    const { requestDigest } = await proposed;
    assert.equal(requestDigest, request);
    const status = requestStatusSchema.parse(ok(await call(url, "GET", `/v1/requests/${request}`)));
    assert.equal(status.state, "proposed");
    assert.match(status.explanation, /^The job with 0x\w+ expired and gave its place back\. /);
    other.leave();
  });
});
