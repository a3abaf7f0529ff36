/** Findings: a replica's collateral that stands for the bonds of several games, though it is paid out once. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet } from "ethers";

import { LEFT } from "../support/dispute/challenger.ts";
import {
  BOND,
  type Court,
  type Game,
  type SubmittedJob,
  agreeRun,
  commitRun,
  deployCourtHouse,
  gameOf,
  nextNonce,
  revealRun,
} from "../support/dispute/court.ts";
import { play, refusedWith } from "../support/dispute/play.ts";
import { smallProgram } from "../support/dispute/programs.ts";
import { Provider } from "../support/dispute/provider.ts";
import { type Fault, Run } from "../support/dispute/run.ts";
import { TOKEN, connect, fund, fundAndStake, root } from "../support/market.ts";

const { program, inputs } = smallProgram(4, 2);
const honest = new Run(program, inputs);
const at = (step: number): Fault => ({
  kind: "op",
  list: "step",
  step,
  op: 0,
  element: 0,
  flip: 1,
});
const wrong = new Run(program, inputs, at(2));
const COLLATERAL = 4n * TOKEN;
/** Half of the collateral: more than the bond. */
const REWARD = COLLATERAL / 2n;

describe("Finding: one collateral behind several forced games", () => {
  let court: Court;
  let others: [Wallet, Wallet];
  beforeEach(async () => {
    court = await deployCourtHouse();
    others = [await provider("second provider"), await provider("third provider")];
  });

  async function provider(name: string): Promise<Wallet> {
    const wallet = new Wallet(root(name), court.ethers.provider);
    await (await court.deployer.sendTransaction({ to: wallet.address, value: 10n ** 18n })).wait();
    await fundAndStake({ ...court, provider: wallet }, COLLATERAL);
    return wallet;
  }
  const free = (who: { address: string }): Promise<bigint> =>
    court.market.getFunction("freeBalance")(who.address);
  const stateOf = ({ jobId }: SubmittedJob): Promise<bigint> =>
    court.market.getFunction("stateOf")(jobId);
  const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
    connect(court.disputes, by).getFunction(name)(...args);
  const side = ({ job, submission }: SubmittedJob) => ({ job, prefixRoot: submission.prefixRoot });
  const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
    refusedWith(court, sent, name);

  /** Replicas of one request, all revealed: by the court's provider, and the two others. */
  async function replicas(...runs: [Run, Run, Run]): Promise<SubmittedJob[]> {
    const expiry = (await court.connection.networkHelpers.time.latest()) + 3_600;
    const request = { nonce: nextNonce(), replicas: 3, expiry };
    const people = [court.provider, ...others];
    const committed: SubmittedJob[] = [];
    for (const [i, by] of people.entries()) {
      const options = { request, by, collateral: COLLATERAL };
      const agreed = await agreeRun(court, runs[i] as Run, honest, inputs.seed, options);
      committed.push(await commitRun(court, agreed, by));
    }
    const shown: SubmittedJob[] = [];
    for (const job of committed) shown.push(await revealRun(court, job));
    return shown;
  }
  const force = async (by: Wallet, defender: SubmittedJob, rival: SubmittedJob): Promise<Game> => {
    const { header, lists } = defender;
    const sent = await call(by, "forcePlay", side(defender), side(rival), header, lists);
    return gameOf(court, await sent.wait());
  };
  const bondOf = async ({ id }: Game): Promise<bigint> =>
    (await court.disputes.getFunction("gameOf")(id)).bond;
  const allow = async (by: Wallet, amount: bigint): Promise<void> => {
    await fund(court, by, amount);
    const disputes = await court.disputes.getAddress();
    await (await connect(court.market, by).getFunction("allowModule")(disputes, amount)).wait();
  };
  /** Plays a forced game whose defender is honest. */
  const end = (game: Game, of: SubmittedJob, by: Wallet, rival: Wallet) => {
    const table = { ...court, provider: by, challenger: rival };
    return play(table, game, of, new Provider(table, honest, of), LEFT);
  };

  it("a second game needs a bond while the first is live, and after it was lost", async () => {
    const [good, bad, third] = (await replicas(honest, wrong, honest)) as [
      SubmittedJob,
      SubmittedJob,
      SubmittedJob,
    ];
    const [liar, fine] = others;
    const first = await force(liar, good, bad);
    assert.equal(await bondOf(first), 0n);
    await assert.rejects(force(liar, third, bad));
    await end(first, good, court.provider, liar);
    assert.equal(first.over, "challenger lost");
    await assert.rejects(force(liar, third, bad));
    await allow(liar, BOND);
    const second = await force(liar, third, bad);
    assert.equal(await bondOf(second), BOND);

    const [before, later] = [await free(court.provider), await free(fine)];
    await end(second, third, fine, liar);
    assert.equal(second.over, "challenger lost");
    await (await call(fine, "collectForfeit", bad.job)).wait();
    assert.equal(await free(court.provider), before + REWARD);
    assert.equal(await free(fine), later + BOND);
    assert.deepEqual([await stateOf(good), await stateOf(bad)], [3n, 5n]);
  });

  it("a forfeit waits for the game without a bond, and is its defender's", async () => {
    const [good, bad, third] = (await replicas(honest, wrong, honest)) as [
      SubmittedJob,
      SubmittedJob,
      SubmittedJob,
    ];
    const [liar, fine] = others;
    const first = await force(liar, good, bad);
    await allow(liar, BOND);
    const second = await force(liar, third, bad);
    const [before, later] = [await free(court.provider), await free(fine)];
    await end(second, third, fine, liar);
    assert.equal(await free(fine), later + BOND);
    await refused(call(fine, "collectForfeit", bad.job), "DisputeDone");
    await end(first, good, court.provider, liar);
    await (await call(fine, "collectForfeit", bad.job)).wait();
    assert.equal(await free(court.provider), before + REWARD);
    assert.equal(await free(fine), later + BOND);
    const { liveGames } = await court.disputes.getFunction("statusOf")(bad.jobId);
    assert.equal(liveGames, 0n);
  });

  it("a right replica plays one wrong one after the other without a bond", async () => {
    const worst = new Run(program, inputs, at(1));
    const [bad, good, worse] = (await replicas(wrong, honest, worst)) as [
      SubmittedJob,
      SubmittedJob,
      SubmittedJob,
    ];
    const [fine] = others;
    for (const defender of [bad, worse]) {
      const game = await force(fine, defender, good);
      assert.equal(await bondOf(game), 0n);
      if (defender === bad) await assert.rejects(force(fine, worse, good), "both at once");
      const { movedAt, providerLeft } = await court.disputes.getFunction("gameOf")(game.id);
      await court.connection.networkHelpers.time.increaseTo(movedAt + providerLeft + 1n);
      await (await call(fine, "timeoutProvider", game.id, game.position, defender.job)).wait();
      assert.equal(await stateOf(defender), 5n);
    }
    assert.equal(await free(fine), 2n * REWARD);
    const { liveGames } = await court.disputes.getFunction("statusOf")(good.jobId);
    assert.deepEqual([await stateOf(good), liveGames], [3n, 0n]);
  });
});
