/** What draws and auditors are refused, the edges of a draw, and rewards too small to share. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet, ZeroHash } from "ethers";
import type { Hex } from "@assay/protocol/commitments/hash";

import {
  type Court,
  TARGET,
  WINDOW,
  agreeRun,
  challenge,
  commitRun,
  deployCourtHouse,
  nextNonce,
  revealRun,
} from "../../support/dispute/court.ts";
import { reasonOf, timeoutProvider } from "../../support/dispute/play.ts";
import { smallProgram } from "../../support/dispute/programs.ts";
import { Run } from "../../support/dispute/run.ts";
import { TOKEN, connect, follow, fund, fundAndStake, pairOf, root } from "../../support/market.ts";

const LINE = TOKEN / 2n;
const { program, inputs } = smallProgram(4, 2);
const honest = new Run(program, inputs);
const wrong = new Run(program, inputs, { kind: "stop", step: 2 });
const salt = root("salt");
/** What a beacon of blocks asks for and keeps. */
const DELAY = 4;
const KEPT = 256;

describe("Draws and auditors, at their edges", () => {
  let court: Court;
  let auditors: [Wallet, Wallet];

  const build = async (numbers: object = {}, gasPrice = 0n): Promise<void> => {
    court = await deployCourtHouse({
      gasPrice,
      numbers: { auditRateBps: 10_000, auditFloorBps: 0, ...numbers },
    });
    const made = ["first auditor", "second auditor"].map(
      (name) => new Wallet(root(name), court.ethers.provider),
    );
    auditors = made as [Wallet, Wallet];
    for (const provider of auditors) {
      await (
        await court.deployer.sendTransaction({ to: provider.address, value: 10n ** 18n })
      ).wait();
      await fundAndStake({ ...court, provider }, TOKEN);
    }
  };
  beforeEach(() => build());

  const refused = async (sent: Promise<unknown>, name: string): Promise<void> => {
    const reason = await sent.then(
      () => "none",
      (error: unknown) => reasonOf(court, error),
    );
    assert.equal(reason, name);
  };
  const helpers = () => court.connection.networkHelpers;
  const free = (who: { address: string }): Promise<bigint> =>
    court.market.getFunction("freeBalance")(who.address);
  const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
    connect(court.disputes, by).getFunction(name)(...args);
  const anyone = (name: string, ...args: readonly unknown[]) =>
    call(court.requester, name, ...args);
  const done = async (name: string, ...args: readonly unknown[]): Promise<void> => {
    await (await anyone(name, ...args)).wait();
  };
  const status = (jobId: string) => court.disputes.getFunction("statusOf")(jobId);
  type Committed = Awaited<ReturnType<typeof commitRun>>;

  const agreed = (run: Run, request: object = {}) =>
    agreeRun(court, run, honest, inputs.seed, {
      request: { auditLine: LINE, maximum: 10n * TOKEN, ...request },
    });
  const committed = async (run: Run = honest, request: object = {}): Promise<Committed> =>
    commitRun(court, await agreed(run, request));
  async function drawn(job: Committed): Promise<void> {
    await done("openDraw", job.job);
    await helpers().mine(DELAY + 1);
    await done("resolveDraw", job.job);
  }
  const traceOf = ({ submission }: Committed, run: Run): Promise<string> =>
    court.market.getFunction("traceRootOf")({
      ...submission,
      prefixRoot: run.prefixRoot(),
      stateRoot: run.stateRoot(program.steps),
    });
  async function commit(job: Committed, by: Wallet, run: Run = honest): Promise<void> {
    const of = court.disputes.getFunction("auditCommitmentOf");
    const commitment = await of(job.jobId, by.address, await traceOf(job, run), salt);
    await (await call(by, "commitAudit", job.jobId, by.address, commitment)).wait();
  }
  async function revealed(job: Committed) {
    const { auditUntil } = await status(job.jobId);
    await helpers().time.increaseTo(auditUntil + 1n);
    return revealRun(court, job);
  }
  const auditOf = async ({ jobId }: Committed, { address }: Wallet) => {
    const { commitment, shown, dissented } = await court.disputes.getFunction("auditOf")(
      jobId,
      address,
    );
    return [commitment !== ZeroHash, shown, dissented];
  };

  it("a draw is for a job with an audit line that has committed, and is resolved once opened", async () => {
    const bare = await committed(honest, { auditLine: 0n, replicas: 2, nonce: nextNonce() });
    await refused(anyone("openDraw", bare.job), "DisputeNothingToDispute");
    await refused(anyone("resolveDraw", bare.job), "DisputeDone");
    const fresh = await agreed(honest);
    await refused(anyone("openDraw", fresh.job), "DisputeWrongJob");
    const job = await commitRun(court, fresh);
    await refused(anyone("openDraw", fresh.job), "DisputeWrongJob");
    await refused(anyone("resolveDraw", job.job), "DisputeDone");
    await drawn(job);
  });

  it("a draw is resolved from the block after its round on, as long as the block's hash is known", async () => {
    const job = await committed();
    await done("openDraw", job.job);
    // Calls see the block that comes next: the round itself, then the one after.
    await helpers().mine(DELAY - 1);
    await refused(anyone("resolveDraw", job.job), "DisputeTooEarly");
    const snapshot = await helpers().takeSnapshot();
    await helpers().mine(1);
    await done("resolveDraw", job.job);
    assert.notEqual((await status(job.jobId)).auditUntil, 0n);
    await snapshot.restore();
    await helpers().mine(KEPT);
    await done("resolveDraw", job.job);
    assert.notEqual((await status(job.jobId)).auditUntil, 0n, "the last block that knows it");
    await snapshot.restore();
    await helpers().mine(KEPT + 1);
    await done("resolveDraw", job.job);
    assert.equal((await status(job.jobId)).auditUntil, 0n, "drawn anew");
  });

  it("an auditor commits to something, in a job that is not over", async () => {
    const job = await committed();
    await drawn(job);
    const [auditor] = auditors;
    const send = (jobId: Hex, commitment: string) =>
      call(auditor, "commitAudit", jobId, auditor.address, commitment);
    await refused(send(job.jobId, ZeroHash), "DisputeDone");
    await (await send(job.jobId, salt)).wait();

    // Its header has other steps than the request.
    const other = Object.assign(new Run(program, inputs), { program: { ...program, steps: 3 } });
    const void_ = await committed(other, { steps: program.steps });
    await drawn(void_);
    await done("voidFaulty", void_.job, termsEvidence(void_));
    await refused(send(void_.jobId, salt), "DisputeWrongJob");
  });

  function termsEvidence({ job, header, lists }: Committed): string {
    const { programRoot, dataRoot, parentRoot, steps, interval } = job.terms;
    const nothing = { op: "0x", proof: [] };
    const shown = {
      place: 4,
      header,
      lists,
      list: 0,
      index: 0,
      ...nothing,
      sources: Array.from({ length: 6 }, () => nothing),
      tensor: 0,
      columnProof: [],
      dtype: 0,
      rank: 0,
      dims: 0n,
      chunks: ZeroHash,
    };
    const words = [programRoot, dataRoot, parentRoot, steps, interval, shown];
    return `0x${court.faults.interface.encodeFunctionData("isAtFault", words).slice(10)}`;
  }

  it("an auditor shows a commitment once, and is paid for it once", async () => {
    const [auditor, idle] = auditors;
    const job = await committed();
    await drawn(job);
    assert.deepEqual(await auditOf(job, auditor), [false, false, false]);
    await commit(job, auditor);
    assert.deepEqual(await auditOf(job, auditor), [true, false, false]);
    await refused(anyone("revealAudit", job.job, auditor.address, salt), "DisputeWrongJob");
    const shown = await revealed(job);
    await refused(anyone("revealAudit", shown.job, idle.address, salt), "DisputeMismatch");
    await refused(
      anyone("revealAudit", shown.job, auditor.address, root("pepper")),
      "DisputeMismatch",
    );
    await done("revealAudit", shown.job, auditor.address, salt);
    assert.deepEqual(await auditOf(job, auditor), [true, true, false]);
    await refused(anyone("revealAudit", shown.job, auditor.address, salt), "DisputeDone");
    await helpers().time.increase(WINDOW + 1);
    await (await court.market.getFunction("settle")(shown.job)).wait();
    await refused(anyone("revealAudit", shown.job, auditor.address, salt), "DisputeWrongJob");
    await refused(anyone("claimAudit", shown.job, idle.address), "DisputeDone");
    await done("claimAudit", shown.job, auditor.address);
    assert.equal(await free(auditor), LINE);
    assert.deepEqual(await auditOf(job, auditor), [false, false, false]);
  });

  it("a dissent is for a job that was slashed, and kept until it is paid for", async () => {
    const [auditor] = auditors;
    const job = await committed(wrong);
    await drawn(job);
    await commit(job, auditor);
    const shown = await revealed(job);
    const dissent = async () =>
      anyone("revealDissent", shown.job, auditor.address, await traceOf(job, honest), salt);
    await refused(dissent(), "DisputeWrongJob");
    await refused(anyone("claimReward", job.jobId, auditor.address), "DisputeDone");
    const game = await challenge(court, shown, TARGET.lastState);
    await timeoutProvider(court, game, shown);
    await (await dissent()).wait();
    assert.deepEqual(await auditOf(job, auditor), [false, false, true]);
    const { until } = await court.disputes.getFunction("rewardOf")(job.jobId);
    await helpers().time.setNextBlockTimestamp(until + 1n);
    await done("claimReward", job.jobId, auditor.address);
    assert.deepEqual(await auditOf(job, auditor), [false, false, false]);
    await refused(anyone("claimReward", job.jobId, auditor.address), "DisputeDone");
  });

  it("a reward that does not divide is the last one's, and the first has nothing", async () => {
    const { programRoot, dataRoot } = (await agreed(honest)).job.terms as Record<string, Hex>;
    const { steps, interval } = program;
    const request = { auditLine: LINE, programRoot: programRoot!, dataRoot: dataRoot! };
    const cheap = { paramsVersion: 2, unitPrice: 10n ** 18n / 1_900n + 1n, collateral: 2n };
    const { seed } = inputs;
    const pair = await pairOf(
      court,
      { nonce: nextNonce(), seed, steps, interval, ...request },
      cheap,
    );
    const agree = court.market.getFunction("agree")(
      pair.request,
      pair.requestSignature,
      pair.acceptance,
      pair.acceptanceSignature,
    );
    const [taken] = follow(await (await agree).wait());
    assert.ok(taken);
    const like = await agreed(wrong);
    const jobId = taken.terms["jobId"] as Hex;
    const job = await commitRun(court, {
      ...like,
      job: taken,
      jobId,
      submission: { ...like.submission, jobId },
    });
    await drawn(job);
    for (const auditor of auditors) await commit(job, auditor);
    const shown = await revealed(job);
    await timeoutProvider(court, await challenge(court, shown, TARGET.lastState), shown);
    const reward = court.disputes.getFunction("rewardOf");
    assert.equal((await reward(jobId)).amount, 1n, "half of the collateral");
    const traceRoot = await traceOf(job, honest);
    for (const { address } of auditors)
      await done("revealDissent", shown.job, address, traceRoot, salt);
    await helpers().time.increaseTo((await reward(jobId)).until + 1n);
    for (const { address } of auditors) await done("claimReward", jobId, address);
    assert.deepEqual([await free(auditors[0]), await free(auditors[1])], [0n, 1n]);
  });

  it("a winner's costs come before the reward that auditors wait for, and may be all of it", async () => {
    await build({}, 10n ** 6n * TOKEN);
    const collateral = 2n * TOKEN;
    const job = await committed(wrong);
    await drawn(job);
    await commit(job, auditors[0]);
    const shown = await revealed(job);
    const bond: bigint = await court.disputes.getFunction("bondOf")(shown.job);
    await fund(court, court.challenger, bond);
    const before = await free(court.challenger);
    const game = await challenge(court, shown, TARGET.lastState);
    await timeoutProvider(court, game, shown);
    const most = collateral - collateral / 4n;
    assert.equal(await free(court.challenger), before + most);
    const { until, amount, winner } = await court.disputes.getFunction("rewardOf")(job.jobId);
    assert.deepEqual([amount, winner], [0n, court.challenger.address]);
    await helpers().time.increaseTo(until + 1n);
    await done("claimReward", job.jobId, court.challenger.address);
    assert.equal(await free(court.challenger), before + most);
  });

  it("the rate does not fall below the floor of the parameters", async () => {
    await build({ auditRateBps: 10_000, auditFloorBps: 9_500 });
    let protocolFee = 0n;
    for (let audited = 0; audited < 11; audited++) {
      const job = await committed();
      ({ protocolFee } = job.job.terms as { protocolFee: bigint });
      await drawn(job);
      await commit(job, auditors[0]);
      const shown = await revealed(job);
      await done("revealAudit", shown.job, auditors[0].address, salt);
      await helpers().time.increase(WINDOW + 1);
      await (await court.market.getFunction("settle")(shown.job)).wait();
      await done("claimAudit", shown.job, auditors[0].address);
    }
    const rate = court.disputes.getFunction("auditRateOf");
    assert.equal(await rate(court.provider.address, 2, protocolFee), 9_500n, "not 10/11");
  });
});
