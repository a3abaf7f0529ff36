import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  jobViewSchema,
  providerViewSchema,
  quoteSchema,
  requestStatusSchema,
  type Quote,
} from "@assay/protocol/wire/api";
import type { Request } from "@assay/protocol/domain/messages";
import { z } from "zod";
import { createMarket, type Market } from "../../../services/market/market.ts";
import {
  call,
  codeOf,
  events,
  makeOffer,
  makeRequest,
  next,
  ok,
  startAgent,
  until,
  uploadInputs,
  type Agent,
} from "./actors.ts";
import { BACKENDS, type Backend } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";

/** Milliseconds that a stream may take to tell what a test waits for. */
const PATIENCE = 120_000;

for (const kind of BACKENDS)
  describe(`market on ${kind.name}`, () => {
    let chain: TestChain;
    let backend: Backend;
    let market: Market;
    let url: string;
    const agents: Agent[] = [];
    let inputs: Awaited<ReturnType<typeof uploadInputs>>;

    /** Nobody has to hurry; a test that is about time says so. */
    const start = async (times: { answerTime?: number; window?: number } = {}): Promise<void> => {
      market = await createMarket({
        rpcUrl: chain.rpcUrl,
        deployment: chain.deployment,
        ...backend,
        account: chain.account(1),
        logger: silent,
        pollInterval: 50,
        answerTime: 600,
        window: 50,
        ...times,
      });
      url = market.url;
    };
    const restart = async (times: Parameters<typeof start>[0]): Promise<void> => {
      for (const one of agents.splice(0)) one.leave();
      await market.close();
      await start(times);
    };

    const post = async (change: Partial<Request> = {}, constraints = {}) => {
      const signed = await makeRequest(
        chain,
        chain.account(2),
        { ...inputs, ...change },
        constraints,
      );
      const { digest, ...body } = signed;
      return { digest, answer: await call(url, "POST", "/v1/requests", { body }), body };
    };

    const publish = async (
      place: number,
      change: Parameters<typeof makeOffer>[2] = {},
    ): Promise<string> => {
      const { digest, ...body } = await makeOffer(chain, chain.account(place), change);
      ok(await call(url, "POST", "/v1/offers", { body }));
      return digest;
    };

    const agent = async (place: number): Promise<Agent> => {
      const fresh = await startAgent(url, chain, chain.account(place));
      agents.push(fresh);
      return fresh;
    };

    const statusOf = async (digest: string) =>
      requestStatusSchema.parse(ok(await call(url, "GET", `/v1/requests/${digest}`)));

    const follow = (digest: string) =>
      events(`${url}/v1/requests/${digest}/events`, {}, AbortSignal.timeout(PATIENCE));

    before(async () => {
      [chain, backend] = await Promise.all([startChain(), kind.open()]);
      await start();
      for (const place of [3, 4]) await chain.stake(chain.account(place), 10n ** 9n);
      await chain.fund(chain.account(2), 10n ** 9n);
      await market.indexer?.catchUp();
      inputs = await uploadInputs(url);
    });
    after(async () => {
      for (const one of agents) one.leave();
      await market.close();
      await chain.close();
      await backend.remove();
    });

    test("a request becomes an agreed, indexed job with its transaction and gas", async () => {
      const offer = await publish(3);
      const provider = await agent(3);
      const first = next(provider.proposals);
      const { digest, answer } = await post();
      assert.equal(answer.status, 202);
      const stream = follow(digest);
      const proposal = await first;
      assert.equal(proposal.requestDigest, digest);
      const { answer: accepted, jobId } = await provider.accept(proposal);
      assert.equal(accepted.status, 202);

      const job = jobViewSchema.parse((await until(stream, ({ event }) => event === "job")).data);
      assert.equal(job.id, jobId);
      assert.equal(job.state, "active");
      assert.equal(job.transactions[0]?.event, "Agreed");
      assert.ok((job.transactions[0]?.gasUsed ?? 0) > 50_000);

      const report = {
        phase: "training",
        step: 3,
        steps: 100,
        checkpoint: 0,
        loss: 0.5,
        stepsPerSecond: 10,
        secondsLeft: 9,
        engine: {
          memoryBytes: 2 ** 20,
          fileBytes: 0,
          slowShare: 0.01,
          slowCount: 1,
          slow: ["step[1]: gathered"],
        },
      };
      const progress = { token: provider.token, body: report };
      assert.equal((await call(url, "POST", `/v1/jobs/${jobId}/progress`, progress)).status, 204);
      const told = await until(stream, ({ event }) => event === "progress");
      assert.deepEqual(told.data, { jobId, report });
      const status = await statusOf(digest);
      assert.equal(status.state, "agreed");
      assert.deepEqual(status.jobIds, [jobId]);

      const again = await provider.accept(proposal);
      assert.equal(codeOf(again.answer), "PROPOSAL_CLOSED");
      const view = providerViewSchema.parse(
        ok(await call(url, "GET", `/v1/providers/${chain.account(3).address}`)),
      );
      assert.equal(view.runningJobs, 1);
      assert.equal(view.whyIdle, undefined);
      const removed = await call(url, "DELETE", `/v1/offers/${offer}`, { token: provider.token });
      assert.equal(removed.status, 204);
    });

    test("a refusal and then silence pass the request on to the next provider", async () => {
      await restart({ answerTime: 10 });
      await publish(3, { unitPrice: 10n ** 12n, capacity: 8 });
      await publish(4, { unitPrice: 2n * 10n ** 12n, capacity: 8 });
      const [cheap, dear] = [await agent(3), await agent(4)];
      const [first, second] = [next(cheap.proposals), next(dear.proposals)];
      const { digest } = await post();
      const proposal = await first;
      assert.equal((await cheap.refuse(proposal)).status, 204);
      await second;
      // The dear one never answers: the request ends up open, with the reason why.
      const stream = follow(digest);
      const open = await until(stream, ({ event, data }) => {
        const { state } = requestStatusSchema.parse(data);
        return event === "request" && state === "open";
      });
      const { rejected } = requestStatusSchema.parse(open.data);
      assert.equal(rejected.find(({ constraint }) => constraint === "tried")?.offers, 2);
      const late = await call(url, "GET", `/v1/proposals/${proposal.id}`);
      assert.equal((late.body as { state: string }).state, "refused");
    });

    test("two requests accepted together are agreed in one transaction", async () => {
      await restart({ window: 3_000 });
      const provider = await agent(3);
      const [one, two] = [await post(), await post()];
      const proposals = [await next(provider.proposals), await next(provider.proposals)];
      const answers = await Promise.all(proposals.map((proposal) => provider.accept(proposal)));
      const jobs = await Promise.all(
        [one, two].map(async ({ digest }) => {
          const told = await until(follow(digest), ({ event }) => event === "job");
          return jobViewSchema.parse(told.data);
        }),
      );
      assert.deepEqual(
        new Set(jobs.map(({ id }) => id)),
        new Set(answers.map(({ jobId }) => jobId)),
      );
      assert.equal(jobs[0]?.transactions[0]?.hash, jobs[1]?.transactions[0]?.hash);
    });

    test("a market that was stopped resumes: a request taken in before is matched after", async () => {
      for (const one of agents.splice(0)) one.leave();
      const { digest } = await post();
      await restart({});
      assert.equal((await statusOf(digest)).state, "open");
      const provider = await agent(3);
      const proposal = await next(provider.proposals);
      assert.equal(proposal.requestDigest, digest);
      // Stopped again between acceptance and anything else: the pair still reaches the chain.
      const { jobId } = await provider.accept(proposal);
      provider.leave();
      await market.close();
      await start();
      const job = await until(follow(digest), ({ event }) => event === "job");
      assert.equal(jobViewSchema.parse(job.data).id, jobId);
    });

    test("quotes list who fits with totals, and why the others do not", async () => {
      const provider = await agent(3);
      // Its stream is open once the market counts it as online.
      const waiting = next(provider.proposals);
      waiting.catch(() => undefined);
      const ask = {
        initUnits: "1000",
        stepUnits: "1000000000",
        evalUnits: "0",
        steps: 100,
        interval: 10,
        runTime: 1_000_000,
        constraints: {},
      };
      const offline = ({ rejected }: Quote) =>
        rejected.find(({ constraint }) => constraint === "online")?.offers;
      const quoted = async () =>
        quoteSchema.parse(ok(await call(url, "POST", "/v1/quotes", { body: ask })));
      let quote = await quoted();
      for (const end = Date.now() + PATIENCE; Date.now() < end; quote = await quoted())
        if (quote.options.length > 0 && offline(quote) === 1) break;
      const [option] = quote.options;
      assert.ok(option);
      assert.equal(option.price, (option.unitPrice * quote.units) / 10n ** 18n);
      assert.equal(option.total, option.price + option.price / 100n);
      assert.ok(option.collateral >= option.price);
      assert.equal(offline(quote), 1);
      const strict = { ...ask, constraints: { regions: ["moon"] } };
      const none = quoteSchema.parse(ok(await call(url, "POST", "/v1/quotes", { body: strict })));
      assert.equal(none.options.length, 0);
      const region = none.rejected.find(({ constraint }) => constraint === "regions");
      assert.equal(region?.relaxation?.offers, 1);
      assert.equal(region?.relaxation?.cheapestTotal, option.total);
    });

    test("what the contract would refuse is refused at once, with a code", async () => {
      const cases: [Partial<Request>, string][] = [
        [{ maximum: 10n ** 12n }, "ESCROW_MISSING"],
        [
          { programCid: inputs.programCid.replace(/.$/, "0") as `0x${string}` },
          "REQUEST_CONTENT_MISSING",
        ],
        [{ expiry: 1_000 }, "REQUEST_EXPIRED"],
        [{ executor: 1 }, "REQUEST_UNSUPPORTED"],
        [{ steps: 0 }, "REQUEST_UNSUPPORTED"],
        [{ maxProtocolFeeBps: 1 }, "REQUEST_FEE_CAP_TOO_LOW"],
        [{ requester: chain.account(9).address }, "SIGNATURE_INVALID"],
        [{ matcher: chain.account(9).address, exclusiveUntil: 2 ** 39 }, "REQUEST_EXCLUSIVE"],
      ];
      for (const [change, code] of cases)
        assert.equal(
          codeOf((await post(change)).answer),
          code,
          JSON.stringify(Object.keys(change)),
        );
      const { body } = await post({ executor: 1 });
      const other = { ...body, constraints: { ...body.constraints, minCpuCores: 2 } };
      const request = { ...body.request, executor: 0 };
      const swapped = await call(url, "POST", "/v1/requests", { body: { ...other, request } });
      assert.equal(codeOf(swapped), "REQUEST_CONSTRAINTS_MISMATCH");
    });

    test("sessions are needed where they matter, and bind to their provider", async () => {
      const { token } = await agent(4);
      const offer = await publish(3);
      assert.equal(codeOf(await call(url, "GET", "/v1/proposals")), "SESSION_MISSING");
      assert.equal(
        codeOf(await call(url, "GET", "/v1/proposals", { token: "nonsense" })),
        "SESSION_EXPIRED",
      );
      assert.equal(
        codeOf(await call(url, "DELETE", `/v1/offers/${offer}`, { token })),
        "NOT_YOURS",
      );
    });

    test("lists are paged without gaps or repeats", async () => {
      const page = z.object({ items: z.array(jobViewSchema), next: z.string().nullable() });
      const all = page.parse(ok(await call(url, "GET", "/v1/jobs?limit=100"))).items;
      const seen: string[] = [];
      for (let cursor: string | null = ""; cursor !== null;) {
        const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
        const { items, next: more } = page.parse(
          ok(await call(url, "GET", `/v1/jobs?limit=1${query}`)),
        );
        seen.push(...items.map(({ id }) => id));
        cursor = more;
      }
      assert.ok(all.length >= 3);
      assert.deepEqual(
        seen,
        all.map(({ id }) => id),
      );
      assert.equal(codeOf(await call(url, "GET", "/v1/jobs?cursor=x")), "CURSOR_INVALID");
    });

    test("the interface describes itself, and says how it fares", async () => {
      const document = ok(await call(url, "GET", "/docs/json")) as { paths: object };
      for (const path of ["/v1/offers", "/v1/quotes", "/v1/requests/{digest}", "/ipfs/{cid}"])
        assert.ok(path in document.paths, path);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      assert.match(metrics, /assay_book_offers \d+/);
      const ready = ok(await call(url, "GET", "/ready")) as { status: string };
      assert.equal(ready.status, "ready");
      assert.equal(codeOf(await call(url, "GET", "/v1/nothing")), "ROUTE_UNKNOWN");
      assert.equal(codeOf(await call(url, "POST", "/v1/quotes", { body: {} })), "INPUT_INVALID");
    });
  });
