/** Findings: games that cost the honest side what they should not, of each side and of a replica. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Wallet, ZeroHash } from "ethers";
import { checkProgram } from "@assay/engine/ir/check";
import { encodeHeader } from "@assay/engine/ir/encode";
import type { Program } from "@assay/engine/ir/types";
import { type Hex, toHex } from "@assay/protocol/commitments/hash";
import { AssayError } from "@assay/protocol/errors";

import { Honest, LEFT } from "../support/dispute/challenger.ts";
import {
  BOND,
  CLOCK,
  type Court,
  type SubmittedJob,
  TARGET,
  agreeRun,
  challenge,
  commitRun,
  deployCourtHouse,
  gameOf,
  nextNonce,
  revealRun,
  submitRun,
} from "../support/dispute/court.ts";
import { honest, inputs, program, wrong } from "../support/dispute/forty-steps.ts";
import { play } from "../support/dispute/play.ts";
import { smallProgram } from "../support/dispute/programs.ts";
import { Provider } from "../support/dispute/provider.ts";
import { Run } from "../support/dispute/run.ts";
import { TOKEN, connect, follow, fund, fundAndStake, pairOf, root } from "../support/market.ts";

/** Token base units for 1e9 gas, as on the public chain. */
const GAS_PRICE = 3_000n * TOKEN;
const COVERED_GAS = 2_500_000n;

let court: Court;
const free = (who: { address: string }): Promise<bigint> =>
  court.market.getFunction("freeBalance")(who.address);
const call = (by: Wallet, name: string, ...args: readonly unknown[]) =>
  connect(court.disputes, by).getFunction(name)(...args);
const bondOf = ({ job }: SubmittedJob): Promise<bigint> =>
  court.disputes.getFunction("bondOf")(job);
const side = ({ job, submission }: SubmittedJob) => ({ job, prefixRoot: submission.prefixRoot });

/** Somebody with gas, so many tokens in the market, and bonds allowed. */
async function person(name: string, tokens: bigint): Promise<Wallet> {
  const wallet = new Wallet(root(name), court.ethers.provider);
  await (await court.deployer.sendTransaction({ to: wallet.address, value: 10n ** 18n })).wait();
  await fund(court, wallet, tokens);
  const allow = connect(court.market, wallet).getFunction("allowModule");
  await (await allow(await court.disputes.getAddress(), 10n ** 18n)).wait();
  return wallet;
}

describe("Finding: bonds and clocks that games set for other games", () => {
  beforeEach(async () => {
    court = await deployCourtHouse();
  });

  it("a provider's own games do not make an honest challenge dearer", async () => {
    const straw = await person("straw", 100n * TOKEN);
    const poor = await person("honest challenger", BOND);
    const job = await submitRun(court, wrong, honest, inputs.seed);
    for (let i = 0; i < 9; i++) await challenge(court, job, TARGET.model, straw);
    assert.equal(await bondOf(job), BOND);
    const game = await challenge(court, job, TARGET.checkpoint, poor);
    const table = { ...court, challenger: poor };
    await play(table, game, job, new Provider(court, wrong, job), new Honest(honest));
    assert.equal(game.over, "provider lost");
  });

  it("nor do games that a replica forces", async () => {
    const second = await person("second provider", TOKEN);
    await fundAndStake({ ...court, provider: second }, 10n * TOKEN);
    const expiry = (await court.connection.networkHelpers.time.latest()) + 3_600;
    const request = { nonce: nextNonce(), replicas: 2, expiry };
    const a = await agreeRun(court, wrong, honest, inputs.seed, { request });
    const b = await agreeRun(court, honest, honest, inputs.seed, { request, by: second });
    const made = [await commitRun(court, a), await commitRun(court, b, second)] as const;
    const [bad, other] = [await revealRun(court, made[0]), await revealRun(court, made[1])];
    await (await call(second, "forcePlay", side(bad), side(other), bad.header, bad.lists)).wait();
    assert.equal(await bondOf(bad), BOND);
  });

  it("a provider's own games give it no more than the time of four in somebody else's", async () => {
    const { program: short, inputs: own } = smallProgram(40, 40);
    const run = new Run(short, own);
    const straw = await person("straw", 100n * TOKEN);
    const clockOf = async (by: Wallet): Promise<bigint> => {
      const job = await submitRun(court, run, run, own.seed);
      const { id } = await challenge(court, job, TARGET.lastState, by);
      return (await court.disputes.getFunction("gameOf")(id)).providerLeft;
    };
    const rerun = (await clockOf(straw)) - BigInt(CLOCK);
    for (let i = 0; i < 11; i++) await clockOf(straw);
    assert.equal(await clockOf(court.challenger), BigInt(CLOCK) + 4n * rerun);
  });

  it("a clock holds the time of what takes longest, twice: an evaluation, an initialisation, an interval", async () => {
    const runTime = 20 * CLOCK;
    const parts = [{ evalUnits: 200_000n }, { initUnits: 200_000n }, { stepUnits: 5_000n }];
    for (const [before, units] of parts.entries()) {
      const job = await submitRun(court, honest, honest, inputs.seed, {
        request: { ...units, runTime, maximum: 100n * TOKEN },
        collateral: 200n * TOKEN,
      });
      const { initUnits, stepUnits, evalUnits } = job.job.terms as Record<string, bigint>;
      const { steps, interval } = program;
      const all = initUnits! + stepUnits! * BigInt(steps) + evalUnits!;
      const [longest] = [initUnits!, stepUnits! * BigInt(interval), evalUnits!].toSorted((x, y) =>
        Number(y - x),
      );
      const rerun = (2n * BigInt(runTime) * longest!) / all + 1n;
      const game = await challenge(court, job, TARGET.evaluation);
      const { providerLeft, challengerLeft } = await court.disputes.getFunction("gameOf")(game.id);
      assert.equal(challengerLeft, BigInt(CLOCK) + rerun);
      assert.equal(providerLeft, BigInt(CLOCK) + BigInt(before + 1) * rerun);
    }
  });
});

describe("Finding: a program without a model", () => {
  it("is refused by the checker and the referee, and the job of who took it is void", async () => {
    court = await deployCourtHouse();
    const bare: Program = {
      ...program,
      state: program.state.map((tensor) => ({ ...tensor, parameter: false })),
    };
    assert.throws(
      () => checkProgram(bare),
      (error) => error instanceof AssayError && error.code === "ENGINE_PROGRAM_STRUCTURE",
    );
    const { fault } = await court.referee.getFunction("summary")(toHex(encodeHeader(bare)));
    assert.notEqual(fault, 0n);

    const { job, header, lists } = await agreeRun(
      court,
      new Run(bare, inputs),
      honest,
      inputs.seed,
    );
    const none = { op: "0x", proof: [] };
    const shown = {
      place: 0,
      header,
      lists,
      list: 0,
      index: 0,
      ...none,
      sources: Array.from({ length: 6 }, () => none),
      tensor: 0,
      columnProof: [],
      dtype: 0,
      rank: 0,
      dims: 0n,
      chunks: ZeroHash,
    };
    const { programRoot, dataRoot, parentRoot, steps, interval } = job.terms;
    const words = [programRoot, dataRoot, parentRoot, steps, interval, shown];
    const evidence = `0x${court.faults.interface.encodeFunctionData("isAtFault", words).slice(10)}`;
    await (await court.disputes.getFunction("voidFaulty")(job, evidence)).wait();
    assert.equal(await court.market.getFunction("stateOf")(job.terms["jobId"]), 7n);
  });
});

describe("Finding: games that a worthless replica forces", () => {
  beforeEach(async () => {
    court = await deployCourtHouse({ gasPrice: GAS_PRICE });
  });

  /** An honest replica, and another one at one base unit that answers anything. */
  async function besideSquatter(squatter: Wallet): Promise<[SubmittedJob, SubmittedJob]> {
    const expiry = (await court.connection.networkHelpers.time.latest()) + 3_600;
    const request = { nonce: nextNonce(), replicas: 2, expiry };
    const good = await agreeRun(court, honest, honest, inputs.seed, { request });
    const { programRoot, dataRoot, parentRoot } = good.job.terms as Record<
      "programRoot" | "dataRoot" | "parentRoot",
      Hex
    >;
    const { steps, interval } = program;
    const pair = await pairOf(
      { ...court, provider: squatter },
      { ...request, programRoot, dataRoot, parentRoot, seed: inputs.seed, steps, interval },
      { paramsVersion: 2, unitPrice: 10n ** 18n / 5_500n + 1n, collateral: 2n },
    );
    const agree = court.market.getFunction("agree");
    const { request: signed, requestSignature, acceptance, acceptanceSignature } = pair;
    const agreed = await agree(signed, requestSignature, acceptance, acceptanceSignature);
    const [taken] = follow(await agreed.wait());
    assert.ok(taken);
    assert.equal(taken.terms["requestDigest"], good.job.terms["requestDigest"]);
    const jobId = taken.terms["jobId"] as Hex;
    const submission = { ...good.submission, jobId, prefixRoot: root("anything") };
    const committed = [
      await commitRun(court, good),
      await commitRun(court, { ...good, job: taken, jobId, submission }, squatter),
    ] as const;
    return [await revealRun(court, committed[0]), await revealRun(court, committed[1])];
  }

  const forced = (by: Wallet, good: SubmittedJob, junk: SubmittedJob) =>
    call(by, "forcePlay", side(good), side(junk), good.header, good.lists);

  it("are not to be had without a bond where its collateral is none", async () => {
    const squatter = new Wallet(root("squatter"), court.ethers.provider);
    await (
      await court.deployer.sendTransaction({ to: squatter.address, value: 10n ** 18n })
    ).wait();
    await fundAndStake({ ...court, provider: squatter }, 1_000n);
    const [good, junk] = await besideSquatter(squatter);
    await assert.rejects(forced(squatter, good, junk));
  });

  it("pay the honest one for its gas, out of the bond", async () => {
    const bond = BOND + (COVERED_GAS * GAS_PRICE) / 10n ** 9n;
    const squatter = await person("squatter", bond);
    await fundAndStake({ ...court, provider: squatter }, 1_000n);
    const [good, junk] = await besideSquatter(squatter);
    const before = await free(court.provider);
    const game = gameOf(court, await (await forced(squatter, good, junk)).wait());
    assert.equal((await court.disputes.getFunction("gameOf")(game.id)).bond, bond);
    const table = { ...court, challenger: squatter };
    await play(table, game, good, new Provider(court, honest, good), LEFT);
    assert.equal(game.over, "challenger lost");
    const used = game.gas.reduce((sum, move) => sum + move.used, 0n);
    assert.ok((await free(court.provider)) - before >= (used * GAS_PRICE) / 10n ** 9n);
  });
});
