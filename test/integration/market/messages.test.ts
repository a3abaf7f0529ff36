/** Messages that are malformed, expired, replayed, or signed by another, for another chain or another contract. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Request } from "@assay/protocol/domain/messages";
import {
  digestOf,
  typedData,
  type MarketDomain,
  type MessageType,
  type Messages,
} from "@assay/protocol/signing/typed-data";
import { requestStatusSchema, signedReceiptSchema } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import { numberToHex, type Hex, type LocalAccount } from "viem";
import { z } from "zod";
import { createMarket, type Market } from "../../../services/market/market.ts";
import {
  call,
  codeOf,
  domainOf,
  events,
  makeOffer,
  makeRequest,
  next,
  now,
  ok,
  startAgent,
  until,
  uploadInputs,
  type Agent,
} from "./actors.ts";
import { embedded, type Backend } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";

describe("messages that a market must not take", () => {
  let chain: TestChain;
  let backend: Backend;
  let market: Market;
  let url: string;
  let agent: Agent;
  let inputs: Awaited<ReturnType<typeof uploadInputs>>;
  let requester: LocalAccount;
  let provider: LocalAccount;
  let stranger: LocalAccount;
  /** A job that was agreed along the way. */
  let agreed: Hex;

  before(async () => {
    [chain, backend] = await Promise.all([startChain(), embedded()]);
    [requester, provider, stranger] = [chain.account(2), chain.account(3), chain.account(9)];
    market = await createMarket({
      rpcUrl: chain.rpcUrl,
      deployment: chain.deployment,
      ...backend,
      account: chain.account(1),
      logger: silent,
      pollInterval: 50,
      answerTime: 300,
    });
    url = market.url;
    await chain.stake(provider, 10n ** 9n);
    await chain.fund(requester, 10n ** 9n);
    await market.indexer?.catchUp();
    inputs = await uploadInputs(url);
    const { digest: _, ...body } = await makeOffer(chain, provider, { capacity: 16 });
    ok(await call(url, "POST", "/v1/offers", { body }));
    agent = await startAgent(url, chain, provider);
  });
  after(async () => {
    agent.leave();
    await market.close();
    await chain.close();
    await backend.remove();
  });

  const request = (change: Partial<Request> = {}) =>
    makeRequest(chain, requester, { ...inputs, ...change });
  const send = async (route: string, body: unknown) => call(url, "POST", route, { body });
  const jobs = async (): Promise<number> => {
    const page = z.object({ items: z.array(z.unknown()) });
    return page.parse(ok(await call(url, "GET", "/v1/jobs?limit=100"))).items.length;
  };

  /** Signatures over the same message that must not count for it. */
  const forgeries = async <T extends MessageType>(
    type: T,
    message: Messages[T],
    signer: LocalAccount,
  ): Promise<[name: string, signature: string][]> => {
    const here = domainOf(chain);
    const sign = (account: LocalAccount, domain: MarketDomain) =>
      account.signTypedData(typedData(domain, type, message));
    const right = await sign(signer, here);
    return [
      ["another signer", await sign(stranger, here)],
      ["another chain", await sign(signer, { ...here, chainId: here.chainId + 1 })],
      ["another contract", await sign(signer, { ...here, market: stranger.address })],
      [
        "one bit changed",
        `${right.slice(0, 20)}${right[20] === "0" ? "1" : "0"}${right.slice(21)}`,
      ],
      ["no signature", "0x"],
    ];
  };

  test("a request signed by another, or for another chain or contract, is refused", async () => {
    const { digest, ...body } = await request();
    for (const [name, signature] of await forgeries("Request", body.request, requester))
      assert.equal(
        codeOf(await send("/v1/requests", { ...body, signature })),
        "SIGNATURE_INVALID",
        name,
      );
    assert.equal(codeOf(await call(url, "GET", `/v1/requests/${digest}`)), "REQUEST_UNKNOWN");
  });

  test("an offer signed by another, or for another chain or contract, is refused", async () => {
    const { digest: _, ...body } = await makeOffer(chain, provider);
    for (const [name, signature] of await forgeries("Offer", body.offer, provider))
      assert.equal(
        codeOf(await send("/v1/offers", { ...body, signature })),
        "SIGNATURE_INVALID",
        name,
      );
  });

  test("malformed messages are refused with the field that is wrong", async () => {
    const { digest: _, ...good } = await request();
    const wire = toWire(good.request) as Record<string, unknown>;
    const cases: [field: string, value: unknown][] = [
      ["nonce", undefined],
      ["nonce", 7],
      ["nonce", "-1"],
      ["nonce", (2n ** 64n).toString()],
      ["steps", 2 ** 32],
      ["steps", 1.5],
      ["steps", "100"],
      ["maximum", "1e6"],
      ["requester", "0x12"],
      ["programRoot", `0x${"g".repeat(64)}`],
      ["seed", null],
    ];
    for (const [field, value] of cases) {
      const answer = await send("/v1/requests", { ...good, request: { ...wire, [field]: value } });
      assert.equal(codeOf(answer), "INPUT_INVALID", `${field} ${String(value)}`);
      assert.match(JSON.stringify(answer.body), new RegExp(`request/${field}`));
    }
    for (const body of [
      { ...good, request: { ...wire, surprise: 1 } },
      { ...good, signature: "0x1" },
      { request: wire },
      [],
      "text",
    ])
      assert.equal(codeOf(await send("/v1/requests", body)), "INPUT_INVALID");
    const torn = await fetch(`${url}/v1/requests`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"request":',
    });
    assert.equal(codeOf({ status: torn.status, body: await torn.json() }), "INPUT_INVALID");
  });

  test("expired messages are refused, however well they are signed", async () => {
    const { digest: _, ...old } = await request({ expiry: now() - 1 });
    assert.equal(codeOf(await send("/v1/requests", old)), "REQUEST_EXPIRED");
    const { digest: __, ...offer } = await makeOffer(chain, provider, { expiry: now() - 1 });
    assert.equal(codeOf(await send("/v1/offers", offer)), "OFFER_EXPIRED");
  });

  test("a replayed request is the same request, and makes one job", async () => {
    const proposed = next(agent.proposals);
    const { digest, ...body } = await request();
    const answers = await Promise.all([1, 2, 3].map(() => send("/v1/requests", body)));
    for (const answer of answers)
      assert.equal(requestStatusSchema.parse(ok(answer)).digest, digest);
    const { answer, jobId } = await agent.accept(await proposed);
    assert.equal(answer.status, 202);
    const watched = events(`${url}/v1/requests/${digest}/events`, {}, AbortSignal.timeout(180_000));
    await until(watched, ({ event }) => event === "job");
    // Once more when all is done.
    const again = requestStatusSchema.parse(ok(await send("/v1/requests", body)));
    assert.deepEqual(again.jobIds, [jobId]);
    assert.equal(await jobs(), 1);
  });

  test("regression: identical requests have ids of their own, and those that share a nonce are one", async () => {
    const proposals = [next(agent.proposals), next(agent.proposals)];
    const one = await request();
    const other = await request();
    assert.notEqual(one.digest, other.digest);
    for (const { digest: _, ...body } of [one, other]) ok(await send("/v1/requests", body));
    const seen = await Promise.all(proposals);
    assert.deepEqual(
      new Set(seen.map(({ requestDigest }) => requestDigest)),
      new Set([one.digest, other.digest]),
    );
    const rival = await request({ nonce: one.request.nonce, seed: 8n });
    const { digest: _, ...body } = rival;
    assert.equal(codeOf(await send("/v1/requests", body)), "REQUEST_NONCE_USED");
    for (const proposal of seen) assert.equal((await agent.refuse(proposal)).status, 204);
  });

  test("a replayed offer does not come back after another has taken its place", async () => {
    const first = await makeOffer(chain, provider, { unitPrice: 5n * 10n ** 12n });
    const { digest: _, ...body } = first;
    ok(await send("/v1/offers", body));
    const second = await makeOffer(chain, provider, {
      nonce: first.offer.nonce,
      unitPrice: 6n * 10n ** 12n,
    });
    const { digest: __, ...newer } = second;
    ok(await send("/v1/offers", newer));
    ok(await send("/v1/offers", body));
    const page = z.object({ items: z.array(z.object({ digest: z.string() })) });
    const { items } = page.parse(ok(await call(url, "GET", "/v1/offers?limit=100")));
    const digests = items.map(({ digest }) => digest);
    assert.ok(digests.includes(second.digest));
    assert.ok(!digests.includes(first.digest));
  });

  test("an acceptance of another signer, chain or contract, or for another proposal, makes no job", async () => {
    const before_ = await jobs();
    const proposals = [next(agent.proposals), next(agent.proposals)];
    const sent = [await request(), await request()];
    for (const { digest: _, ...body } of sent) ok(await send("/v1/requests", body));
    const [one, two] = await Promise.all(proposals);
    assert.ok(one && two);
    const acceptance = {
      requestDigest: one.requestDigest,
      provider: provider.address,
      unitPrice: one.unitPrice,
      collateral: one.collateral,
      nonce: 77_777n,
      expiry: now() + 300,
      paramsVersion: 1,
    };
    const route = (id: string) => `/v1/proposals/${id}/acceptance`;
    for (const [name, signature] of await forgeries("Acceptance", acceptance, provider))
      assert.equal(
        codeOf(await send(route(one.id), { acceptance, signature })),
        "SIGNATURE_INVALID",
        name,
      );
    const signature = await provider.signTypedData(
      typedData(domainOf(chain), "Acceptance", acceptance),
    );
    const replayed = await send(route(two.id), { acceptance, signature });
    assert.equal(codeOf(replayed), "ACCEPTANCE_MISMATCH");
    assert.equal(await jobs(), before_);
    // The right one counts once, however often it comes.
    for (let times = 0; times < 3; times++)
      assert.equal((await send(route(one.id), { acceptance, signature })).status, 202);
    const watched = events(
      `${url}/v1/requests/${one.requestDigest}/events`,
      {},
      AbortSignal.timeout(180_000),
    );
    await until(watched, ({ event }) => event === "job");
    assert.equal(await jobs(), before_ + 1);
    agreed = digestOf(domainOf(chain), "Acceptance", acceptance);
    assert.equal((await call(url, "GET", `/v1/jobs/${agreed}`)).status, 200);
  });

  test("a receipt of another signer, chain or contract is refused, and an older one replayed changes nothing", async () => {
    const receipt = async (checkpoint: number) => {
      const submission = {
        jobId: agreed,
        checkpoint,
        prefixRoot: numberToHex(checkpoint, { size: 32 }),
        stateRoot: numberToHex(2, { size: 32 }),
        modelRoot: numberToHex(3, { size: 32 }),
        evalRoot: numberToHex(4, { size: 32 }),
        modelCid: numberToHex(5, { size: 32 }),
      };
      const signature = await provider.signTypedData(
        typedData(domainOf(chain), "Submission", submission),
      );
      return { submission, signature };
    };
    const route = `/v1/jobs/${agreed}/receipts`;
    const [older, newer] = [await receipt(1), await receipt(2)];
    for (const [name, signature] of await forgeries("Submission", newer.submission, provider))
      assert.equal(codeOf(await send(route, { ...newer, signature })), "SIGNATURE_INVALID", name);
    assert.equal(codeOf(await send(route, await receipt(99))), "RECEIPT_CHECKPOINT");
    for (const one of [older, newer, older]) assert.equal((await send(route, one)).status, 204);
    const kept = ok(await call(url, "GET", `/v1/jobs/${agreed}/receipt`));
    assert.deepEqual(signedReceiptSchema.parse(kept), newer);
  });
});
