/** Processes of a market killed without warning, at each moment of a request's life: all goes on, and nothing happens twice. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { marketAbi } from "@assay/protocol/generated/abis";
import { jobViewSchema, type Proposal } from "@assay/protocol/wire/api";
import { toWire } from "@assay/protocol/wire/scalars";
import type { Hex } from "viem";
import { localKey } from "../../../deploy/local-accounts.ts";
import { lastingPort } from "../../support/port.ts";
import { startNode, type Running } from "../../support/processes.ts";
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
import { BACKENDS, type Backend } from "./backends.ts";
import { startChain, type TestChain } from "./chain.ts";

const MAIN = join(import.meta.dirname, "../../../services/market/main.ts");
const PARTS = ["api", "indexer", "matcher"] as const;
/** Parts that one process runs, between commas as its settings have them. */
type Process = string;

for (const kind of BACKENDS)
  describe(`a market whose processes are killed, on ${kind.name}`, () => {
    let chain: TestChain;
    let backend: Backend;
    let url = "";
    let port: number;
    let agent: Agent;
    let inputs: Awaited<ReturnType<typeof uploadInputs>>;
    const running = new Map<Process, Running>();
    /** The embedded database belongs to one process. */
    const processes: readonly Process[] = kind.name === "embedded" ? [PARTS.join(",")] : PARTS;

    const start = async (parts: Process): Promise<void> => {
      const { stateDir, databaseUrl, redisUrl } = backend;
      const process = startNode(MAIN, [], {
        directory: stateDir,
        environment: {
          ASSAY_MARKET_RPC_URL: chain.rpcUrl,
          ASSAY_MARKET_DEPLOYMENT_FILE: join(stateDir, "deployment.json"),
          ASSAY_MARKET_KEY_FILE: join(stateDir, "key"),
          ASSAY_MARKET_STATE_DIR: stateDir,
          ASSAY_MARKET_PARTS: parts,
          ASSAY_MARKET_PORT: String(port),
          ASSAY_MARKET_ANSWER_SECONDS: "600",
          ASSAY_MARKET_POLL_MS: "50",
          ASSAY_MARKET_LOG_LEVEL: "silent",
          ...(databaseUrl === undefined ? {} : { ASSAY_MARKET_DATABASE_URL: databaseUrl }),
          ...(redisUrl === undefined ? {} : { ASSAY_MARKET_REDIS_URL: redisUrl }),
        },
      });
      running.set(parts, process);
      const line = JSON.parse(await process.line(/^\{"url"/)) as { url: string };
      if (line.url !== "") url = line.url;
    };
    const kill = async (parts: Process): Promise<void> => {
      const { signal } = await running.get(parts)!.stop("SIGKILL");
      assert.equal(signal, "SIGKILL");
    };
    const serves = (parts: Process): boolean => parts.includes("api");
    const listen = async (): Promise<void> => {
      agent = await startAgent(url, chain, chain.account(3));
    };
    const restart = async (parts: Process): Promise<void> => {
      await kill(parts);
      await start(parts);
      if (serves(parts)) await listen();
    };

    before(async () => {
      [chain, backend, port] = await Promise.all([startChain(), kind.open(), lastingPort()]);
      const { stateDir } = backend;
      await writeFile(join(stateDir, "deployment.json"), JSON.stringify(toWire(chain.deployment)));
      await writeFile(join(stateDir, "key"), localKey(1), { mode: 0o600 });
      await chain.stake(chain.account(3), 10n ** 9n);
      await chain.fund(chain.account(2), 10n ** 9n);
      for (const parts of processes) await start(parts);
      inputs = await uploadInputs(url);
      const { digest: _, ...body } = await makeOffer(chain, chain.account(3), { capacity: 64 });
      ok(await call(url, "POST", "/v1/offers", { body }));
      await listen();
    });
    after(async () => {
      agent?.leave();
      await Promise.all([...running.values()].map((process) => process.stop("SIGKILL")));
      await chain?.close();
      await backend?.remove();
    });

    const post = async (): Promise<Hex> => {
      const { digest, ...body } = await makeRequest(chain, chain.account(2), inputs);
      ok(await call(url, "POST", "/v1/requests", { body }));
      return digest;
    };
    const proposalOf = (digest: Hex): Promise<Proposal> =>
      until(agent.proposals, ({ requestDigest }) => requestDigest === digest);

    /** The request comes to one job on chain, no more, and the market knows it. */
    const endsInOneJob = async (digest: Hex, jobId: Hex): Promise<void> => {
      const watched = events(
        `${url}/v1/requests/${digest}/events`,
        {},
        AbortSignal.timeout(180_000),
      );
      const told = await until(watched, ({ event }) => event === "job");
      assert.equal(jobViewSchema.parse(told.data).id, jobId);
      const agreed = await chain.client.getContractEvents({
        address: chain.deployment.contracts.market,
        abi: marketAbi,
        eventName: "Agreed",
        fromBlock: 0n,
        strict: true,
      });
      const jobs = agreed.filter(({ args }) => args.terms.requestDigest === digest);
      assert.deepEqual(
        jobs.map(({ args }) => args.jobId),
        [jobId],
      );
    };

    for (const parts of processes) {
      test(`${parts} killed once a request was taken in`, async () => {
        const digest = await post();
        await restart(parts);
        const { jobId } = await agent.accept(await proposalOf(digest));
        await endsInOneJob(digest, jobId);
      });

      test(`${parts} killed while an agent has a proposal`, async () => {
        const digest = await post();
        const proposal = await proposalOf(digest);
        await restart(parts);
        const { answer, jobId } = await agent.accept(proposal);
        assert.equal(answer.status, 202);
        await endsInOneJob(digest, jobId);
      });

      test(`${parts} killed once an acceptance was taken in`, async () => {
        const digest = await post();
        const { answer, jobId } = await agent.accept(await proposalOf(digest));
        assert.equal(answer.status, 202);
        await restart(parts);
        await endsInOneJob(digest, jobId);
      });
    }

    if (kind.name !== "embedded")
      test("a request that comes in while matcher and indexer are away is matched when they are back", async () => {
        await Promise.all([kill("matcher"), kill("indexer")]);
        const digest = await post();
        await Promise.all([start("matcher"), start("indexer")]);
        const { jobId } = await agent.accept(await proposalOf(digest));
        await endsInOneJob(digest, jobId);
      });

    test("money moved once for each job, and none is left behind", async () => {
      const { market } = chain.deployment.contracts;
      const jobs = await chain.client.getContractEvents({
        address: market,
        abi: marketAbi,
        eventName: "Agreed",
        fromBlock: 0n,
        strict: true,
      });
      const escrow = jobs.reduce(
        (sum, { args: { terms } }) =>
          sum + terms.price + terms.protocolFee + terms.matcherFee + terms.auditLine,
        0n,
      );
      const free = await chain.client.readContract({
        address: market,
        abi: marketAbi,
        functionName: "freeBalance",
        args: [chain.account(2).address],
      });
      assert.equal(free, 10n ** 9n - escrow);
    });
  });
