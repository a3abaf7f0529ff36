import assert from "node:assert/strict";
import { once } from "node:events";
import { after, describe, it, test } from "node:test";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { modelTensors } from "@assay/engine/trace/roots";
import { compile } from "@assay/engine/wasm/compile";
import { divisionFor } from "@assay/engine/wasm/parallel";
import { tileOf } from "@assay/engine/wasm/settings";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll } from "@assay/storage/content";
import {
  agentFor,
  agentsFor,
  eventOf,
  journalOf,
  marketEvents,
  proposalFor,
  rerun,
  setStage,
  smallJob,
  until,
} from "./story.ts";

const stage = await setStage();
after(() => stage.close());

const checkOutcome = async (home: string, job: Awaited<ReturnType<typeof smallJob>>) => {
  const journal = await journalOf(home);
  const end = journal.find(({ kind }) => kind === "ended")!;
  assert.equal(end.outcome, "settled");
  const jobId = end.jobId!;
  assert.equal((await marketEvents(stage, jobId, "Submitted")).length, 1);
  assert.equal((await marketEvents(stage, jobId, "Settled")).length, 1);
  const chainJob = await stage.requester.jobFromChain(jobId);
  const expected = await rerun(job);
  assert.equal(chainJob.job.progress.traceRoot, expected.traceRoot);
  assert.equal(chainJob.settlement?.paid, chainJob.job.terms.price);
  assert.equal(BigInt(end.paid!), chainJob.job.terms.price);
  const model = decodeSafetensors(await readAll(stage.store, cidOfDigest(chainJob.modelCid!)));
  assert.deepEqual(model.tensors, modelTensors(job.program, expected.state));
  assert.equal(model.metadata["modelRoot"], expected.modelRoot);
};

test("an agent takes a job from the proposal to the money", { timeout: 400_000 }, async (t) => {
  const job = await smallJob(stage, { seed: 1n });
  const before_ = await stage.provider.balance();
  const { home, agent } = await agentFor(stage, t);
  const reports: unknown[] = [];
  stage.front.events.on("progress", ({ report }) => reports.push(report));
  stage.front.propose(await proposalFor(stage, job));
  await eventOf(home, "ended");
  await checkOutcome(home, job);
  assert.ok((await stage.provider.balance()) > before_);
  assert.ok(reports.length > 0);
  const withdrawn = once(stage.front.events, "withdrawn");
  assert.equal(await agent.kill("SIGTERM"), 0);
  assert.deepEqual(await withdrawn, [agent.ready.offer]);
});

test(
  "several threads and wide lanes change no bit of a result",
  { timeout: 400_000 },
  async (t) => {
    const job = await smallJob(stage, { seed: 2n, hidden: 1_024, steps: 60, interval: 20 });
    const engine = { lanes: "wide", threads: 2 } as const;
    assert.equal(compile(job.program, tileOf("wide"), divisionFor(2)).threads, 2, "worth dividing");
    const { home, start } = await agentsFor(stage, t, stage.providerKey, engine);
    const agent = await start({ ASSAY_PROVIDER_THREADS: "2", ASSAY_PROVIDER_LANES: "wide" });
    stage.front.propose(await proposalFor(stage, job));
    await eventOf(home, "ended");
    await checkOutcome(home, job);
    assert.equal(await agent.kill("SIGTERM"), 0);
  },
);

/** Moments at which the agent is killed without warning, by what its journal or folder shows. */
const MOMENTS: { name: string; reached: (home: string) => Promise<true | undefined> }[] = [
  ...(["accepted", "agreed", "trained", "submitted"] as const).map((kind) => ({
    name: `once it noted "${kind}"`,
    reached: async (home: string) =>
      (await journalOf(home)).some((event) => event.kind === kind) || undefined,
  })),
  ...(["submit", "settle"] as const).map((call) => ({
    name: `once it signed the ${call} transaction`,
    reached: async (home: string) =>
      (await journalOf(home)).some(
        (event) => event.kind === "transaction" && event.key?.startsWith(`${call}:`),
      ) || undefined,
  })),
].map((moment) => ({
  ...moment,
  reached: async (home) => ((await moment.reached(home)) ? true : undefined),
}));

describe("an agent killed without warning goes on after a restart", { concurrency: 3 }, () => {
  for (const [place, { name, reached }] of MOMENTS.entries())
    it(name, { timeout: 400_000 }, async (t) => {
      const { key, assay } = await stage.furtherProvider(10 + place);
      const { home, agent, start } = await agentFor(stage, t, {}, key);
      const job = await smallJob(stage, { seed: BigInt(100 + place) });
      const { address } = assay.context.walletClient!.account!;
      stage.front.propose(await proposalFor(stage, job), address);
      await until(
        () => reached(home),
        () => [name, ...agent.lines].join("\n"),
      );
      await agent.kill("SIGKILL");
      const next = await start();
      await eventOf(home, "ended");
      await checkOutcome(home, job);
      assert.equal(await next.kill("SIGTERM"), 0);
    });
});

test("an agent killed in training goes on from its checkpoint", { timeout: 400_000 }, async (t) => {
  // Far from the end of its training when it is killed, on any machine; the next one does not rest.
  const slow = { ASSAY_PROVIDER_DUTY_CYCLE: "0.01" };
  const job = await smallJob(stage, { steps: 40_000, interval: 500, seed: 9n });
  const { home, agent, start } = await agentFor(stage, t, slow);
  stage.front.propose(await proposalFor(stage, job));
  const { readdir } = await import("node:fs/promises");
  const checkpoints = async (): Promise<string[]> => {
    const jobId = (await journalOf(home)).find(({ kind }) => kind === "agreed")?.jobId;
    const folder = `${home}/state/jobs/${jobId}`;
    return (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".safetensors"));
  };
  await until(async () => ((await checkpoints()).length >= 3 ? true : undefined), "checkpoints");
  await agent.kill("SIGKILL");
  assert.ok(!(await journalOf(home)).some(({ kind }) => kind === "trained"));
  const next = await start();
  await eventOf(home, "ended");
  const resumed = await until(
    () => next.lines.find((line) => line.includes('"resumed"')),
    "a word about it",
  );
  assert.match(resumed, /"step":[1-9]/);
  await checkOutcome(home, job);
});
