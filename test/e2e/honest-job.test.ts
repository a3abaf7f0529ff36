/**
 * The main job, with jobs drawn at random, through the command line: every part is a process of its own and nothing is simulated.
 * A failure names the seed; ASSAY_TEST_SEED draws the same jobs again.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { inspect } from "node:util";
import type { Address, Hex } from "viem";
import { decodeSafetensors, encodeSafetensors } from "@assay/engine/data/safetensors";
import { referenceBackend } from "@assay/engine/reference/backend";
import { runJob } from "@assay/engine/trace/run";
import type { JobView, RequestStatus } from "@assay/protocol/wire/api";
import { createAssay } from "@assay/sdk";
import type { JobEvent } from "@assay/sdk/actions/watch";
import { openContentStore } from "@assay/storage/open";
import { ownGrant } from "../../services/cli/jobfile/grant.ts";
import { fetchInputs } from "../../services/cli/verify/inputs.ts";
import { commandLine, temporaryFolder, type CommandLine } from "../support/commands.ts";
import { startTestMarket, type TestMarket } from "../support/local-market.ts";
import { until } from "../support/processes.ts";
import { drawJobs, writeJob, type RandomJob } from "../support/random-jobs.ts";

const SEED = Number(process.env["ASSAY_TEST_SEED"] ?? randomInt(2 ** 31));
/** More than there are providers. */
const AT_ONCE = 6;
/** Work units up to which the whole job runs again on the reference back end. */
const SMALL = 60_000_000n;
const MAXIMUM = "1.50";
const MAXIMUM_UNITS = 1_500_000n;

interface RunResult {
  readonly request: Hex;
  readonly job: Hex;
  readonly modelFile: string;
  readonly modelRoot: Hex;
}

interface QuoteResult {
  readonly units: string;
  readonly options: readonly {
    provider: Address;
    name: string;
    total: string;
    price: string;
    collateral: string;
  }[];
}

interface VerifyResult {
  readonly ok: boolean;
  readonly modelRoot: Hex;
  readonly checks: readonly { readonly what: string; readonly ok: boolean }[];
}

const [first, ...others] = drawJobs(1 + AT_ONCE, SEED) as [RandomJob, ...RandomJob[]];

/** Runs a test so that whatever fails can be drawn again. */
const drawn = (name: string, body: (context: TestContext) => Promise<void>): void => {
  test(name, async (context) => {
    try {
      await body(context);
    } catch (error) {
      const jobs = JSON.stringify([first, ...others]);
      throw new Error(`ASSAY_TEST_SEED=${SEED} draws ${jobs}\n${inspect(error)}`, { cause: error });
    }
  });
};

describe("an honest job", () => {
  let market: TestMarket;
  /** Somebody who has never heard of this market: another home, only the chain's URL and the content. */
  let stranger: CommandLine;
  let removeStranger: () => void;

  before(async () => {
    const { folder, remove } = temporaryFolder("stranger");
    [stranger, removeStranger] = [commandLine(folder), remove];
    market = await startTestMarket();
  });
  after(async () => {
    await market?.close();
    removeStranger?.();
  });

  const verify = (file: string, ...more: string[]) =>
    stranger.tryJson<VerifyResult>(
      "verify",
      file,
      "--rpc",
      market.rpcUrl,
      "--content",
      market.content,
      ...more,
    );

  /** What changed hands since, by account. */
  const moved = async (since: ReadonlyMap<Address, bigint>): Promise<Map<Address, bigint>> =>
    new Map(
      [...(await market.balances())].map(([who, now]) => [who, now - (since.get(who) ?? 0n)]),
    );

  /** The trace of the whole job on the reference back end, from nothing but the chain and the content. */
  const referenceTrace = async (jobId: Hex): Promise<string> => {
    const { rpcUrl, deployment, content } = market;
    const chainJob = await createAssay({ rpcUrl, deployment }).jobFromChain(jobId);
    const { program, inputs } = await fetchInputs(
      await openContentStore({ folder: content }),
      chainJob,
      { ...ownGrant(), dataPath: join(content, "data.safetensors") },
    );
    const result = await runJob({ backend: referenceBackend, program, inputs });
    assert.equal(result.modelRoot, chainJob.job.progress.modelRoot);
    assert.equal(result.evalRoot, chainJob.job.progress.evalRoot);
    return result.traceRoot;
  };

  /** Checks everything that stays of a settled job: money aside. */
  const checkRecord = async (jobId: Hex, job: RandomJob, modelRoot: Hex, units: bigint) => {
    const { records } = await stranger.json<{ records: Record<string, unknown>[] }>(
      "provenance",
      modelRoot,
      "--rpc",
      market.rpcUrl,
    );
    assert.equal(records.length, 1);
    const [record] = records;
    const { job: chainJob } = await market.client.jobFromChain(jobId);
    assert.equal(record!["jobId"], jobId);
    assert.equal(record!["requester"], market.requester);
    assert.equal(record!["provider"], chainJob.terms.provider);
    assert.equal(record!["seed"], String(job.seed));
    assert.equal(record!["step"], job.steps);
    assert.equal(record!["traceRoot"], chainJob.progress.traceRoot);
    assert.equal(record!["price"], String(chainJob.terms.price));
    assert.equal(record!["assurance"], "window");
    assert.equal(chainJob.progress.modelRoot, modelRoot);
    if (units <= SMALL) assert.equal(await referenceTrace(jobId), chainJob.progress.traceRoot);
    return chainJob;
  };

  drawn("quote, run, settle, pay, fetch, prove, re-run", async () => {
    const { assay, client } = market;
    const file = writeJob(join(assay.home, "first"), first, { maximum: MAXIMUM });
    const quote = await assay.json<QuoteResult>("quote", file);
    assert.deepEqual(
      new Set(quote.options.map(({ provider }) => provider)),
      new Set(market.providers.values()),
    );
    const totals = quote.options.map(({ total }) => BigInt(total));
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => (a < b ? -1 : 1)),
      "the cheapest comes first",
    );

    const stakes = await Promise.all(
      [...market.providers.values()].map((who) => client.stakeOf(who)),
    );
    const wallet = await client.walletBalance();
    const balances = await market.balances();
    const out = join(assay.home, "first", "model");
    const ran = await assay.json<RunResult>("run", file, "--yes", "--out", out);

    const [best] = quote.options;
    const chainJob = await checkRecord(ran.job, first, ran.modelRoot, BigInt(quote.units));
    assert.equal(chainJob.terms.provider, best!.provider, "the quote's best provider got it");
    // The deposit was of the whole maximum, and all but the total is free again.
    const deposited = wallet - (await client.walletBalance());
    assert.equal(deposited, MAXIMUM_UNITS);
    const changes = await moved(balances);
    assert.equal(changes.get(market.requester), MAXIMUM_UNITS - BigInt(best!.total));
    assert.equal(changes.get(best!.provider), BigInt(best!.price));
    assert.equal(
      [...changes.values()].reduce((sum, change) => sum + change, 0n),
      deposited,
      "every unit is accounted for",
    );
    assert.deepEqual(
      await Promise.all([...market.providers.values()].map((who) => client.stakeOf(who))),
      stakes,
      "the collateral is free again",
    );

    const verified = await verify(ran.modelFile, "--rerun");
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.ok(verified.result.ok);
    assert.deepEqual(
      verified.result.checks.map(({ what }) => what.replace(/\d+/, "n")),
      [
        "this exact model is on the chain",
        "job record matches the hash in the market contract",
        "program",
        "data set",
        "trace",
        "model",
        "evaluation",
        "checkpoint n",
      ],
    );

    const { tensors } = decodeSafetensors(readFileSync(ran.modelFile));
    const changed = join(assay.home, "first", "changed.safetensors");
    const which = tensors[first.data % tensors.length]!;
    which.words[first.seed % which.words.length]! ^= 1;
    writeFileSync(changed, encodeSafetensors(tensors));
    const refuted = await verify(changed);
    assert.equal(refuted.code, 3);
    assert.equal(refuted.result.ok, false);
    assert.notEqual(refuted.result.modelRoot, ran.modelRoot);
  });

  drawn(
    "more jobs than providers: the rest waits and then runs, each as if it were alone",
    async () => {
      const { assay, client } = market;
      const files = others.map((job, at) =>
        writeJob(join(assay.home, `job-${at}`), job, { maximum: MAXIMUM }),
      );
      const quotes = await Promise.all(files.map((file) => assay.json<QuoteResult>("quote", file)));
      const balances = await market.balances();
      const wallet = await client.walletBalance();

      // Nobody answers before all are in: of so many some have to wait, however fast this machine is.
      const goOn = market.freeze();
      const posted = await Promise.all(
        files.map((file) => assay.json<{ request: Hex }>("run", file, "--yes", "--detach")),
      );
      await until("the requests that no provider is left for", async () => {
        const all = await Promise.all(posted.map(({ request }) => client.requestStatus(request)));
        const waiting = all.filter(
          ({ state, explanation }) => state === "open" && /busy/.test(explanation),
        );
        return waiting.length >= AT_ONCE - market.providers.size;
      });
      goOn();
      const stories = await Promise.all(
        posted.map(({ request }) => followToEnd(client.watchRequest(request))),
      );
      assertOneAtATime(stories.map(({ job }) => job));

      const spent = stories.map(({ job }) => job.price + job.protocolFee);
      const earned = new Map<Address, bigint>();
      for (const { job } of stories) {
        assert.equal(job.state, "settled");
        assert.equal(job.paid, job.price);
        assert.equal(job.refunded, 0n);
        earned.set(job.provider, (earned.get(job.provider) ?? 0n) + job.price);
      }
      const changes = await moved(balances);
      const deposited = wallet - (await client.walletBalance());
      assert.equal(
        changes.get(market.requester),
        deposited - spent.reduce((sum, total) => sum + total, 0n),
      );
      for (const provider of market.providers.values())
        assert.equal(changes.get(provider), earned.get(provider) ?? 0n);
      assert.equal(
        [...changes.values()].reduce((sum, change) => sum + change, 0n),
        deposited,
      );

      await Promise.all(
        stories.map(async ({ job }, at) => {
          const folder = join(assay.home, `job-${at}`, "model");
          const { modelFile, modelRoot } = await assay.json<RunResult>("pull", job.id, folder);
          const verified = await verify(modelFile, "--rerun");
          assert.equal(verified.code, 0, verified.stdout + verified.stderr);
          await checkRecord(job.id, others[at]!, modelRoot, BigInt(quotes[at]!.units));
        }),
      );
      assert.ok(
        quotes.some(({ units }) => BigInt(units) <= SMALL),
        "some job was small enough for the reference back end",
      );
    },
  );
});

interface Story {
  readonly requests: RequestStatus[];
  readonly job: JobView;
}

const followToEnd = async (events: AsyncIterable<JobEvent>): Promise<Story> => {
  const requests: RequestStatus[] = [];
  let job: JobView | undefined;
  for await (const event of events) {
    if (event.kind === "request") requests.push(event.request);
    else if (event.kind === "job") job = event.job;
  }
  assert.ok(
    job,
    `no job came of ${JSON.stringify(requests.map(({ explanation }) => explanation))}`,
  );
  return { requests, job };
};

/** Every provider offers one place: its jobs follow one another on chain. */
const assertOneAtATime = (jobs: readonly JobView[]): void => {
  const blockOf = (job: JobView, event: string): number =>
    job.transactions.find((one) => one.event === event)!.block;
  for (const provider of new Set(jobs.map((job) => job.provider))) {
    const mine = jobs
      .filter((job) => job.provider === provider)
      .toSorted((a, b) => blockOf(a, "Agreed") - blockOf(b, "Agreed"));
    for (const [at, job] of mine.slice(1).entries())
      assert.ok(
        blockOf(job, "Agreed") >= blockOf(mine[at]!, "Submitted"),
        `${provider} had two jobs at once`,
      );
  }
};
