/**
 * Jobs that change hands, by separate processes on a chain of their own: a drained provider, a killed one, a stopped job. Whoever
 * ends the work, the model is the one that a single run gives.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import type { Address, Hex } from "viem";
import { runJob } from "@assay/engine/trace/run";
import { wasmBackend } from "@assay/engine/wasm/backend";
import { checkpointCount, paidUpTo, stepAtCheckpoint } from "@assay/protocol/domain/money";
import type { JobView } from "@assay/protocol/wire/api";
import { jobColumns, prepareJob } from "../../services/cli/jobfile/prepare.ts";
import { startTestMarket, type TestMarket } from "../support/local-market.ts";
import { until, type Running } from "../support/processes.ts";
import { drawJobs, writeJob } from "../support/random-jobs.ts";

const CAP = "1.50";
const UNBONDING = 36_000;

interface Ran {
  readonly job: Hex;
  readonly modelRoot: Hex;
  readonly modelFile: string;
}

interface LongJob {
  readonly steps?: number;
  readonly constraints?: Readonly<Record<string, unknown>>;
  readonly audit?: string | undefined;
}

describe("jobs that change hands", () => {
  let market: TestMarket;
  let tortoise: Address;
  before(async () => {
    // Stake is not out before this file lets the time pass, however slow the commands in between are.
    market = await startTestMarket({ unbonding: UNBONDING });
    const staked = await market.assay.json<{ provider: Address }>(
      "provider",
      "stake",
      "100",
      "--yes",
    );
    tortoise = staked.provider;
  });
  after(() => market?.close());

  const summit = (): Address => market.providers.get("summit") ?? assert.fail("no summit");

  /** A provider that rests nearly all the time: slow on any machine, and the cheapest. */
  const startTortoise = async (context: TestContext): Promise<Running> => {
    const options = ["--price", "0.001", "--name", "tortoise", "--duty-cycle", "0.03"];
    options.push("--reserve", "20");
    const agent = market.assay.start("provider", "start", ...options);
    context.after(() => agent.stop("SIGKILL"));
    await agent.line(/asking 0\.001 tUSD\/Gop/);
    // Until it listens, its jobs go to the next cheapest.
    await market.online(tortoise);
    return agent;
  };

  /** A job of seconds for summit and of many minutes for tortoise, with a checkpoint every few seconds there. */
  const longJob = (
    name: string,
    seed: number,
    { steps = 8_000, constraints = { allow: [tortoise, summit()] }, audit }: LongJob = {},
  ): string => {
    const [drawn] = drawJobs(1, 7);
    const job = {
      ...drawn!,
      inputs: 40,
      classes: 5,
      rows: 400,
      hidden: [128, 128],
      activation: "relu",
      dropout: undefined,
      optimizer: { kind: "adamw", learningRate: 0.001 },
      batch: 64,
      steps,
      checkpointEvery: 50,
      seed,
    };
    return writeJob(join(market.assay.home, name), job, {
      maximum: CAP,
      constraints,
      runTime: 86_400,
      audit,
    });
  };

  /** Model root of the job run here, from its first step to its last. */
  const uninterrupted = async (file: string): Promise<Hex> => {
    const { token } = await market.client.context.deployment();
    const prepared = await prepareJob(file, token);
    const { program, seed } = prepared;
    const inputs = { data: await jobColumns(prepared), parent: [], seed };
    const { modelRoot } = await runJob({ backend: wasmBackend, program, inputs });
    return modelRoot;
  };

  const jobsOf = async (): Promise<JobView[]> =>
    (await market.client.jobs({ requester: market.requester, limit: 20 })).items;

  /** Tortoise's job of this run, once the market has a receipt of it. */
  const jobWithReceipt = async (): Promise<JobView> => {
    let found: JobView | undefined;
    const hasReceipt = async (): Promise<boolean> => {
      const jobs = await jobsOf();
      found = jobs.find(
        (job) => job.provider === tortoise && job.state === "active" && job.receipt > 0,
      );
      return found !== undefined;
    };
    await until("a receipt of tortoise", hasReceipt, 240_000);
    return found ?? assert.fail("no job");
  };

  /** Asserts what holds of a job that tortoise began and summit ended. */
  const assertHandedOver = async (file: string, ran: Ran, first: JobView): Promise<void> => {
    const { client } = market;
    assert.equal(ran.modelRoot, await uninterrupted(file));
    const [one, two] = [await client.job(first.id), await client.job(ran.job)];
    assert.deepEqual(
      [one, two].map(({ provider }) => provider),
      [tortoise, summit()],
    );
    assert.deepEqual(
      [one, two].map(({ state }) => state),
      ["settled", "settled"],
    );
    assert.ok(one.checkpoint > 0 && one.checkpoint < checkpointCount(one));
    assert.equal(two.startStep, stepAtCheckpoint(one, one.checkpoint));
    assert.equal(two.startRoot, (await client.jobFromChain(one.id)).job.progress.stateRoot);
    assert.equal(two.paid, two.price);
    const { terms } = (await client.jobFromChain(one.id)).job;
    assert.ok((one.paid ?? 0n) <= paidUpTo(terms.price, terms, one.checkpoint));
    const cost = [one, two].reduce(
      (sum, job) => sum + job.price + job.protocolFee + job.matcherFee - (job.refunded ?? 0n),
      0n,
    );
    assert.ok(cost > 0n && cost <= 1_500_000n, `${cost} within the cap`);
    const lineage = await client.lineage(ran.modelRoot, 0);
    assert.deepEqual(
      lineage.map(({ record }) => record.jobId),
      [two.id, one.id],
    );
    assert.ok(existsSync(join(market.assay.home, ran.modelFile)));
  };

  test("two replicas commit before they see each other's result, and both are paid", async () => {
    const { assay, client } = market;
    const file = longJob("replicated", 4, { steps: 500, constraints: {} });
    const options = ["--yes", "--replicas", "2", "--max-spend", CAP, "--out", "replicated/model"];
    const ran = await assay.json<Ran & { request: Hex }>("run", file, ...options);
    assert.equal(ran.modelRoot, await uninterrupted(file));
    const { jobIds } = await client.requestStatus(ran.request);
    const jobs = await Promise.all(jobIds.map((id) => client.job(id)));
    assert.deepEqual(
      jobs.map(({ state, assurance }) => [state, assurance]),
      [
        ["settled", "replicated"],
        ["settled", "replicated"],
      ],
    );
    assert.equal(new Set(jobs.map(({ provider }) => provider)).size, 2);
    const cost = jobs.reduce((sum, job) => sum + (job.paid ?? 0n) + job.protocolFee, 0n);
    assert.ok(cost > 0n && cost <= 1_500_000n);
  });

  test("an audited job commits first and shows its result after the draw; what no auditor earned comes back", async () => {
    const { assay, client } = market;
    const file = longJob("audited", 5, { steps: 500, constraints: {}, audit: "0.25" });
    const ran = await assay.json<Ran>("run", file, "--yes", "--max-spend", CAP);
    assert.equal(ran.modelRoot, await uninterrupted(file));
    const job = await client.job(ran.job);
    assert.equal(job.auditLine, 250_000n);
    assert.equal(job.state, "settled");
    // Nobody here audits, whether a stake was drawn or not.
    assert.equal(job.assurance, "window");
    assert.ok((job.refunded ?? 0n) >= job.auditLine);
    assert.equal(job.paid, job.price);
    const { transactions } = await client.jobFromChain(ran.job);
    assert.ok(transactions.some(({ event }) => event === "CommitmentMade"));
  });

  test("a job that is signed off is paid before its window is over", async (context) => {
    const { assay, client } = market;
    const mineEvery = (milliseconds: number) =>
      client.context.publicClient.request({
        method: "evm_setIntervalMining",
        params: [milliseconds],
      } as never);
    // Blocks come with transactions alone, so that the window stays open however slow this machine is.
    await mineEvery(0);
    context.after(() => mineEvery(1_000));
    const file = longJob("content", 6, { steps: 500, constraints: { allow: [summit()] } });
    const { request } = await assay.json<{ request: Hex }>("run", file, "--yes", "--detach");
    let job: JobView | undefined;
    await until(
      "the result",
      async () => {
        job = (await jobsOf()).find(({ requestDigest }) => requestDigest === request);
        return job?.state === "submitted";
      },
      240_000,
    );
    const { id = "" } = job ?? {};
    const signed = await assay.json<{ job: Hex; paid: string }>("sign-off", id, "--yes");
    const ended = await client.jobFromChain(signed.job);
    assert.equal(ended.state, "settled");
    assert.equal(signed.paid, String(ended.job.terms.price));
    const [entry] = await client.lineage(ended.job.progress.modelRoot, 0);
    assert.equal(entry?.record.jobId, id);
    assert.equal(entry?.record.assurance, "signed-off");
  });

  test("a request is cancelled, stake asked back, and what cannot be done yet says what to do", async () => {
    const { assay, client } = market;
    const refused = async (code: string, ...args: string[]): Promise<void> => {
      const { error } = (await assay.tryJson(...args)).result;
      assert.equal(error.code, code, error.message);
      assert.ok(error.remedy, `${code} says what to do`);
    };
    // The tortoise is not awake: nobody takes it.
    const file = longJob("cancelled", 5, { constraints: { allow: [tortoise] } });
    const { request } = await assay.json<{ request: Hex }>("run", file, "--yes", "--detach");
    const { jobs } = await assay.json<{ jobs: Hex[] }>("cancel", request);
    assert.deepEqual(jobs, []);
    await until("the market to see it", async () => {
      const { state } = await client.requestStatus(request);
      return state === "cancelled";
    });
    await refused("REQUEST_ENDED", "jobs", "watch", request);
    await refused("USAGE_BAD_REQUEST", "cancel", "0x12");

    const [one] = await jobsOf();
    await refused("JOB_NOT_SUBMITTED", "sign-off", one?.id ?? "", "--yes");
    await refused("JOB_NOT_RUNNING", "stop", one?.id ?? "", "--yes");
    await refused("JOB_COMPLETE", "run", "--continue", one?.id ?? "", "--yes");
    await refused("USAGE_MISSING_ARGUMENT", "run");

    const ask = ["provider", "unstake", "10", "--yes"];
    const asked = await assay.json<{ leaving: string }>(...ask);
    assert.equal(asked.leaving, "10000000");
    const kept = await assay.json<{ reserved: string }>("provider", "reserve", "20");
    assert.equal(kept.reserved, "20000000");
    await refused("STAKE_TOO_EARLY", "provider", "unstake", "--withdraw");
    await refused("STAKE_TOO_LOW", "provider", "unstake", "91", "--yes");
    await refused("USAGE_MISSING_ARGUMENT", "provider", "unstake");
  });

  test("a drained provider hands over; the second one ends with the same model", async (context) => {
    const { assay } = market;
    await startTortoise(context);
    const file = longJob("drained", 1);
    const run = assay.json<Ran>("run", file, "--yes", "--out", "drained/model");
    const first = await jobWithReceipt();
    const drained = await assay.json<{ drained: boolean; jobs: Hex[] }>("provider", "drain");
    assert.deepEqual([drained.drained, drained.jobs], [true, [first.id]]);
    await assertHandedOver(file, await run, first);
    const earnings = ["provider", "earnings", "--why"];
    const { jobs } = await assay.json<{ jobs: { why: string }[] }>(...earnings);
    assert.match(jobs[0]?.why ?? "", /^stopped by the requester: paid up to checkpoint \d+ of 160/);
    const again = await assay.tryJson("provider", "drain");
    assert.equal(again.result.error.code, "PROVIDER_NOT_RUNNING");
  });

  test("a killed provider is paid up to its last receipt; the second one ends with the same model", async (context) => {
    const { assay } = market;
    const agent = await startTortoise(context);
    const file = longJob("killed", 2);
    const options = ["--yes", "--out", "killed/model", "--give-up", "2"];
    const run = assay.json<Ran>("run", file, ...options);
    const first = await jobWithReceipt();
    await agent.stop("SIGKILL");
    await assertHandedOver(file, await run, first);
  });

  test("a stopped job is paid up to a checkpoint, and goes on by hand", async (context) => {
    const { assay, client } = market;
    const agent = await startTortoise(context);
    const file = longJob("stopped", 3);
    const { request } = await assay.json<{ request: Hex }>("run", file, "--yes", "--detach");
    const first = await jobWithReceipt();
    assert.equal(first.requestDigest, request);
    const { job } = await assay.json<{ job: Hex }>("stop", first.id, "--yes");
    assert.equal(job, first.id);
    const ended = await assay.tryJson("jobs", "watch", request);
    assert.equal(ended.result.error?.code, "JOB_ENDED_EARLY", ended.stdout);
    const stopped = await client.job(first.id);
    assert.equal(stopped.state, "settled");
    const { terms } = (await client.jobFromChain(first.id)).job;
    assert.equal(stopped.paid, paidUpTo(terms.price, terms, stopped.checkpoint));
    const again = await assay.tryJson("stop", first.id, "--yes");
    assert.equal(again.result.error.code, "JOB_NOT_RUNNING");
    const used = await assay.tryJson("run", "--continue", first.id, "--yes", "--max-spend", "0.00");
    assert.equal(used.result.error.code, "CAP_USED_UP");
    await agent.stop("SIGINT");
    const out = ["--max-spend", CAP, "--out", "stopped/model"];
    const ran = await assay.json<Ran>("run", "--continue", first.id, "--yes", ...out);
    await assertHandedOver(file, ran, first);
    const verified = await assay.json<{ ok: boolean; ancestors: { record: { jobId: Hex } }[] }>(
      "verify",
      ran.modelFile,
      "--rerun",
      "--interval",
      "0",
    );
    assert.equal(verified.ok, true);
    assert.deepEqual(
      verified.ancestors.map(({ record }) => record.jobId),
      [first.id],
    );
  });

  test("stake that was asked back is taken out once the delay is over", async () => {
    const { assay, client } = market;
    const asked = await client.stakeOf(tortoise);
    assert.equal(asked.leaving, 10_000_000n);
    await market.skip(UNBONDING);
    const free = await client.balance(tortoise);
    const taken = await assay.json<{ leaving: string; total: string; reserved: string }>(
      "provider",
      "unstake",
      "--withdraw",
    );
    assert.deepEqual(
      [taken.leaving, taken.total, taken.reserved],
      ["0", String(asked.total - asked.leaving), "20000000"],
    );
    assert.equal(await client.balance(tortoise), free + asked.leaving);
    const again = await assay.tryJson("provider", "unstake", "--withdraw");
    assert.equal(again.result.error.code, "STAKE_NOT_LEAVING");
  });
});
