/** What a person meets at the command line of a market: quotes, refusals, commands that are interrupted, parts that are killed. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Address, Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { createAssay, type Assay } from "@assay/sdk";
import { localKey } from "../../deploy/local-accounts.ts";
import { readAccount, writeKey } from "../../services/cli/home/keys.ts";
import { isAlive, readLocalNetwork, type LocalNetwork } from "../../services/cli/home/network.ts";
import {
  commandLine,
  temporaryFolder,
  EXIT,
  refusedWith,
  type CommandLine,
} from "../support/commands.ts";
import { childrenOf, freeze, until, type Running } from "../support/processes.ts";
import { drawJobs, writeJob } from "../support/random-jobs.ts";

/** Processes that `up` starts. */
const PARTS = 6;

describe("with a market", () => {
  let assay: CommandLine;
  let up: Running;
  let network: LocalNetwork;
  let client: Assay;
  let remove: () => void;

  before(async () => {
    const { folder, remove: end } = temporaryFolder("cli");
    [assay, remove] = [commandLine(folder), end];
    up = assay.start("up", "--port", "0", "--chain-port", "0", "--json");
    await up.line(/^}$/);
    network = readLocalNetwork(folder) ?? assert.fail("no network file");
    client = createAssay({ rpcUrl: network.rpcUrl, apiUrl: network.apiUrl });
    await assay.json("init", "mine");
  });
  after(async () => {
    await up?.stop();
    remove();
  });

  /** A job that trains for some seconds, with a checkpoint every few steps. */
  const longJob = (name: string, constraints: Readonly<Record<string, unknown>> = {}): string => {
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
      steps: 3_000,
      checkpointEvery: 100,
    };
    return writeJob(join(assay.home, name), job, { maximum: "1.50", constraints });
  };

  test("what `up` prints is where everything is; a second `up` is refused", async () => {
    refusedWith(await assay.tryJson("up"), "UP_ALREADY_RUNNING", EXIT.failure);
    const { findings } = await assay.json<{ findings: { part: string; ok: boolean }[] }>("doctor");
    assert.deepEqual(
      findings.map(({ part, ok }) => [part, ok]),
      ["node", "folder", "chain", "market", "key"].map((part) => [part, true]),
    );
    const status = await assay.json<Record<string, unknown>>("provider", "status", "harbor");
    assert.equal(status["name"], "harbor");
    assert.equal(status["running"], true);
    assert.equal(status["lastError"], null);
    const page = await assay.json<{ items: unknown[] }>("jobs");
    assert.deepEqual(page.items, []);
    assert.match((await assay.run("jobs")).stdout, /no jobs yet: `assay run job.yaml`/);
  });

  test("a quote is a table with totals in tokens, and says what a limit costs", async () => {
    const text = (await assay.run("quote", "mine/job.yaml")).stdout;
    for (const name of ["harbor", "meadow", "summit"]) assert.match(text, new RegExp(`\\b${name}`));
    assert.match(text, /next: assay run mine\/job.yaml/);
    const job = readFileSync(join(assay.home, "mine/job.yaml"), "utf8");
    const poor = join(assay.home, "mine/poor.yaml");
    writeFileSync(poor, job.replace("'1.20'", "'0.000500'"));
    const { stdout } = await assay.run("quote", poor);
    assert.match(stdout, /no provider fits/);
    assert.match(stdout, /raise the maximum to 0\.00\d+ tUSD: 3 more from 0\.00\d+ tUSD/);
    assert.doesNotMatch(stdout, /base units/);
  });

  test("a job file with wrong fields, or data that does not fit it, is refused with the place", async () => {
    const file = join(assay.home, "wrong.yaml");
    writeFileSync(file, "name: wrong\nmodel: { preset: mlp, hidden: [0] }\nbatch: many\n");
    const wrong = refusedWith(await assay.tryJson("quote", file), "JOB_FILE_INVALID", EXIT.failure);
    for (const place of ["model.hidden.0", "optimizer", "batch", "limits"])
      assert.match(wrong.message, new RegExp(`\\b${place.replaceAll(".", "\\.")}: `));
    const job = readFileSync(join(assay.home, "mine/job.yaml"), "utf8");
    writeFileSync(file, job);
    refusedWith(await assay.tryJson("quote", file), "DATA_UNREADABLE", EXIT.failure);
    writeFileSync(join(assay.home, "spirals.safetensors"), "no tensors at all");
    const run = await assay.tryJson("run", file, "--yes");
    refusedWith(run, "ENGINE_SAFETENSORS_INVALID", EXIT.failure);
  });

  test("nothing is signed unasked, nor without money", async () => {
    const unasked = await assay.tryJson("run", "mine/job.yaml");
    refusedWith(unasked, "USAGE_NOT_CONFIRMED", EXIT.usage);
    const poor = join(assay.home, "poor.key");
    writeKey(poor, localKey(19));
    const { address } = privateKeyToAccount(localKey(19));
    const broke = await assay.tryJson("run", "mine/job.yaml", "--yes", "--key", poor);
    const error = refusedWith(broke, "BALANCE_TOO_LOW", EXIT.failure);
    assert.match(error.message, /1\.20 tUSD are missing/);
    assert.match(error.remedy ?? "", new RegExp(address));
    const staker = await assay.tryJson("provider", "stake", "5", "--yes", "--key", poor);
    refusedWith(staker, "BALANCE_TOO_LOW", EXIT.failure);
    const amount = await assay.tryJson("run", "mine/job.yaml", "--yes", "--max-spend", "1,20");
    refusedWith(amount, "USAGE_BAD_AMOUNT", EXIT.usage);
    const { items } = await client.jobs({ limit: 10 });
    assert.deepEqual(items, []);
  });

  test("a job that nobody takes says why, while it waits and when it gives up", async () => {
    const job = readFileSync(join(assay.home, "mine/job.yaml"), "utf8");
    const poor = join(assay.home, "mine/poor.yaml");
    writeFileSync(
      poor,
      job.replace("'1.20'", "'0.000500'").replace("patience: 300", "patience: 20"),
    );
    const { code, stdout, stderr } = await assay.run("run", poor, "--yes");
    assert.equal(code, EXIT.failure);
    const why = /No offer fits yet: 3 of 3 offers ask more .* raise the maximum to 0\.00\d+ tUSD/;
    assert.match(stdout, why);
    assert.match(stderr, why);
    assert.match(stderr, /REQUEST_ENDED/);
  });

  test("what the chain does not know is said to be unknown", async () => {
    const nowhere = `0x${"ab".repeat(32)}`;
    const model = join(assay.home, "mine/spirals.safetensors");
    const [watch, pull, prefix, root, record, verified] = await Promise.all([
      assay.tryJson("jobs", "watch", nowhere),
      assay.tryJson("pull", nowhere),
      assay.tryJson("jobs", "watch", "job-1"),
      assay.tryJson("provenance", "0x12"),
      assay.tryJson("provenance", nowhere),
      assay.tryJson<{ ok: boolean }>("verify", model),
    ]);
    refusedWith(watch, "JOB_UNKNOWN", EXIT.failure);
    refusedWith(pull, "JOB_UNKNOWN", EXIT.failure);
    refusedWith(prefix, "USAGE_BAD_JOB_ID", EXIT.usage);
    refusedWith(root, "USAGE_BAD_ROOT", EXIT.usage);
    refusedWith(record, "PROVENANCE_UNKNOWN", EXIT.failure);
    assert.equal(verified.code, EXIT.checkFailed);
    assert.equal(verified.result.ok, false);
  });

  interface Trained {
    readonly metrics: Record<string, number>;
    readonly modelFile: string;
    readonly modelRoot: Hex;
  }

  test("what `init` writes for each preset is trained, evaluated as committed, fetched, exported", async () => {
    for (const preset of ["cnn", "transformer-lm"]) {
      const { jobFile } = await assay.json<{ jobFile: string }>("init", preset, "--preset", preset);
      const out = `${preset}/model`;
      const trained = await assay.json<Trained>("run", jobFile, "--yes", "--out", out);
      const { metrics, modelFile } = trained;
      assert.ok((metrics["accuracy"] ?? 0) > 0.3, `${preset}: ${JSON.stringify(metrics)}`);
      const card = readFileSync(join(assay.home, out, "MODEL.md"), "utf8");
      const provenance = readFileSync(join(assay.home, out, "provenance.json"), "utf8");
      assert.match(card, /Licence: CC0-1\.0\./);
      assert.match(card, new RegExp(`\\| accuracy \\| ${String(metrics["accuracy"]).slice(0, 6)}`));
      const { chain } = JSON.parse(provenance) as {
        chain: { job: { terms: Record<"jobId" | "programRoot" | "dataRoot", Hex> } };
      };
      const { jobId, programRoot, dataRoot } = chain.job.terms;
      for (const root of [jobId, programRoot, dataRoot, trained.modelRoot])
        assert.ok(card.includes(root), card);
      const exported = await assay.json<{ file: string; card: string }>(
        "export",
        modelFile,
        "--job",
        jobFile,
      );
      assert.ok(existsSync(join(assay.home, exported.file)), exported.file);
      const beside = readFileSync(join(assay.home, exported.card), "utf8");
      assert.match(beside, new RegExp(`Preset: ${preset}\\.`));
      for (const root of [programRoot, dataRoot, trained.modelRoot])
        assert.ok(beside.includes(root), beside);
    }
  });

  test("a model is tuned from its parent, which the chain then names", async () => {
    const parent = JSON.parse(
      readFileSync(join(assay.home, "transformer-lm/model/result.json"), "utf8"),
    ) as Trained;
    const job = readFileSync(join(assay.home, "transformer-lm/job.yaml"), "utf8");
    const file = "transformer-lm/tuned.yaml";
    const tuning = "tuning: { parent: model/model.safetensors, lora: { rank: 2 } }";
    writeFileSync(
      join(assay.home, file),
      `${job.replace(/^epochs: .*$/m, "steps: 20")}${tuning}\n`,
    );
    const tuned = await assay.json<Trained>("run", file, "--yes", "--out", "tuned");
    const [record] = await client.provenance(tuned.modelRoot);
    assert.equal(record?.parentRoot, parent.modelRoot);
    const { ok } = await assay.json<{ ok: boolean }>("verify", tuned.modelFile, "--rerun");
    assert.ok(ok);
    const other = join(assay.home, "transformer-lm/other.safetensors");
    const bytes = readFileSync(join(assay.home, parent.modelFile));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 4) ^ 1, bytes.length - 4);
    writeFileSync(other, bytes);
    const text = readFileSync(join(assay.home, file), "utf8");
    writeFileSync(
      join(assay.home, file),
      text.replace(tuning, tuning.replace("model/model.", "other.")),
    );
    refusedWith(await assay.tryJson("run", file, "--yes"), "PARENT_UNKNOWN", EXIT.failure);
  });

  test("Ctrl-C on `run` leaves the job running; `jobs watch` follows it to its end", async () => {
    const isAgent = (pid: number): boolean =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("provider/main.ts");
    const mine = async (automine: boolean, interval: number): Promise<void> => {
      const { publicClient } = client.context;
      for (const [method, value] of [
        ["evm_setAutomine", automine],
        ["evm_setIntervalMining", interval],
      ] as const)
        await publicClient.request({ method, params: [value] } as never);
    };
    // Each of a request's states lasts until it was told: agents stand still first, then the chain.
    const goOn = freeze(childrenOf(up.pid).filter(isAgent));
    const run = assay.start("run", longJob("left"), "--yes");
    await run.line(/proposed: (harbor|meadow|summit): best by price .* for 0\.\d+ tUSD/);
    await mine(false, 0);
    goOn();
    await run.line(/accepted: (harbor|meadow|summit) has checked the inputs/);
    await mine(true, 1_000);
    await run.line(/agreed: job 0x/);
    const { code, stdout } = await run.stop("SIGINT");
    assert.equal(code, EXIT.interrupted, stdout);
    assert.doesNotMatch(stdout, /settled|submitted/);
    const [, command = "", request = ""] =
      /next: assay (jobs watch (0x[0-9a-f]{64}))$/m.exec(stdout) ?? [];
    assert.match(command, /^jobs watch/, stdout);
    const job = await assay.json<{ state: string; requestDigest: Hex }>(...command.split(" "));
    assert.equal(job.state, "settled");
    assert.equal(job.requestDigest, request);
  });

  test("--gpu is refused with a code while there is no GPU back end", async () => {
    const refused = await assay.tryJson("provider", "start", "--gpu", "0");
    const error = refusedWith(refused, "GPU_BACKEND_MISSING", EXIT.failure);
    assert.match(error.remedy ?? "", /without --gpu/);
  });

  test("a provider killed while training goes on from its checkpoints, and is paid once", async () => {
    const staked = await assay.json<{ provider: Address; total: string }>(
      "provider",
      "stake",
      "100",
      "--yes",
    );
    assert.equal(staked.total, "100000000");
    const { provider } = staked;
    assert.equal(provider, readAccount(network.keys.provider).address);
    const start = (dutyCycle: string): Running => {
      const options = ["--price", "0.001", "--name", "mine", "--duty-cycle", dutyCycle];
      return assay.start("provider", "start", ...options);
    };
    const status = () =>
      assay.json<{ running: boolean; jobs: { step: number }[] }>("provider", "status");

    // Far from the end of its training when it is killed, on any machine; the next one does not rest.
    const first = start("0.1");
    await first.line(/asking 0\.001 tUSD\/Gop/);
    const paidBefore = await client.balance(provider);
    const { request } = await assay.json<{ request: Hex }>(
      "run",
      longJob("killed", { allow: [provider] }),
      "--yes",
      "--detach",
    );
    await until("a checkpoint in training", async () => {
      const { jobs } = await status();
      return jobs.some(({ step }) => step > 200);
    });
    const killed = await first.stop("SIGKILL");
    assert.equal(killed.signal, "SIGKILL");
    assert.equal((await status()).running, false);

    const second = start("1");
    const resumed = await second.line(/resumed/);
    assert.match(resumed, /step [1-9]\d*00\b/);
    const ended = await assay.json<{ id: Hex; state: string; provider: Address; price: string }>(
      "jobs",
      "watch",
      request,
    );
    assert.equal(ended.state, "settled");
    assert.equal(ended.provider, provider);
    const { transactions } = await client.jobFromChain(ended.id);
    assert.deepEqual(
      transactions.map(({ event }) => event),
      ["Agreed", "Submitted", "Settled"],
    );
    assert.equal((await client.balance(provider)) - paidBefore, BigInt(ended.price));
    assert.match(await second.line(/job ended/), /outcome settled {2}paid 0\.\d+ tUSD/);
    const { code, stdout } = await second.stop("SIGINT");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /✓ stopped/);
  });

  test("`down` ends `up` and every process that it started", async () => {
    const children = childrenOf(up.pid);
    assert.equal(children.length, PARTS, "chain, market, watcher, three agents");
    assert.deepEqual(await assay.json("down"), { stopped: true });
    const { code, stderr } = await up.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(children.filter(isAlive), []);
    refusedWith(await assay.tryJson("jobs"), "USAGE_NO_NETWORK", EXIT.usage);
  });
});

test("when `up` is killed, nothing that it started stays behind", async (t) => {
  const { folder, remove } = temporaryFolder("cli");
  const up = commandLine(folder).start("up", "--port", "0", "--chain-port", "0");
  t.after(() => up.stop("SIGKILL"));
  await up.line(/Ctrl-C stops it/);
  const children = childrenOf(up.pid);
  assert.equal(children.length, PARTS);
  await up.stop("SIGKILL");
  await until("the end of every part", () => children.every((pid) => !isAlive(pid)));
  remove();
});
