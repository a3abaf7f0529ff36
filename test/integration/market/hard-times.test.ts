import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { marketAbi, stakingAbi } from "@assay/protocol/generated/abis";
import { jobViewSchema, requestStatusSchema } from "@assay/protocol/wire/api";
import type { Acceptance, Request } from "@assay/protocol/domain/messages";
import { isAssayError } from "@assay/protocol/errors";
import { digestOf, typedData } from "@assay/protocol/signing/typed-data";
import { MAX_BLOCK_BYTES } from "@assay/storage/blocks";
import { cidOfDigest } from "@assay/storage/cid";
import { contentStore, readAll } from "@assay/storage/content";
import { gatewayBlocks } from "@assay/storage/gateway";
import {
  createWalletClient,
  getAddress,
  http,
  sha256,
  type Abi,
  type Hex,
  type LocalAccount,
} from "viem";
import { createSiweMessage } from "viem/siwe";
import { loadArtifact } from "../../../deploy/artifacts.ts";
import { createPairSender } from "../../../services/market/matcher/agree/pairs.ts";
import { createMarket, type Market } from "../../../services/market/market.ts";
import {
  call,
  codeOf,
  domainOf,
  events,
  makeOffer,
  makeRequest,
  next,
  ok,
  openSession,
  startAgent,
  until,
  uploadInputs,
  type Agent,
} from "./actors.ts";
import { embedded, type Backend } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";

/** Bytes an hour that one address may store. */
const UPLOADS = 8 * 2 ** 20;

describe("a market in hard times", () => {
  let chain: TestChain;
  let backend: Backend;
  let market: Market;
  let url: string;
  let inputs: Awaited<ReturnType<typeof uploadInputs>>;
  let agent: Agent;
  let keys = 0;

  const post = async (change: Partial<Request> = {}) => {
    const { digest, ...body } = await makeRequest(chain, chain.account(2), {
      ...inputs,
      ...change,
    });
    return { digest, answer: await call(url, "POST", "/v1/requests", { body }), ...body };
  };
  const follow = (digest: string) =>
    events(`${url}/v1/requests/${digest}/events`, {}, AbortSignal.timeout(180_000));

  before(async () => {
    [chain, backend] = await Promise.all([startChain(), embedded()]);
    market = await createMarket({
      rpcUrl: chain.rpcUrl,
      deployment: chain.deployment,
      ...backend,
      account: chain.account(1),
      logger: silent,
      pollInterval: 50,
      answerTime: 600,
      uploadLimits: { bytesPerHour: UPLOADS, diskReserve: 0 },
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
  after(async () => {
    agent.leave();
    await market.close();
    await chain.close();
    await backend.remove();
  });

  test("a job that a reorganisation took is agreed again", async () => {
    const first = next(agent.proposals);
    const { digest } = await post();
    const proposal = await first;
    const snapshot = await chain.client.snapshot();
    const { jobId } = await agent.accept(proposal);
    const agreed = await until(follow(digest), ({ event }) => event === "job");
    const lost = jobViewSchema.parse(agreed.data).transactions[0];
    // However soon it is sent again, it is not mined before this test has looked.
    await chain.client.setAutomine(false);
    await chain.revert(snapshot);
    await chain.client.mine({ blocks: 3 });
    await market.indexer?.catchUp();
    assert.equal(codeOf(await call(url, "GET", `/v1/jobs/${jobId}`)), "JOB_UNKNOWN");
    await chain.client.setAutomine(true);
    await chain.client.mine({ blocks: 1 });
    const again = await until(follow(digest), ({ event }) => event === "job");
    const job = jobViewSchema.parse(again.data);
    assert.equal(job.id, jobId);
    assert.notEqual(job.transactions[0]?.block, lost?.block);
  });

  test("a request that its requester cancels on the chain is withdrawn from its agent", async () => {
    const proposed = next(agent.proposals);
    const { digest, request } = await post();
    const proposal = await proposed;
    await chain.sender(chain.account(2)).send({
      to: chain.deployment.contracts.market,
      abi: marketAbi,
      functionName: "cancelRequest",
      args: [request],
      key: `cancel ${keys++}`,
    });
    const cancelled = await until(
      follow(digest),
      ({ data }) => requestStatusSchema.safeParse(data).data?.state === "cancelled",
    );
    assert.ok(cancelled);
    const { answer } = await agent.accept(proposal);
    assert.equal(codeOf(answer), "PROPOSAL_CLOSED");
  });

  test("a pair whose escrow has gone meanwhile is given up, and says so", async () => {
    const proposed = next(agent.proposals);
    const { digest } = await post();
    const proposal = await proposed;
    const { market: ledger } = chain.deployment.contracts;
    const free = await chain.client.readContract({
      address: ledger,
      abi: marketAbi,
      functionName: "freeBalance",
      args: [chain.account(2).address],
    });
    await chain.sender(chain.account(2)).send({
      to: ledger,
      abi: marketAbi,
      functionName: "withdraw",
      args: [chain.account(2).address, free],
      key: `withdraw ${keys++}`,
    });
    await agent.accept(proposal);
    const given = await until(
      follow(digest),
      ({ data }) => requestStatusSchema.safeParse(data).data?.state === "cancelled",
    );
    assert.match(requestStatusSchema.parse(given.data).explanation, /LedgerInsufficientBalance/);
    await chain.fund(chain.account(2), 10n ** 9n);
  });

  test("an acceptance that is not what was proposed is refused, and the right one still counts", async () => {
    const proposed = next(agent.proposals);
    await post();
    const proposal = await proposed;
    const cases = [
      [{ unitPrice: proposal.unitPrice + 1n }, "ACCEPTANCE_MISMATCH"],
      [{ requestDigest: `0x${"11".repeat(32)}` }, "ACCEPTANCE_MISMATCH"],
      [{ paramsVersion: 7 }, "ACCEPTANCE_WRONG_PARAMS"],
      [{ expiry: 5 }, "ACCEPTANCE_EXPIRED"],
      [{ provider: chain.account(4).address }, "ACCEPTANCE_MISMATCH"],
    ] as const;
    for (const [change, code] of cases)
      assert.equal(codeOf((await agent.accept(proposal, change)).answer), code);
    assert.equal((await agent.accept(proposal)).answer.status, 202);
  });

  test("regression: one bad pair in a batch leaves the others agreed", async () => {
    const pairs = createPairSender({
      sender: chain.sender(chain.account(5)),
      market: chain.deployment.contracts.market,
      errorAbi: stakingAbi,
      window: 1_000,
    });
    const pairBy = async (requester: LocalAccount) => {
      const { request, signature, digest } = await makeRequest(chain, requester, {
        requester: chain.account(2).address,
      });
      const acceptance: Acceptance = {
        requestDigest: digest,
        provider: chain.account(3).address,
        unitPrice: 10n ** 12n,
        collateral: 10n ** 7n,
        nonce: BigInt(++keys),
        expiry: request.expiry,
        paramsVersion: 1,
      };
      const accepted = typedData(domainOf(chain), "Acceptance", acceptance);
      return {
        jobId: digestOf(domainOf(chain), "Acceptance", acceptance),
        pair: {
          request,
          requestSignature: signature,
          acceptance,
          acceptanceSignature: await chain.account(3).signTypedData(accepted),
        },
      };
    };
    const [good, bad, other] = await Promise.all(
      [chain.account(2), chain.account(9), chain.account(2)].map(pairBy),
    );
    const [first, refused, last] = await Promise.allSettled(
      [good!, bad!, other!].map(({ jobId, pair }) => pairs.agree(jobId, pair, 0)),
    );
    assert.equal(first?.status, "fulfilled");
    assert.deepEqual(last, first);
    assert.ok(
      refused?.status === "rejected" && isAssayError(refused.reason, "MARKET_BAD_SIGNATURE"),
    );
  });

  test("a contract wallet requests as anyone does, with its owner's signature", async () => {
    const owner = chain.account(7);
    const { abi, bytecode } = loadArtifact("OwnedWallet");
    const client = createWalletClient({ account: owner, transport: http(chain.rpcUrl) });
    const hash = await client.deployContract({
      abi: abi as Abi,
      bytecode: bytecode as Hex,
      args: [owner.address],
      chain: null,
    });
    const { contractAddress } = await chain.client.waitForTransactionReceipt({ hash });
    assert.ok(contractAddress);
    const wallet = getAddress(contractAddress);
    await chain.fund(owner, 10n ** 8n, wallet);
    const proposed = next(agent.proposals);
    const signed = await makeRequest(chain, owner, { ...inputs, requester: wallet });
    const { digest, ...body } = signed;
    ok(await call(url, "POST", "/v1/requests", { body }));
    const { answer } = await agent.accept(await proposed);
    assert.equal(answer.status, 202);
    const stranger = await makeRequest(chain, chain.account(8), { ...inputs, requester: wallet });
    const { digest: __, ...forged } = stranger;
    const refused = await call(url, "POST", "/v1/requests", { body: forged });
    assert.equal(codeOf(refused), "SIGNATURE_INVALID");
    const job = await until(follow(digest), ({ event }) => event === "job");
    assert.equal(jobViewSchema.parse(job.data).requester, wallet);
  });

  test("an operator key works for its staker: sessions, offers, proposals", async () => {
    const [staker, operator] = [chain.account(3), chain.account(6)];
    const refused = openSession(url, chain, operator, staker.address);
    await assert.rejects(refused, /SESSION_REFUSED/);
    await chain.sender(staker).send({
      to: chain.deployment.contracts.staking,
      abi: stakingAbi,
      functionName: "setOperator",
      args: [operator.address, true],
      key: `operator ${keys++}`,
    });
    await openSession(url, chain, operator, staker.address);
    const { digest: _, ...body } = await makeOffer(chain, operator, { provider: staker.address });
    ok(await call(url, "POST", "/v1/offers", { body }));
    const { digest: __, ...foreign } = await makeOffer(chain, operator, {
      provider: chain.account(4).address,
    });
    assert.equal(
      codeOf(await call(url, "POST", "/v1/offers", { body: foreign })),
      "SIGNATURE_INVALID",
    );
  });

  test("a sign-in message counts once, for this host and this chain only", async () => {
    const account = chain.account(3);
    const signIn = async (change: object): Promise<unknown> => {
      const { nonce } = ok(await call(url, "POST", "/v1/nonces")) as { nonce: string };
      const message = createSiweMessage({
        address: account.address,
        domain: new URL(url).host,
        uri: url,
        version: "1",
        chainId: chain.deployment.chainId,
        nonce,
        ...change,
      });
      return { message, signature: await account.signMessage({ message }) };
    };
    for (const change of [
      { domain: "elsewhere.example" },
      { chainId: 1 },
      { nonce: "deadbeef00" },
    ]) {
      const answer = await call(url, "POST", "/v1/sessions", { body: await signIn(change) });
      assert.equal(codeOf(answer), "SESSION_REFUSED", JSON.stringify(change));
    }
    const body = await signIn({});
    assert.equal((await call(url, "POST", "/v1/sessions", { body })).status, 201);
    assert.equal(codeOf(await call(url, "POST", "/v1/sessions", { body })), "SESSION_REFUSED");
  });

  test("a stream that was cut goes on after the last event it got", async () => {
    agent.leave();
    const token = await openSession(url, chain, chain.account(3));
    const listen = (last?: string) => {
      const abort = new AbortController();
      const headers = {
        authorization: `Bearer ${token}`,
        ...(last === undefined ? {} : { "last-event-id": last }),
      };
      return { stream: events(`${url}/v1/proposals`, headers, abort.signal), abort };
    };
    const one = listen();
    const first = next(one.stream);
    await post();
    const { id } = await first;
    one.abort.abort();
    await post();
    const two = listen(id);
    const second = await next(two.stream);
    assert.ok(Number(second.id) > Number(id));
    two.abort.abort();
    agent = await startAgent(url, chain, chain.account(3));
  });

  test("content comes back as it went in; bytes that are not the block, or too many, are refused", async () => {
    const store = contentStore(gatewayBlocks({ url, tries: 1 }));
    const bytes = new Uint8Array(3 * 1024 * 1024).map((_, at) => (at * 2_654_435_761) >>> 24);
    const cid = await store.putFile(bytes);
    assert.deepEqual(await readAll(store, cid), bytes);
    const put = (body: Uint8Array<ArrayBuffer>) =>
      fetch(`${url}/ipfs/${cid.toString()}`, {
        method: "PUT",
        headers: { "content-type": "application/vnd.ipld.raw" },
        body,
      });
    const wrong = await put(new Uint8Array(10));
    assert.equal(((await wrong.json()) as { code: string }).code, "BLOCK_MISMATCH");
    const large = await put(new Uint8Array(MAX_BLOCK_BYTES + 1));
    assert.equal(large.status, 413);
    const missing = await fetch(
      `${url}/ipfs/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi`,
    );
    assert.equal(missing.status, 404);
    assert.equal(codeOf(await call(url, "GET", "/ipfs/nonsense")), "CID_UNSUPPORTED");
  });

  test("regression: nobody fills the store: an address has its bytes an hour, what is there costs nothing", async () => {
    const blocks = gatewayBlocks({ url, tries: 1 });
    const blockOf = (filling: number) => new Uint8Array(2 ** 20).fill(filling);
    const put = async (filling: number, token?: string) => {
      const bytes = blockOf(filling);
      const cid = cidOfDigest(sha256(bytes));
      const response = await fetch(`${url}/ipfs/${cid.toString()}`, {
        method: "PUT",
        headers: {
          "content-type": "application/vnd.ipld.raw",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: bytes,
      });
      return { cid, status: response.status, response };
    };
    let refused = await put(0);
    for (let filling = 1; refused.status === 201; filling++) {
      assert.ok(filling <= UPLOADS / 2 ** 20, "no end of uploads");
      refused = await put(filling);
    }
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.response.headers.get("retry-after")) > 0);
    const body = await refused.response.json();
    assert.equal(codeOf({ status: refused.status, body }), "UPLOAD_QUOTA_EXCEEDED");
    assert.equal(await blocks.has(refused.cid), false);
    // Blocks that are here are confirmed, and those with a session have an allowance of their own.
    assert.equal((await put(0)).status, 201);
    assert.equal((await put(200, agent.token)).status, 201);
    assert.equal((await put(201, "nonsense")).status, 401);
    await assert.rejects(contentStore(blocks).putFile(blockOf(202)), (error) =>
      isAssayError(error, "GATEWAY_LIMITED"),
    );
  });
});
