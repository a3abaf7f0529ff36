/** Audits: the draw, the commitments of drawn auditors, and their pay. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet } from "ethers";
import { TYPES } from "@assay/protocol/signing/typed-data";

import { Honest } from "../../support/dispute/challenger.ts";
import {
  type Court,
  TARGET,
  WINDOW,
  agreeRun,
  challenge,
  commitRun,
  deployCourtHouse,
  revealRun,
} from "../../support/dispute/court.ts";
import { play, refusedWith, timeoutProvider } from "../../support/dispute/play.ts";
import { smallProgram } from "../../support/dispute/programs.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { Run } from "../../support/dispute/run.ts";
import { TOKEN, connect, domainOf, fundAndStake, root } from "../../support/market.ts";

const LINE = TOKEN / 2n + 1n;
const AUDITED = 4n;
const { program, inputs } = smallProgram(4, 2);
const honest = new Run(program, inputs);
const wrong = new Run(program, inputs, { kind: "stop", step: 2 });
const salt = root("salt");

describe("Audits", () => {
  let court: Court;
  let auditors: [Wallet, Wallet];
  let idle: Wallet;

  const build = async (auditRateBps: number, gasPrice = 0n): Promise<void> => {
    court = await deployCourtHouse({ gasPrice, numbers: { auditRateBps, auditFloorBps: 0 } });
    const names = ["first auditor", "second auditor", "idle"];
    const made = names.map((name) => new Wallet(root(name), court.ethers.provider));
    for (const { address } of made)
      await (await court.deployer.sendTransaction({ to: address, value: 10n ** 18n })).wait();
    const [a, b, c] = made as [Wallet, Wallet, Wallet];
    [auditors, idle] = [[a, b], c];
    for (const provider of auditors) await fundAndStake({ ...court, provider }, TOKEN);
  };
  beforeEach(() => build(10_000));

  const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
    refusedWith(court, sent, name);
  const helpers = () => court.connection.networkHelpers;
  const free = (who: { address: string }): Promise<bigint> =>
    court.market.getFunction("freeBalance")(who.address);
  const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
    connect(court.disputes, by).getFunction(name)(...args);
  const anyone = (name: string, ...args: readonly unknown[]) =>
    call(court.requester, name, ...args);
  const status = (jobId: string) => court.disputes.getFunction("statusOf")(jobId);
  type Committed = Awaited<ReturnType<typeof commitRun>>;

  /** A job with an audit line whose provider has committed. */
  async function committed(run: Run = honest): Promise<Committed> {
    const request = { auditLine: LINE, maximum: 10n * TOKEN };
    return commitRun(court, await agreeRun(court, run, honest, inputs.seed, { request }));
  }
  async function drawn(job: Committed): Promise<void> {
    await (await anyone("openDraw", job.job)).wait();
    await helpers().mine(5);
    await (await anyone("resolveDraw", job.job)).wait();
  }
  const traceOf = (job: Committed, run: Run): Promise<string> => {
    const submission = { ...job.submission, prefixRoot: run.prefixRoot() };
    const stateRoot = run.stateRoot(program.steps);
    return court.market.getFunction("traceRootOf")({ ...submission, stateRoot });
  };
  /** What an auditor that ran the job commits to. */
  async function commit(
    job: Committed,
    by: Wallet,
    run: Run = honest,
    sender: Wallet = by,
  ): Promise<void> {
    const { disputes } = court;
    const trace = await traceOf(job, run);
    const of = disputes.getFunction("auditCommitmentOf");
    await (
      await call(
        sender,
        "commitAudit",
        job.jobId,
        by.address,
        await of(job.jobId, by.address, trace, salt),
      )
    ).wait();
  }
  async function revealed(job: Committed) {
    const { auditUntil } = await status(job.jobId);
    await helpers().time.increaseTo(auditUntil + 1n);
    return revealRun(court, job);
  }
  const settle = async (job: Committed): Promise<void> => {
    await helpers().time.increase(WINDOW + 1);
    await (await court.market.getFunction("settle")(job.job)).wait();
  };

  it("pay auditors whose commitments match, each the same, and say so in the record", async () => {
    const job = await committed();
    await drawn(job);
    for (const auditor of auditors) await commit(job, auditor);
    const shown = await revealed(job);
    for (const auditor of auditors)
      await (await call(auditor, "revealAudit", shown.job, auditor.address, salt)).wait();
    assert.equal((await status(job.jobId)).auditors, 2n);
    await refused(
      call(auditors[0], "claimAudit", shown.job, auditors[0].address),
      "DisputeWrongJob",
    );
    await settle(shown);
    await (await call(auditors[1], "claimAudit", shown.job, auditors[1].address)).wait();
    await (await call(auditors[0], "claimAudit", shown.job, auditors[0].address)).wait();
    await refused(call(auditors[0], "claimAudit", shown.job, auditors[0].address), "DisputeDone");
    assert.equal(await free(auditors[0]), LINE / 2n);
    assert.equal(await free(auditors[1]), LINE - LINE / 2n, "the first to come has the remainder");
    const address = await court.disputes.getAddress();
    assert.equal(await free({ address }), 0n);
    assert.equal(await court.market.getFunction("lineOf")(address), 0n);
    const record = court.provenance.getFunction("recordAt");
    assert.equal((await record(job.submission.modelRoot, 0)).assurance, AUDITED);
  });

  it("cannot be skipped: nothing is revealed, settled or expired before the draw is resolved", async () => {
    const job = await committed();
    await assert.rejects(revealRun(court, job), /MarketTooEarly/);
    await helpers().time.increase(10 * WINDOW);
    await assert.rejects(revealRun(court, job), /MarketTooEarly/);
    await assert.rejects(court.market.getFunction("expire")(job.job), /MarketTooEarly/);
    await (await anyone("openDraw", job.job)).wait();
    await refused(anyone("openDraw", job.job), "DisputeDone");
    await refused(anyone("resolveDraw", job.job), "DisputeTooEarly");
    await assert.rejects(revealRun(court, job), /MarketTooEarly/);
    await helpers().mine(5);
    await (await anyone("resolveDraw", job.job)).wait();
    await refused(anyone("resolveDraw", job.job), "DisputeDone");
    await assert.rejects(revealRun(court, job), /MarketTooEarly/, "auditors have their time");
    await revealed(job);
  });

  it("are not escaped by letting the beacon's round pass", async () => {
    await build(0);
    const job = await committed();
    await (await anyone("openDraw", job.job)).wait();
    await helpers().mine(300);
    await (await anyone("resolveDraw", job.job)).wait();
    assert.equal((await status(job.jobId)).auditUntil, 0n);
    await helpers().mine(5);
    await (await anyone("resolveDraw", job.job)).wait();
    assert.equal(await court.disputes.getFunction("isDrawn")(job.jobId, auditors[0].address), true);
  });

  it("leave a job alone that is not drawn: its audit line goes back", async () => {
    await build(0);
    const before = await free(court.requester);
    const job = await committed();
    await drawn(job);
    assert.equal(
      await court.disputes.getFunction("isDrawn")(job.jobId, auditors[0].address),
      false,
    );
    const shown = await revealed(job);
    await settle(shown);
    const { price, protocolFee } = job.job.terms as Record<string, bigint>;
    assert.equal(await free(court.requester), before - price! - protocolFee!);
  });

  it("take commitments of those drawn alone, once, in time", async () => {
    const job = await committed();
    const send = (by: Wallet) => call(by, "commitAudit", job.jobId, by.address, salt);
    await refused(send(auditors[0]), "DisputeTooLate");
    await drawn(job);
    await refused(send(court.provider), "DisputeNotDrawn");
    await refused(send(idle), "DisputeNotDrawn");
    await fundAndStake({ ...court, provider: idle }, 100n * TOKEN);
    await refused(send(idle), "DisputeNotDrawn");
    await (await send(auditors[0])).wait();
    await refused(send(auditors[0]), "DisputeDone");
    const { auditUntil } = await status(job.jobId);
    await helpers().time.setNextBlockTimestamp(auditUntil);
    await (await send(auditors[1])).wait();
    await helpers().time.setNextBlockTimestamp(auditUntil + 1n);
    await refused(send(idle), "DisputeTooLate");
  });

  it("give nothing for a copied commitment, nor for one to another result", async () => {
    const job = await committed();
    await drawn(job);
    const { traceRoot } = { traceRoot: root("somebody else's") };
    const of = court.disputes.getFunction("auditCommitmentOf");
    const copied = await of(job.jobId, auditors[0].address, traceRoot, salt);
    await (await call(auditors[1], "commitAudit", job.jobId, auditors[1].address, copied)).wait();
    await commit(job, auditors[0], wrong);
    const shown = await revealed(job);
    for (const auditor of auditors)
      await refused(
        call(auditor, "revealAudit", shown.job, auditor.address, salt),
        "DisputeMismatch",
      );
    const before = await free(court.requester);
    await settle(shown);
    assert.ok((await free(court.requester)) >= before + LINE, "nobody audited");
  });

  it("can be made by an operator of the auditor, and shown and paid out by anyone", async () => {
    const job = await committed();
    await drawn(job);
    await refused(commit(job, auditors[0], honest, idle), "DisputeNotYourTurn");
    const operate = connect(court.staking, auditors[0]).getFunction("setOperator");
    await (await operate(idle.address, true)).wait();
    await commit(job, auditors[0], honest, idle);
    const shown = await revealed(job);
    await (await anyone("revealAudit", shown.job, auditors[0].address, salt)).wait();
    await settle(shown);
    await (await anyone("claimAudit", shown.job, auditors[0].address)).wait();
    assert.equal(await free(auditors[0]), LINE);
  });

  /** A wrong job that both auditors committed to the right result of, slashed by a challenger whose game the provider let go. */
  async function slashedByStraw(...honestOnes: readonly Wallet[]) {
    const job = await committed(wrong);
    await drawn(job);
    for (const auditor of honestOnes) await commit(job, auditor);
    const shown = await revealed(job);
    const before = await free(court.challenger);
    const game = await challenge(court, shown, TARGET.checkpoint);
    await timeoutProvider(court, game, shown);
    assert.equal(game.over, "provider lost");
    return { job, shown, gained: (await free(court.challenger)) - before };
  }
  const dissent = async (job: Committed, shown: Committed, auditor: Wallet) =>
    anyone("revealDissent", shown.job, auditor.address, await traceOf(job, honest), salt);

  it("come first: an own challenger that wins on purpose captures nothing", async () => {
    const { job, shown, gained } = await slashedByStraw(...auditors);
    assert.equal(gained, 0n, "gas is worth nothing here, so it has no costs");
    const { winner, until, amount } = await court.disputes.getFunction("rewardOf")(job.jobId);
    assert.equal(winner, court.challenger.address);
    const { collateral } = job.job.terms as Record<string, bigint>;
    assert.equal(amount, collateral! / 2n);
    for (const auditor of auditors) await (await dissent(job, shown, auditor)).wait();
    await refused(dissent(job, shown, auditors[0]), "DisputeMismatch");
    await helpers().time.setNextBlockTimestamp(until);
    await refused(anyone("claimReward", job.jobId, auditors[0].address), "DisputeTooEarly");
    await helpers().time.increaseTo(until + 1n);
    await refused(anyone("claimReward", job.jobId, court.challenger.address), "DisputeNotDrawn");
    await (await anyone("claimReward", job.jobId, auditors[0].address)).wait();
    await refused(anyone("claimReward", job.jobId, auditors[0].address), "DisputeNotDrawn");
    await (await anyone("claimReward", job.jobId, auditors[1].address)).wait();
    await refused(anyone("claimReward", job.jobId, auditors[1].address), "DisputeDone");
    assert.equal((await free(auditors[0])) + (await free(auditors[1])), amount);
    const address = await court.disputes.getAddress();
    assert.equal(await free({ address }), 0n);
    assert.equal(await court.market.getFunction("lineOf")(address), 0n);
  });

  it("pay the winner's costs at once, and a lone auditor the whole reward", async () => {
    await build(10_000, 10n ** 4n);
    const { job, shown, gained } = await slashedByStraw(auditors[0]);
    assert.ok(gained > 0n, "its gas");
    await (await dissent(job, shown, auditors[0])).wait();
    const { until, amount } = await court.disputes.getFunction("rewardOf")(job.jobId);
    await helpers().time.increaseTo(until + 1n);
    await (await anyone("claimReward", job.jobId, auditors[0].address)).wait();
    assert.equal(await free(auditors[0]), amount);
  });

  it("leave the reward to the winner where none of them dissents in time", async () => {
    const { job, shown } = await slashedByStraw(...auditors);
    const { until, amount } = await court.disputes.getFunction("rewardOf")(job.jobId);
    const slashedRoot = shown.job.progress["traceRoot"];
    await refused(
      anyone("revealDissent", shown.job, auditors[0].address, slashedRoot, salt),
      "DisputeNothingToDispute",
    );
    await refused(
      anyone("revealDissent", shown.job, auditors[0].address, root("another"), salt),
      "DisputeMismatch",
    );
    await helpers().time.setNextBlockTimestamp(until + 1n);
    await refused(dissent(job, shown, auditors[0]), "DisputeTooLate");
    const before = await free(court.challenger);
    await refused(anyone("claimReward", job.jobId, auditors[0].address), "DisputeNotDrawn");
    await (await anyone("claimReward", job.jobId, court.challenger.address)).wait();
    assert.equal(await free(court.challenger), before + amount);
  });

  it("give no part of the reward to an auditor that agreed with what was slashed", async () => {
    const job = await committed(wrong);
    await drawn(job);
    await commit(job, auditors[0], wrong);
    await commit(job, auditors[1]);
    const shown = await revealed(job);
    await (await anyone("revealAudit", shown.job, auditors[0].address, salt)).wait();
    const game = await challenge(court, shown, TARGET.checkpoint);
    await timeoutProvider(court, game, shown);
    await (await dissent(job, shown, auditors[1])).wait();
    const { until } = await court.disputes.getFunction("rewardOf")(job.jobId);
    await helpers().time.increaseTo(until + 1n);
    await refused(anyone("claimReward", job.jobId, auditors[0].address), "DisputeNotDrawn");
    await (await anyone("claimReward", job.jobId, auditors[1].address)).wait();
  });

  it("have until the second in which the reward falls free to dissent", async () => {
    const { job, shown } = await slashedByStraw(auditors[0]);
    const { until } = await court.disputes.getFunction("rewardOf")(job.jobId);
    await helpers().time.setNextBlockTimestamp(until);
    await (await dissent(job, shown, auditors[0])).wait();
    assert.equal((await court.disputes.getFunction("rewardOf")(job.jobId)).auditors, 1n);
  });

  it("are waited for by the requester's sign-off, for a time", async () => {
    const job = await committed();
    await drawn(job);
    await commit(job, auditors[0]);
    const shown = await revealed(job);
    const signOff = { jobId: job.jobId, traceRoot: shown.job.progress["traceRoot"] };
    const signature = await court.requester.signTypedData(
      await domainOf(court),
      { SignOff: [...TYPES.SignOff] },
      signOff,
    );
    const sign = () => court.market.getFunction("settleSignedOff")(shown.job, signOff, signature);
    await assert.rejects(sign(), /MarketDisputeLive/);
    await (await call(auditors[0], "revealAudit", shown.job, auditors[0].address, salt)).wait();
    await (await sign()).wait();
    await (await call(auditors[0], "claimAudit", shown.job, auditors[0].address)).wait();
    assert.equal(await free(auditors[0]), LINE);
  });

  /** A drawn job of which the auditor shows that the result is right. */
  async function audited(job: Committed): Promise<void> {
    await commit(job, auditors[0]);
    const shown = await revealed(job);
    await (await call(auditors[0], "revealAudit", shown.job, auditors[0].address, salt)).wait();
    await settle(shown);
    await (await call(auditors[0], "claimAudit", shown.job, auditors[0].address)).wait();
  }
  const rateOf = (protocolFee: unknown): Promise<bigint> =>
    court.disputes.getFunction("auditRateOf")(court.provider.address, 2, protocolFee);

  it("become rarer after ten successes in a row, and begin anew after a lost game", async () => {
    const job = await committed();
    const { protocolFee } = job.job.terms as Record<string, bigint>;
    await drawn(job);
    await audited(job);
    for (let done = 1; done < 11; done++) {
      assert.equal(await rateOf(protocolFee), 10_000n);
      const next = await committed();
      await drawn(next);
      await audited(next);
    }
    assert.equal(await rateOf(protocolFee), 9_090n);
    const bad = await committed(wrong);
    await drawn(bad);
    const shown = await revealed(bad);
    const game = await challenge(court, shown, TARGET.checkpoint);
    await play(court, game, shown, new Provider(court, wrong, shown), new Honest(honest));
    assert.equal(game.over, "provider lost");
    assert.equal(await rateOf(protocolFee), 10_000n);
  });

  it("finding F10: do not become rarer by jobs of less value, nor by rounds that were let pass", async () => {
    let protocolFee = 0n;
    for (let done = 0; done < 11; done++) {
      const job = await committed();
      ({ protocolFee } = job.job.terms as { protocolFee: bigint });
      await drawn(job);
      await audited(job);
    }
    assert.equal(await rateOf(2n * protocolFee), 10_000n, "a job of twice the value");
    assert.equal(await rateOf(0n), 10_000n, "one whose value is not known");
    await build(5_000);
    for (let done = 0; done < 11; done++) {
      const job = await committed();
      await (await anyone("openDraw", job.job)).wait();
      await helpers().mine(300);
      await (await anyone("resolveDraw", job.job)).wait();
      await helpers().mine(5);
      await (await anyone("resolveDraw", job.job)).wait();
      await audited(job);
    }
    assert.equal(await rateOf(protocolFee), 5_000n);
  });
});
