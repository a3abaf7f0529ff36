import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { PHASES } from "@assay/protocol/domain/disputes";
import { marketAbi } from "@assay/protocol/generated/abis";
import type { Game } from "@assay/sdk/disputes/game";
import { readGame } from "@assay/sdk/disputes/read";
import { turnOf } from "@assay/sdk/disputes/turn";
import type { Hex } from "viem";
import { LONG_WINDOWS, setStage, skipPast, smallJob } from "../provider/story.ts";
import {
  journalOf,
  playWrong,
  startWatcher,
  submitWrong,
  watcherHome,
  type RunningWatcher,
} from "./cheats.ts";

const stage = await setStage(LONG_WINDOWS);
after(() => stage.close());

/** A watcher's home and a way to start it, over and over. */
const watcherAt = async (t: TestContext, place: number) => {
  const { key, assay } = await stage.chain.actor(place, stage.front.url);
  const { home, remove } = await watcherHome(key);
  const started: RunningWatcher[] = [];
  t.after(async () => {
    await Promise.all(started.map((watcher) => watcher.kill("SIGKILL")));
    await remove();
  });
  const start = async (environment: Record<string, string> = {}): Promise<RunningWatcher> => {
    const watcher = await startWatcher(stage, home, environment);
    started.push(watcher);
    return watcher;
  };
  return { assay, home, start, address: assay.context.walletClient!.account!.address };
};

const providerAt = async (place: number) => (await stage.furtherProvider(place)).assay;

const eventOf = async (jobId: Hex, eventName: "Slashed" | "Settled") => {
  const { publicClient } = stage.requester.context;
  const [event] = await publicClient.getContractEvents({
    address: stage.chain.deployment.contracts.market,
    abi: marketAbi,
    eventName,
    args: { jobId },
    fromBlock: 0n,
  });
  return event;
};

/** Lets the clock of a provider run out that has no move left. */
const runOut = ({ clocks }: Game): Promise<void> =>
  skipPast(stage, clocks.movedAt + clocks.providerLeft);

test(
  "a provider that skips half of the training is caught by a watcher that is killed at every move, and once loses its journal",
  { timeout: 900_000 },
  async (t) => {
    const { assay, home, start, address } = await watcherAt(t, 4);
    // What it runs with at first differs from what it goes on with: the bits are the same.
    let watcher = await start({ ASSAY_WATCHER_LANES: "wide", ASSAY_WATCHER_THREADS: "2" });
    const provider = await providerAt(10);
    const job = await smallJob(stage, { steps: 60, interval: 6, seed: 10n });
    const before_ = await stage.requester.balance();
    const submitted = await submitWrong(stage, provider, job, { lazy: true });
    const { jobId, disputes } = submitted;
    const kills = new Set<string>();
    let lost: Awaited<ReturnType<typeof journalOf>> = [];
    const stuck = await playWrong(submitted, {
      // The watcher has just moved: it is killed, and a new process has to go on.
      before: async ({ position, moves }) => {
        kills.add(`${position.level} ${position.phase}`);
        if (moves.length < 2) return;
        await watcher.kill("SIGKILL");
        if (moves.length > 3 && lost.length === 0) {
          // From here on only the chain knows of the game.
          lost = await journalOf(home);
          await rm(join(home, "state", "journal.jsonl"));
        }
        watcher = await start();
      },
    });
    assert.equal(PHASES[stuck.position.phase], "judge", "the provider was right up to the scalar");
    assert.ok(kills.size >= 6, `killed at ${[...kills].join(", ")}`);
    const decided = await watcher.said("one scalar decides", jobId);
    assert.notEqual((decided["scalar"] as { bits: number }).bits, stuck.position.bits);
    await runOut(stuck);
    await watcher.said("done with a job", jobId);

    const over = await readGame(assay.context, { disputes, gameId: stuck.gameId });
    assert.equal(over.end, "provider lost");
    const { state, job: record } = await assay.jobFromChain(jobId);
    assert.equal(state, "slashed");
    assert.equal(await stage.requester.balance(), before_, "all of the escrow came back");
    const slashed = await eventOf(jobId, "Slashed");
    assert.ok(slashed !== undefined);
    // The bond, and the reward beside it.
    const free = await assay.balance(address);
    assert.ok(free > over.bond, `${free} of a bond of ${over.bond}`);
    assert.ok(record.terms.collateral > free - over.bond);
    assert.ok(lost.length > 0);
    const journal = [...lost, ...(await journalOf(home))];
    assert.equal(journal.filter(({ kind }) => kind === "challenging").length >= 1, true);
    assert.ok(journal.some((event) => event["kind"] === "closed" && event["outcome"] === "won"));
    // One challenge, however often it was killed.
    const moves = over.moves.filter(({ position }) => position !== undefined);
    assert.equal(new Set(moves.map(({ transaction }) => transaction)).size, moves.length);
    await submitted.run.close();
    assert.equal(await watcher.kill("SIGTERM"), 0);
  },
);

test(
  "one watcher plays many games at once, whatever is wrong, and leaves right results alone",
  { timeout: 900_000 },
  async (t) => {
    const { assay, start } = await watcherAt(t, 5);
    const watcher = await start({ ASSAY_WATCHER_CAPACITY: "2" });
    const cases = [
      { place: 11, wrong: { lazy: true }, lies: true },
      { place: 12, wrong: { lazy: true }, lies: false },
      { place: 13, wrong: { forged: "modelRoot" as const }, lies: false },
      { place: 14, wrong: { forged: "evalRoot" as const }, lies: false },
      { place: 15, wrong: {}, lies: false },
    ];
    const all = await Promise.all(
      cases.map(async ({ place, wrong, lies }) => {
        const provider = await providerAt(place);
        const job = await smallJob(stage, { steps: 40, interval: 8, seed: BigInt(place) });
        return { job, lies, wrong, submitted: await submitWrong(stage, provider, job, wrong) };
      }),
    );
    const right = all.at(-1)!.submitted;
    assert.equal((await watcher.said("done with a job", right.jobId))["outcome"], "same");
    const wrong = all.slice(0, -1);
    const stuck = await Promise.all(
      wrong.map(({ submitted, job, lies }) => playWrong(submitted, lies ? { lies: job } : {})),
    );
    const [liar, lazy, model, evaluation] = stuck;
    assert.equal(PHASES[liar!.position.phase], "prove", "it points at the operand that is a lie");
    assert.equal(PHASES[lazy!.position.phase], "judge");
    assert.equal(model!.position.level, 4);
    assert.equal(evaluation!.position.level, 3);
    for (const game of stuck) assert.equal(turnOf(game), "provider");
    // The last one's clock is the longest: it has most live games of its own.
    for (const game of stuck) await runOut(game);
    for (const { submitted } of wrong) {
      const done = await watcher.said("done with a job", submitted.jobId);
      assert.equal(done["outcome"], "won");
      assert.equal((await assay.jobFromChain(submitted.jobId)).state, "slashed");
    }
    assert.equal((await assay.jobFromChain(right.jobId)).state, "submitted");
    await Promise.all(all.map(({ submitted }) => submitted.run.close()));
    assert.equal(await watcher.kill("SIGTERM"), 0);
  },
);

test(
  "a watcher that cannot run a job again, or was told to leave it, challenges nothing",
  { timeout: 600_000 },
  async (t) => {
    const provider = await providerAt(16);
    const job = await smallJob(stage, { steps: 20, interval: 10, seed: 16n });
    const { jobId, run } = await submitWrong(stage, provider, job, { lazy: true });
    const poor = await watcherAt(t, 6);
    const blind = await poor.start({ ASSAY_WATCHER_CONTENT: join(poor.home, "empty") });
    const choosy = await watcherAt(t, 7);
    const none = await choosy.start({ ASSAY_WATCHER_FRACTION: "0" });
    const units = await watcherAt(t, 8);
    const cheap = await units.start({ ASSAY_WATCHER_MAX_UNITS: "10" });
    for (const [watcher, reason] of [
      [none, "fraction"],
      [cheap, "units"],
    ] as const)
      assert.equal((await watcher.said("left to others", jobId))["reason"], reason);
    const failure = await blind.said("did not work", jobId);
    assert.deepEqual([failure["doing"], failure["code"]], ["run", "CONTENT_NOT_FOUND"]);
    assert.ok(!(await journalOf(poor.home)).some(({ kind }) => kind === "challenging"));
    for (const { home } of [choosy, units])
      assert.ok(!(await journalOf(home)).some(({ kind }) => kind === "watched"));
    await run.close();
  },
);
