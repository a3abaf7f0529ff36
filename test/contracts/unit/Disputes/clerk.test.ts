/** What happens around games: costs, demands for chunks, replicas made to play. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet, ZeroHash } from "ethers";
import type { Hex } from "@assay/protocol/commitments/hash";
import { toHex } from "@assay/protocol/commitments/hash";
import type { Words } from "@assay/engine/backend";
import { DTYPE } from "@assay/engine/ir/types";

import { Honest } from "../../support/dispute/challenger.ts";
import {
  BOND,
  CLOCK,
  type Court,
  type Game,
  type SubmittedJob,
  TARGET,
  WINDOW,
  agreeRun,
  challenge,
  commitRun,
  deployCourtHouse,
  gameOf,
  move,
  revealRun,
  submitRun,
} from "../../support/dispute/court.ts";
import { honest, inputs, wrong } from "../../support/dispute/forty-steps.ts";
import { play, refusedWith } from "../../support/dispute/play.ts";
import { wideProgram } from "../../support/dispute/programs.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { Run, chunkTree, listTree, rootOf } from "../../support/dispute/run.ts";
import { TOKEN, connect, fundAndStake, root, signSubmission } from "../../support/market.ts";
import { IS_COUNTED } from "../../support/gas.ts";

/** Token base units for 1e9 gas: 2.5 million gas, all that is covered, are 2.5 tokens. */
const GAS_PRICE = 1_000n * TOKEN;
const COVERED = (2_500_000n * GAS_PRICE) / 10n ** 9n;

let court: Court;
const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
  refusedWith(court, sent, name);
const free = (who: { address: string }): Promise<bigint> =>
  court.market.getFunction("freeBalance")(who.address);
const time = () => court.connection.networkHelpers.time;
const stateOf = (job: SubmittedJob): Promise<bigint> =>
  court.market.getFunction("stateOf")(job.jobId);
const liveOf = async (job: SubmittedJob): Promise<bigint> =>
  (await court.disputes.getFunction("statusOf")(job.jobId)).liveGames;
const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
  connect(court.disputes, by).getFunction(name)(...args);

describe("Disputes and the price of gas", () => {
  beforeEach(async () => {
    court = await deployCourtHouse({ gasPrice: GAS_PRICE });
  });

  it("makes a bond cover the gas that a challenge may cost, besides the time", async () => {
    const job = await submitRun(court, honest, honest, inputs.seed);
    assert.equal(await court.disputes.getFunction("bondOf")(job.job), BOND + COVERED);
  });

  it("pays the winner its measured gas and no more than the cap, before the reward", async () => {
    const job = await submitRun(court, wrong, honest, inputs.seed, { collateral: 20n * TOKEN });
    const before = await free(court.challenger);
    const game = await challenge(court, job, TARGET.checkpoint);
    await play(court, game, job, new Provider(court, wrong, job), new Honest(honest));
    assert.equal(game.over, "provider lost");
    const own = ["challenge", "point", "pointElement", "pointClaim", "timeoutProvider"];
    const used = game.gas
      .filter(({ name }) => own.includes(name))
      .reduce((sum, { used: gas }) => sum + gas, 0n);
    const costs = (await free(court.challenger)) - before - 10n * TOKEN;
    const price = (used * GAS_PRICE) / 10n ** 9n;
    // Code that counts what runs uses more than the meter expects.
    if (!IS_COUNTED)
      assert.ok(costs > (price * 9n) / 10n && costs < (price * 11n) / 10n, `${costs} for ${price}`);
    assert.ok(costs < COVERED);
  });

  it("burns its share first, however high the costs", async () => {
    const job = await submitRun(court, wrong, honest, inputs.seed, { collateral: TOKEN });
    const burned: bigint = await court.market.getFunction("burned")();
    const game = await challenge(court, job, TARGET.checkpoint);
    await play(court, game, job, new Provider(court, wrong, job), new Honest(honest));
    assert.ok((await court.market.getFunction("burned")()) - burned >= TOKEN / 4n);
  });
});

describe("Disputes.demandChunk", () => {
  const wide = wideProgram();
  const run = new Run(wide.program, wide.inputs);
  const type = wide.program.state.at(-1)!;
  const words = run.modelTensors()[0] as Words;
  const chunks = chunkTree(type, words);
  const FEE = BOND / 50n;

  beforeEach(async () => {
    court = await deployCourtHouse();
  });

  const bytesOf = (chunk: number): Hex => {
    const part = words.subarray(256 * chunk, 256 * (chunk + 1));
    return toHex(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  };
  const proofOf = (chunk: number) => ({
    state: ZeroHash,
    stateProof: [],
    root: rootOf(type, words),
    rootProof: listTree(run.modelRoots()).proof(0),
    dtype: DTYPE[type.dtype],
    rank: 2,
    dims: (300n << 96n) | (2n << 64n),
    chunks: chunks.root,
    chunkProof: chunks.proof(chunk),
    chunk: bytesOf(chunk),
    table: false,
  });
  const demand = (job: SubmittedJob, tensor = 0, chunk = 2) =>
    call(court.challenger, "demandChunk", job.job, job.header, job.lists, tensor, chunk);
  const submit = () => submitRun(court, run, run, wide.inputs.seed);

  it("shows the chunk that was asked for, and pays the provider for it", async () => {
    const job = await submit();
    const [asker, provider] = [await free(court.challenger), await free(court.provider)];
    await (await demand(job)).wait();
    assert.equal(await free(court.challenger), asker - FEE);
    assert.equal(await liveOf(job), 1n);
    await refused(call(court.provider, "showChunk", 1, proofOf(1)), "DisputeNotProven");
    const bent = { ...proofOf(2), chunk: `${proofOf(2).chunk.slice(0, -2)}00` };
    await refused(call(court.provider, "showChunk", 1, bent), "DisputeNotProven");
    const receipt = await (await call(court.provider, "showChunk", 1, proofOf(2))).wait();
    const shown = receipt.logs
      .map((log: never) => court.disputes.interface.parseLog(log))
      .find((event: { name: string } | null) => event?.name === "ChunkShown");
    assert.equal(shown.args["chunk"], bytesOf(2));
    assert.equal(await free(court.provider), provider + FEE);
    assert.equal(await liveOf(job), 0n);
    await refused(call(court.provider, "showChunk", 1, proofOf(2)), "DisputeDone");
  });

  it("slashes a provider that does not show it in time, to the second", async () => {
    const job = await submit();
    const asker = await free(court.challenger);
    await (await demand(job)).wait();
    const until = (await time().latest()) + CLOCK;
    const end = () => call(court.requester, "timeoutDemand", 1, job.job);
    await time().setNextBlockTimestamp(until);
    await refused(end(), "DisputeTooEarly");
    await time().setNextBlockTimestamp(until + 1);
    await refused(call(court.provider, "showChunk", 1, proofOf(2)), "DisputeTooLate");
    await (await end()).wait();
    assert.equal(await stateOf(job), 5n);
    assert.equal(
      await free(court.challenger),
      asker + TOKEN,
      "fee back, and half of the collateral",
    );
  });

  it("finding g: rewards nobody where a challenger has a game, for a friend would ask in front of it", async () => {
    const job = await submit();
    const [asker, burned] = [
      await free(court.challenger),
      await court.market.getFunction("burned")(),
    ];
    await (await demand(job)).wait();
    const game = await challenge(court, job, TARGET.lastState);
    await time().increase(CLOCK + 1);
    await (await call(court.requester, "timeoutDemand", 1, job.job)).wait();
    assert.equal(await stateOf(job), 5n);
    await (await call(court.requester, "withdrawBond", game.id, game.position)).wait();
    assert.equal(await free(court.challenger), asker, "fee and bond, and no more");
    assert.equal((await court.market.getFunction("burned")()) - burned, 2n * TOKEN);
  });

  it("finding F5: does not keep two results for one checkpoint from being slashed", async () => {
    const job = await submit();
    const [asker, burned] = [
      await free(court.challenger),
      await court.market.getFunction("burned")(),
    ];
    await (await demand(job)).wait();
    const game = await challenge(court, job, TARGET.lastState);
    const other = { ...job.submission, prefixRoot: root("told to somebody") };
    const signature = await signSubmission(court, other);
    const slash = connect(court.market, court.challenger).getFunction("slashConflict");
    await (await slash(job.job, job.submission, "0x", other, signature)).wait();
    assert.equal(await stateOf(job), 5n);
    assert.equal((await court.market.getFunction("burned")()) - burned, 2n * TOKEN, "the reward");
    await (await call(court.requester, "withdrawBond", game.id, game.position)).wait();
    await (await call(court.requester, "closeDemand", 1)).wait();
    assert.equal(await free(court.challenger), asker, "fee and bond");
    assert.equal(await liveOf(job), 0n);
    assert.equal(await court.market.getFunction("lineOf")(await court.disputes.getAddress()), 0n);
  });

  it("keeps the job from being settled until it is answered", async () => {
    const job = await submit();
    await time().setNextBlockTimestamp(Number(job.job.progress["windowEnd"]));
    await (await demand(job)).wait();
    await time().increase(1);
    await assert.rejects(court.market.getFunction("settle")(job.job), /MarketDisputeLive/);
    await (await call(court.provider, "showChunk", 1, proofOf(2))).wait();
    await (await court.market.getFunction("settle")(job.job)).wait();
    assert.equal(await stateOf(job), 4n);
  });

  it("costs more with each that is open, and is for chunks that there are, in the window", async () => {
    const job = await submit();
    await refused(demand(job, 1, 0), "DisputeNoSuchPlace");
    await refused(demand(job, 0, 3), "DisputeNoSuchPlace");
    for (let live = 1n; live <= 3n; live += 1n) {
      assert.equal(await court.disputes.getFunction("demandFeeOf")(job.job), FEE * live);
      await (await demand(job)).wait();
    }
    await time().increase(WINDOW + 1);
    await refused(demand(job), "DisputeOutsideWindow");
  });

  it("does not make a challenge dearer, nor does a challenge a demand", async () => {
    const job = await submit();
    for (let i = 0; i < 3; i++) await (await demand(job)).wait();
    assert.equal(await court.disputes.getFunction("bondOf")(job.job), BOND);
    await challenge(court, job, TARGET.lastState);
    assert.equal(await court.disputes.getFunction("bondOf")(job.job), BOND);
    assert.equal(await court.disputes.getFunction("demandFeeOf")(job.job), 4n * FEE);
  });

  it("gives the fee back where the job came to another end", async () => {
    const job = await submit();
    const asker = await free(court.challenger);
    await (await demand(job, 0, 1)).wait();
    await (await demand(job, 0, 2)).wait();
    const close = () => call(court.requester, "closeDemand", 2);
    await refused(close(), "DisputeJobNotOver");
    await time().increase(CLOCK + 1);
    await (await call(court.requester, "timeoutDemand", 1, job.job)).wait();
    await (await close()).wait();
    await refused(close(), "DisputeDone");
    assert.equal(await free(court.challenger), asker + TOKEN);
    assert.equal(await court.market.getFunction("lineOf")(await court.disputes.getAddress()), 0n);
  });
});

describe("Disputes.forcePlay", () => {
  let second: Wallet;
  beforeEach(async () => {
    court = await deployCourtHouse();
    second = new Wallet(root("second provider"), court.ethers.provider);
    await (await court.deployer.sendTransaction({ to: second.address, value: 10n ** 18n })).wait();
    await fundAndStake({ ...court, provider: second }, 10n * TOKEN);
  });

  /** Two replicas of a request, the first by the court's provider, both revealed. */
  async function replicas(first: Run, other: Run): Promise<[SubmittedJob, SubmittedJob]> {
    const request = {
      nonce: 77n,
      replicas: 2,
      expiry: (await time().latest()) + 3_600,
    };
    const a = await agreeRun(court, first, honest, inputs.seed, { request });
    const b = await agreeRun(court, other, honest, inputs.seed, { request, by: second });
    const committed = [await commitRun(court, a), await commitRun(court, b, second)] as const;
    return [await revealRun(court, committed[0]), await revealRun(court, committed[1])];
  }
  const side = ({ job, submission }: SubmittedJob) => ({ job, prefixRoot: submission.prefixRoot });
  const providerOf = (job: SubmittedJob): Wallet =>
    job.job.terms["provider"] === second.address ? second : court.provider;
  const forced = (a: SubmittedJob, b: SubmittedJob, by = providerOf(b)) =>
    call(by, "forcePlay", side(a), side(b), a.header, a.lists);
  const force = async (a: SubmittedJob, b: SubmittedJob): Promise<Game> =>
    gameOf(court, await (await forced(a, b)).wait());

  it("makes the right one win as the challenger, without a bond", async () => {
    const [bad, good] = await replicas(wrong, honest);
    const game = await force(bad, good);
    assert.equal((await court.disputes.getFunction("gameOf")(game.id)).bond, 0n);
    assert.deepEqual([await liveOf(bad), await liveOf(good)], [1n, 1n]);
    const before = await free(second);
    const table = { ...court, challenger: second };
    await play(table, game, bad, new Provider(court, wrong, bad), new Honest(honest));
    assert.equal(game.over, "provider lost");
    assert.deepEqual([await stateOf(bad), await stateOf(good)], [5n, 3n]);
    assert.equal(await free(second), before + TOKEN, "the reward");
    assert.equal(await liveOf(good), 0n);
  });

  it("slashes the wrong one where it is the challenger, after its record is shown", async () => {
    const [good, bad] = await replicas(honest, wrong);
    const game = await force(good, bad);
    const table = { ...court, challenger: second };
    await play(table, game, good, new Provider(court, honest, good), {
      child: () => 0,
      element: () => 0,
      claim: () => 0,
    });
    assert.equal(game.over, "challenger lost");
    assert.deepEqual([await liveOf(good), await liveOf(bad)], [0n, 1n]);
    await time().increase(WINDOW + 1);
    await assert.rejects(court.market.getFunction("settle")(bad.job), /MarketDisputeLive/);
    const before = await free(court.provider);
    await refused(call(court.requester, "collectForfeit", good.job), "DisputeDone");
    await (await call(court.requester, "collectForfeit", bad.job)).wait();
    assert.equal(await stateOf(bad), 5n);
    assert.equal(await free(court.provider), before + TOKEN, "half of the loser's collateral");
    await (await court.market.getFunction("settle")(good.job)).wait();
    assert.equal(await stateOf(good), 4n);
  });

  it("slashes a challenger that lets its clock run out", async () => {
    const [good, bad] = await replicas(honest, wrong);
    const game = await force(good, bad);
    await move(court, game, court.provider, "open", listTree(honest.prefix()).children([]));
    await time().increase(100 * CLOCK);
    await (await call(court.requester, "timeoutChallenger", game.id, game.position)).wait();
    await (await call(court.requester, "collectForfeit", bad.job)).wait();
    assert.equal(await stateOf(bad), 5n);
  });

  it("is for two results of one request that differ, once", async () => {
    const [good, bad] = await replicas(honest, wrong);
    const alone = await submitRun(court, honest, honest, inputs.seed);
    await refused(forced(good, alone), "DisputeWrongJob");
    await refused(forced(good, good), "DisputeNothingToDispute");
    for (const by of [court.requester, court.provider])
      await refused(forced(good, bad, by), "DisputeNotYourTurn");
    await refused(
      call(
        second,
        "forcePlay",
        side(good),
        { ...side(bad), prefixRoot: ZeroHash },
        good.header,
        good.lists,
      ),
      "DisputeMismatch",
    );
    await force(good, bad);
    await refused(forced(good, bad), "DisputeDone");
    await refused(forced(bad, good), "DisputeDone");
  });

  it("lets go of the other replica where the first is slashed by somebody else", async () => {
    const [bad, good] = await replicas(wrong, honest);
    const game = await force(bad, good);
    const other = await challenge(court, bad, TARGET.checkpoint);
    await play(court, other, bad, new Provider(court, wrong, bad), new Honest(honest));
    assert.equal(await stateOf(bad), 5n);
    await (await call(court.requester, "withdrawBond", game.id, game.position)).wait();
    assert.equal(await liveOf(good), 0n);
  });
});
