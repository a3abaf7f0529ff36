/** Draws: who is drawn to audit a job, what can be seen before they commit, and how long they are waited for. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet } from "ethers";
import local from "../../../../deploy/parameters/local.json" with { type: "json" };
import type { Hex } from "@assay/protocol/commitments/hash";
import { TYPES } from "@assay/protocol/signing/typed-data";

import {
  type Court,
  WINDOW,
  agreeRun,
  commitRun,
  deployCourtHouse,
  revealRun,
} from "../../support/dispute/court.ts";
import { reasonOf } from "../../support/dispute/play.ts";
import { smallProgram } from "../../support/dispute/programs.ts";
import { Run } from "../../support/dispute/run.ts";
import { TOKEN, connect, domainOf, fundAndStake, root } from "../../support/market.ts";

const LINE = TOKEN / 2n + 1n;
const { program, inputs } = smallProgram(4, 2);
const honest = new Run(program, inputs);
const salt = root("salt");

describe("Draws", () => {
  let court: Court;
  let auditors: [Wallet, Wallet];

  const person = async (name: string, staked: bigint): Promise<Wallet> => {
    const wallet = new Wallet(root(name), court.ethers.provider);
    await (await court.deployer.sendTransaction({ to: wallet.address, value: 10n ** 18n })).wait();
    if (staked > 0n) await fundAndStake({ ...court, provider: wallet }, staked);
    return wallet;
  };
  beforeEach(async () => {
    court = await deployCourtHouse({ numbers: { auditRateBps: 10_000, auditFloorBps: 0 } });
    auditors = [await person("first auditor", TOKEN), await person("second auditor", TOKEN)];
  });

  const helpers = () => court.connection.networkHelpers;
  const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
    connect(court.disputes, by).getFunction(name)(...args);
  const status = (jobId: string) => court.disputes.getFunction("statusOf")(jobId);
  const isDrawn = (jobId: string, { address }: Wallet): Promise<boolean> =>
    court.disputes.getFunction("isDrawn")(jobId, address);
  const delegate = async (to: Wallet): Promise<void> => {
    await (await connect(court.staking, court.provider).getFunction("delegate")(to.address)).wait();
    await helpers().time.increase(10);
  };
  type Committed = Awaited<ReturnType<typeof commitRun>>;

  async function committed(request: object = {}): Promise<Committed> {
    const audited = { auditLine: LINE, maximum: 10n * TOKEN, ...request };
    return commitRun(
      court,
      await agreeRun(court, honest, honest, inputs.seed, { request: audited }),
    );
  }
  async function drawn(job: Committed): Promise<void> {
    await (await call(court.requester, "openDraw", job.job)).wait();
    await helpers().mine(5);
    await (await call(court.requester, "resolveDraw", job.job)).wait();
  }

  it("finding F9: never draw the provider's own stake in another's name", async () => {
    const sock = await person("sock", 0n);
    await delegate(sock);
    const job = await committed();
    // Too late to hide who voted with it.
    await delegate(court.provider);
    await drawn(job);
    assert.equal(await isDrawn(job.jobId, sock), false);
    for (const auditor of auditors)
      assert.equal(await isDrawn(job.jobId, auditor), true, "the others' share is of the rest");
  });

  it("finding F9: leave an auditor its own votes where a provider votes for it", async () => {
    await delegate(auditors[0]);
    const job = await committed();
    await drawn(job);
    for (const auditor of auditors) assert.equal(await isDrawn(job.jobId, auditor), true);
  });

  it("finding F11: give auditors their time from the reveal on, however late it is", async () => {
    const request = {
      replicas: 2,
      runTime: 15 * WINDOW,
      expiry: (await helpers().time.latest()) + 3_600,
    };
    // Nobody takes the other place: the reveal waits for the deadline.
    const job = await committed(request);
    await drawn(job);
    const commit = call(auditors[0], "commitAudit", job.jobId, auditors[0].address, salt);
    await (await commit).wait();
    const { deadline } = job.job.terms as Record<string, bigint>;
    await helpers().time.increaseTo(deadline! + 2n);
    const { auditUntil } = await status(job.jobId);
    assert.ok(auditUntil < deadline!, "the draw was long ago");
    const shown = await revealRun(court, job);
    const { submittedAt, traceRoot } = shown.job.progress as {
      submittedAt: bigint;
      traceRoot: Hex;
    };
    const signOff = { jobId: job.jobId, traceRoot };
    const types = { SignOff: [...TYPES.SignOff] };
    const signature = await court.requester.signTypedData(await domainOf(court), types, signOff);
    const sign = () => court.market.getFunction("settleSignedOff")(shown.job, signOff, signature);
    const awaits = () => court.disputes.getFunction("awaitsAuditors")(job.jobId, submittedAt);
    const until = Number(submittedAt) + local.first.revealTime;
    await helpers().time.increaseTo(until - 1);
    assert.equal(await awaits(), true);
    await helpers().time.setNextBlockTimestamp(until);
    await assert.rejects(sign(), /MarketDisputeLive/);
    await helpers().time.setNextBlockTimestamp(until + 1);
    await (await sign()).wait();
  });

  it("finding F7: leave nothing to copy: no replica is shown before the auditors of all had their time", async () => {
    const second = await person("second provider", 10n * TOKEN);
    const request = {
      nonce: 77n,
      replicas: 2,
      auditLine: LINE,
      maximum: 10n * TOKEN,
      expiry: (await helpers().time.latest()) + 3_600,
    };
    const a = await agreeRun(court, honest, honest, inputs.seed, { request });
    const b = await agreeRun(court, honest, honest, inputs.seed, { request, by: second });
    const [first, other] = [await commitRun(court, a), await commitRun(court, b, second)];
    await drawn(other);
    await helpers().time.increaseTo((await status(other.jobId)).auditUntil + 1n);
    await assert.rejects(revealRun(court, other), /MarketTooEarly/, "a draw is not resolved");
    await drawn(first);
    const { auditUntil } = await status(first.jobId);
    await helpers().time.setNextBlockTimestamp(auditUntil);
    await assert.rejects(revealRun(court, other), /MarketTooEarly/, "its auditors have their time");
    await helpers().time.increaseTo(auditUntil + 1n);
    const late = call(auditors[0], "commitAudit", first.jobId, auditors[0].address, salt);
    await assert.rejects(late, (error) => reasonOf(court, error) === "DisputeTooLate");
    await revealRun(court, other);
    await revealRun(court, first);
  });
});
