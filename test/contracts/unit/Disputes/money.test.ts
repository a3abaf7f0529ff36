/** Whose money a dispute moves: bonds, the price, the reward, and what burns. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";

import { Random } from "@assay/engine/testing/random";

import { Honest, liar } from "../../support/dispute/challenger.ts";
import {
  BOND,
  CLOCK,
  type Court,
  type Game,
  type SubmittedJob,
  TARGET,
  challenge,
  deployCourtHouse,
  move,
  submitRun,
} from "../../support/dispute/court.ts";
import { honest, inputs, wrong } from "../../support/dispute/forty-steps.ts";
import { play, refusedWith } from "../../support/dispute/play.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { type Run, listTree } from "../../support/dispute/run.ts";
import { TOKEN, connect } from "../../support/market.ts";

describe("Disputes and money", () => {
  let court: Court;
  beforeEach(async () => {
    court = await deployCourtHouse();
  });

  const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
    refusedWith(court, sent, name);
  const free = (who: { address: string }): Promise<bigint> =>
    court.market.getFunction("freeBalance")(who.address);
  const time = () => court.connection.networkHelpers.time;
  const stateOf = (job: SubmittedJob): Promise<bigint> =>
    court.market.getFunction("stateOf")(job.jobId);
  const timeoutChallenger = (game: Game) =>
    court.disputes.getFunction("timeoutChallenger")(game.id, game.position);
  const withdrawBond = (game: Game) =>
    court.disputes.getFunction("withdrawBond")(game.id, game.position);
  const submit = (run: Run) => submitRun(court, run, honest, inputs.seed);
  const providerOf = (run: Run, job: SubmittedJob) => new Provider(court, run, job);

  it("of a provider that lost: the price goes back, the winner is rewarded, the rest burns", async () => {
    const job = await submit(wrong);
    const [requester, challenger] = [await free(court.requester), await free(court.challenger)];
    const burned: bigint = await court.market.getFunction("burned")();
    const game = await challenge(court, job, TARGET.checkpoint);
    await play(court, game, job, providerOf(wrong, job), new Honest(honest));
    assert.equal(game.over, "provider lost");
    assert.equal(await stateOf(job), 5n);
    const terms = job.job.terms as Record<string, bigint>;
    assert.equal(await free(court.requester), requester + terms["price"]! + terms["protocolFee"]!);
    assert.equal(
      await free(court.challenger),
      challenger + TOKEN,
      "bond back, half of the collateral",
    );
    assert.equal(await court.market.getFunction("burned")(), burned + TOKEN);
    assert.equal(await court.market.getFunction("lineOf")(await court.disputes.getAddress()), 0n);
  });

  it("of a challenger that lost: its bond goes to the provider, who is paid after the window", async () => {
    const job = await submit(honest);
    const [provider, challenger] = [await free(court.provider), await free(court.challenger)];
    const end = Number(job.job.progress["windowEnd"]);
    await time().setNextBlockTimestamp(end);
    const game = await challenge(court, job, TARGET.checkpoint);
    await time().increase(1);
    await assert.rejects(court.market.getFunction("settle")(job.job), /MarketDisputeLive/);
    await play(court, game, job, providerOf(honest, job), liar(new Random(1)));
    assert.equal(game.over, "challenger lost");
    assert.equal(await free(court.provider), provider + BOND);
    assert.equal(await free(court.challenger), challenger - BOND);
    const status = await court.disputes.getFunction("statusOf")(job.jobId);
    assert.deepEqual([status.liveGames, status.won], [0n, true]);
    await (await court.market.getFunction("settle")(job.job)).wait();
    assert.equal(await stateOf(job), 4n);
  });

  it("of other games when one is won: every bond goes back, none is lost any more", async () => {
    const job = await submit(wrong);
    const before = await free(court.challenger);
    const idle = await challenge(court, job, TARGET.checkpoint);
    const waiting = await challenge(court, job, TARGET.checkpoint);
    await move(court, waiting, court.provider, "open", listTree(wrong.prefix()).children([]));
    await refused(withdrawBond(idle), "DisputeJobNotOver");
    const game = await challenge(court, job, TARGET.checkpoint);
    await play(court, game, job, providerOf(wrong, job), new Honest(honest));
    await time().increase(100 * CLOCK);
    await refused(timeoutChallenger(waiting), "DisputeWrongJob");
    for (const other of [idle, waiting]) {
      await (await withdrawBond(other)).wait();
      await refused(withdrawBond(other), "DisputeWrongPosition");
    }
    assert.equal(await free(court.challenger), before + TOKEN);
    assert.equal(await court.market.getFunction("lineOf")(await court.disputes.getAddress()), 0n);
  });

  it("of twenty spurious games at once: an honest provider loses none of it", async () => {
    const job = await submit(honest);
    const provider = await free(court.provider);
    const games: Game[] = [];
    for (let i = 0; i < 20; i++) games.push(await challenge(court, job, i % 3));
    for (const [i, game] of games.entries()) {
      await play(court, game, job, providerOf(honest, job), liar(new Random(i)));
      assert.equal(game.over, "challenger lost");
    }
    assert.equal(await free(court.provider), provider + 20n * BOND);
    assert.equal(await stateOf(job), 3n, "the submission still stands");
  });

  it("a challenge that the requester itself lost goes on its record, once", async () => {
    const job = await submit(honest);
    const allow = connect(court.market, court.requester).getFunction("allowModule");
    await allow(await court.disputes.getAddress(), 10n * BOND);
    const game = await challenge(court, job, TARGET.checkpoint, court.requester);
    await move(court, game, court.provider, "open", listTree(honest.prefix()).children([]));
    await time().increase(100 * CLOCK);
    const note = () => court.disputes.getFunction("noteLostChallenge")(job.job);
    await refused(note(), "DisputeNothingToDispute");
    await (await timeoutChallenger(game)).wait();
    await (await note()).wait();
    await refused(note(), "DisputeNothingToDispute");
  });
});
