/** Providers that sign two results for one checkpoint: the market keeps both, a watcher or a person at the command line has them slashed. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { programParts, programRoot } from "@assay/engine/ir/root";
import { mlp } from "@assay/engine/models/mlp";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import type { Request } from "@assay/protocol/domain/messages";
import { marketAbi } from "@assay/protocol/generated/abis";
import { jobViewSchema, type Conflict, type SignedReceipt } from "@assay/protocol/wire/api";
import { createAssay, type Assay } from "@assay/sdk";
import { bringPayment } from "@assay/sdk/disputes/act";
import { demandChunk, demandFeeOf } from "@assay/sdk/disputes/demanding";
import { zeroAddress, type Address, type Hex, type LocalAccount } from "viem";
import { localKey } from "../../../deploy/local-accounts.ts";
import { createMarket, type Market } from "../../../services/market/market.ts";
import { commandLine, EXIT, refusedWith, temporaryFolder } from "../../support/commands.ts";
import { until as untilFound } from "../provider/story.ts";
import { journalOf, startWatcher, watcherHome, type RunningWatcher } from "../watcher/cheats.ts";
import { call, codeOf, events, ok, until, uploadInputs } from "./actors.ts";
import { embedded, type Backend } from "./backends.ts";
import { silent, startChain, type TestChain } from "./chain.ts";
import { agreedBy, OTHER_ROOT, receiptOf, type Place } from "./jobs.ts";

/** Times that no machine is too slow for; nothing here waits for one of them to pass. */
const FIRST = { challengeWindow: 6_000, receiptGrace: 6_000, unbonding: 60_000 };
/** Dear enough that a share of the collateral is more than nothing. */
const OFFER = { unitPrice: 10n ** 18n };
const REQUEST = { runTime: 6_000 };

/** Of ten intervals, as the other jobs here. */
const PROGRAM = mlp({
  inputs: 4,
  hidden: [],
  outputs: 2,
  activation: "relu",
  optimizer: { kind: "sgd", learningRate: 0.1 },
  batch: 2,
  interval: 10,
  steps: 100,
  trainRows: 4,
  heldOutRows: 1,
});

describe("two results for one checkpoint", () => {
  let chain: TestChain;
  let backend: Backend;
  let market: Market;
  let place: Place;
  let reader: Assay;

  before(async () => {
    [chain, backend] = await Promise.all([startChain([], FIRST), embedded()]);
    market = await createMarket({
      rpcUrl: chain.rpcUrl,
      deployment: chain.deployment,
      ...backend,
      account: chain.account(1),
      logger: silent,
      pollInterval: 50,
      answerTime: 300,
      // Asked again and again until the index has caught up.
      rateLimit: 1_000_000,
    });
    const { url } = market;
    const requester = chain.account(2);
    for (const number of [3, 4, 5, 6]) await chain.stake(chain.account(number), 10n ** 9n);
    await chain.fund(requester, 10n ** 9n);
    await market.indexer?.catchUp();
    place = { url, chain, requester, inputs: await uploadInputs(url) };
    reader = createAssay({ rpcUrl: chain.rpcUrl, apiUrl: url, pollingInterval: 50 });
  });
  after(async () => {
    await market.close();
    await chain.close();
    await backend.remove();
  });

  const agreed = async (account: LocalAccount, change: Partial<Request> = {}): Promise<Hex> => {
    // Agents that have left are thought to listen for a while: the request is for this one alone.
    const constraints = { allow: [account.address] };
    const request = { ...REQUEST, ...change };
    return (await agreedBy(place, account, { offer: OFFER, request, constraints })).jobId;
  };
  const give = (jobId: Hex, body: SignedReceipt) =>
    call(place.url, "POST", `/v1/jobs/${jobId}/receipts`, { body });
  const taken = async (jobId: Hex, receipt: SignedReceipt): Promise<void> =>
    void ok(await give(jobId, receipt));
  const evidenceOf = async (job: Hex): Promise<Conflict | undefined> =>
    (await reader.conflicts({ job })).items[0];

  /** The market's view of a job, once it is in this state. */
  const viewIn = async (jobId: Hex, state: string): Promise<void> => {
    const followed = events(
      `${place.url}/v1/jobs/${jobId}/events`,
      {},
      AbortSignal.timeout(240_000),
    );
    await until(
      followed,
      ({ event, data }) => event === "job" && jobViewSchema.parse(data).state === state,
    );
  };

  const slashedBy = async (
    jobId: Hex,
  ): Promise<{ winner: Address; reward: bigint } | undefined> => {
    const [event] = await reader.context.publicClient.getContractEvents({
      address: chain.deployment.contracts.market,
      abi: marketAbi,
      eventName: "Slashed",
      args: { jobId },
      fromBlock: 0n,
      strict: true,
    });
    return event?.args;
  };

  /** A watcher of account `number`, which may be started again and again. */
  const watcherAt = async (t: TestContext, number: number) => {
    const { home, remove } = await watcherHome(localKey(number));
    const started: RunningWatcher[] = [];
    t.after(async () => {
      await Promise.all(started.map((watcher) => watcher.kill("SIGKILL")));
      await remove();
    });
    const stage = { chain, front: market };
    const start = async (): Promise<RunningWatcher> => {
      // It runs no job again: what it finds, it finds in receipts.
      const watcher = await startWatcher(stage, home, { ASSAY_WATCHER_FRACTION: "0" });
      started.push(watcher);
      return watcher;
    };
    return { home, start };
  };

  /** The command line of account 9. */
  const personAt = (t: TestContext) => {
    const { folder, remove } = temporaryFolder("conflicts");
    t.after(remove);
    writeFileSync(join(folder, "key"), localKey(9), { mode: 0o600 });
    const at = ["--rpc", chain.rpcUrl, "--api", place.url, "--key", "key"];
    return { folder, assay: commandLine(folder), at };
  };

  test("a provider that signs two is found by a watcher and slashed; one that repeats its receipt is not", async (t) => {
    const [honest, liar, watcher] = [chain.account(3), chain.account(4), chain.account(7)];
    const honestJob = await agreed(honest);
    const later = await receiptOf(chain, honest, { jobId: honestJob, checkpoint: 2 });
    const elsewhere = { ...later.submission, modelCid: OTHER_ROOT };
    for (const receipt of [
      later,
      later,
      await receiptOf(chain, honest, { jobId: honestJob }),
      await receiptOf(chain, honest, elsewhere),
    ])
      await taken(honestJob, receipt);
    assert.equal(await evidenceOf(honestJob), undefined);

    const free = await reader.balance(place.requester.address);
    const jobId = await agreed(liar);
    const first = await receiptOf(chain, liar, { jobId });
    const second = await receiptOf(chain, liar, { jobId, stateRoot: OTHER_ROOT });
    const third = await receiptOf(chain, liar, { jobId, modelRoot: OTHER_ROOT });
    await taken(jobId, first);
    await taken(jobId, await receiptOf(chain, liar, { jobId, checkpoint: 2 }));
    for (const receipt of [second, second, third])
      assert.equal(codeOf(await give(jobId, receipt)), "RECEIPT_CONFLICT");
    await taken(jobId, first);
    const kept = await evidenceOf(jobId);
    const { seenAt, ...evidence } = kept as Conflict;
    const known = { jobId, provider: liar.address, state: "active", checkpoint: 1, first, second };
    assert.deepEqual(evidence, known);
    assert.ok(seenAt > 0);
    assert.deepEqual((await reader.conflicts({ open: true })).items, [kept]);
    const { submission: latest } = await reader.receipt(jobId);
    assert.equal(latest.checkpoint, 2, "the latest receipt is the first that came for it");

    const { home, start } = await watcherAt(t, 7);
    const running = await start();
    await running.said("slashed two results", jobId);
    const { state, job } = await reader.jobFromChain(jobId);
    assert.equal(state, "slashed");
    const reward = job.terms.collateral / 2n;
    const slashed = await slashedBy(jobId);
    assert.equal(slashed?.winner, watcher.address);
    assert.equal(slashed.reward, reward);
    assert.equal(await reader.balance(watcher.address), reward);
    assert.equal(
      await reader.balance(place.requester.address),
      free,
      "all of the escrow came back",
    );

    // Killed, and on again: what is done is not done twice, and what is new is found.
    await running.kill("SIGKILL");
    await viewIn(jobId, "slashed");
    assert.equal((await evidenceOf(jobId))?.state, "slashed");
    const next = await agreed(liar);
    await taken(next, await receiptOf(chain, liar, { jobId: next }));
    const contrary = await receiptOf(chain, liar, { jobId: next, stateRoot: OTHER_ROOT });
    assert.equal(codeOf(await give(next, contrary)), "RECEIPT_CONFLICT");
    await (await start()).said("slashed two results", next);
    const sent = (await journalOf(home)).filter(({ kind }) => kind === "transaction");
    const ofJobs = sent.map(({ key }) => String(key).split(":")[1]);
    assert.deepEqual([...new Set(ofJobs)], [jobId, next]);
    assert.equal(new Set(sent.map(({ nonce }) => nonce)).size, 2);
    assert.equal((await reader.jobFromChain(honestJob)).state, "active");
    assert.equal(await slashedBy(honestJob), undefined);
  });

  /** A job whose receipt for checkpoint 2 stands on the chain, while the market is given another one. */
  const standingOtherwise = async (provider: LocalAccount, request: Partial<Request> = {}) => {
    const jobId = await agreed(provider, request);
    const { market: address } = chain.deployment.contracts;
    const standing = await receiptOf(chain, provider, { jobId, checkpoint: 2 });
    const { job: active } = await reader.jobFromChain(jobId);
    await chain.sender(place.requester).send({
      to: address,
      abi: marketAbi,
      functionName: "stop",
      args: [active],
      key: `stop ${jobId}`,
    });
    const { job: stopped } = await reader.jobFromChain(jobId);
    await chain.sender(provider).send({
      to: address,
      abi: marketAbi,
      functionName: "submitReceipt",
      args: [stopped, standing.submission, standing.signature],
      key: `present ${jobId}`,
    });
    await viewIn(jobId, "submitted");
    const change = { jobId, checkpoint: 2, prefixRoot: OTHER_ROOT };
    const given = await receiptOf(chain, provider, change);
    return { jobId, standing, given };
  };

  test("what stands on the chain is held against a receipt that the market has", async (t) => {
    const { jobId, standing, given } = await standingOtherwise(chain.account(5));
    await taken(jobId, given);
    const found = await untilFound(() => evidenceOf(jobId), "the conflict");
    assert.deepEqual(found.first, given);
    assert.deepEqual(found.second, { ...standing, signature: "0x" });
    const { start } = await watcherAt(t, 8);
    await (await start()).said("slashed two results", jobId);
    assert.equal((await slashedBy(jobId))?.winner, chain.account(8).address);
  });

  test("a person at the command line sees them, and has the provider slashed", async (t) => {
    const provider = chain.account(6);
    const jobId = await agreed(provider);
    const [first, second] = await Promise.all([
      receiptOf(chain, provider, { jobId, checkpoint: 3 }),
      receiptOf(chain, provider, { jobId, checkpoint: 3, stateRoot: OTHER_ROOT }),
    ]);
    const { folder, assay, at } = personAt(t);
    const slash = (...args: string[]) =>
      assay.tryJson("conflicts", "slash", jobId, "--yes", ...args, ...at);
    const withEvidence = (evidence: unknown) => {
      writeFileSync(join(folder, "evidence.json"), JSON.stringify(evidence));
      return slash("--evidence", "evidence.json");
    };

    refusedWith(await slash(), "CONFLICT_NOT_FOUND", EXIT.failure);
    refusedWith(await withEvidence({ first }), "EVIDENCE_UNREADABLE", EXIT.failure);
    refusedWith(await withEvidence({ first, second: first }), "RECEIPTS_AGREE", EXIT.failure);
    const { signature } = await receiptOf(chain, chain.account(9), second.submission);
    const forged = { first, second: { ...second, signature } };
    refusedWith(await withEvidence(forged), "EVIDENCE_NOT_SIGNED", EXIT.failure);
    assert.equal((await reader.jobFromChain(jobId)).state, "active");

    await taken(jobId, first);
    assert.equal(codeOf(await give(jobId, second)), "RECEIPT_CONFLICT");
    const listed = await assay.json<{ items: Conflict[] }>("conflicts", "--open", ...at);
    assert.deepEqual(
      listed.items.map((item) => item.jobId),
      [jobId],
    );
    const lines = await assay.run("conflicts", ...at);
    assert.match(lines.stdout, new RegExp(`assay conflicts slash ${jobId}`));
    const done = await assay.json<{ reward: string }>("conflicts", "slash", jobId, "--yes", ...at);
    const slashed = await slashedBy(jobId);
    assert.equal(slashed?.winner, chain.account(9).address);
    assert.equal(String(slashed.reward), done.reward);
    refusedWith(await slash(), "CONFLICT_TOO_LATE", EXIT.failure);
  });

  test("while a demand is live the reward would burn: the watcher waits, a person need not", async (t) => {
    const { steps, interval } = PROGRAM;
    const request = { programRoot: programRoot(nodeHasher, PROGRAM), steps, interval };
    const { jobId, given } = await standingOtherwise(chain.account(5), request);
    const asker = chain.account(10);
    await chain.fund(asker, 10n ** 10n);
    const { context } = createAssay({
      rpcUrl: chain.rpcUrl,
      account: asker,
      deployment: chain.deployment,
      pollingInterval: 50,
    });
    // What was presented can be doubted from the end of the grace time on. This test is the last: the chain's time runs ahead from here.
    await chain.client.increaseTime({ seconds: FIRST.receiptGrace + 1 });
    await chain.client.mine({ blocks: 1 });
    const { job } = await reader.jobFromChain(jobId);
    const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, PROGRAM);
    const program = {
      header: toHex(header),
      lists: { init: initRoot, step: stepRoot, eval: evalRoot },
    };
    await bringPayment(context, job.terms.disputes, await demandFeeOf(context, job));
    await demandChunk(context, job, program, { tensor: 0, chunk: 0 });
    await taken(jobId, given);
    await untilFound(() => evidenceOf(jobId), "the conflict");

    const { start } = await watcherAt(t, 8);
    const running = await start();
    assert.equal((await running.said("a conflict", jobId))["what"], "wait");
    await running.kill("SIGKILL");
    assert.equal((await reader.jobFromChain(jobId)).state, "submitted");
    const { assay, at } = personAt(t);
    const done = await assay.json<{ reward: string }>("conflicts", "slash", jobId, "--yes", ...at);
    assert.equal(done.reward, "0");
    assert.equal((await slashedBy(jobId))?.winner, zeroAddress);
  });
});
