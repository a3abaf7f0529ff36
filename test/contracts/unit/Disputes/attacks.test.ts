/** Attacks by name; `contracts/dispute/README.md` lists where each one is tried. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type Wallet, ZeroHash } from "ethers";
import { encodeOp } from "@assay/engine/ir/encode";
import type { InputsInMemory } from "@assay/engine/backend";
import { opLeaf } from "@assay/protocol/commitments/bindings";
import { type Hex, toHex } from "@assay/protocol/commitments/hash";
import { Random } from "@assay/engine/testing/random";
import { nodeHasher } from "@assay/engine/trace/hasher";

import { type Choice, Honest, LEFT, liar } from "../../support/dispute/challenger.ts";
import {
  BOND,
  CLOCK,
  type Court,
  type Game,
  NO_CHILDREN,
  TARGET,
  WINDOW,
  agreeJob,
  agreeRun,
  challenge,
  deployCourtHouse,
  move,
  nextNonce,
  recordModel,
  submitRun,
} from "../../support/dispute/court.ts";
import { honest, inputs, program, wrong } from "../../support/dispute/forty-steps.ts";
import { play, refusedWith, timeoutProvider } from "../../support/dispute/play.ts";
import { smallProgram, tunedProgram } from "../../support/dispute/programs.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { Run, chunkTree, listTree } from "../../support/dispute/run.ts";
import { LEVEL, PHASE } from "../../support/dispute/trees.ts";
import {
  TOKEN,
  connect,
  follow,
  fund,
  root,
  signSubmission,
  submissionOf,
} from "../../support/market.ts";

describe("Attacks on the dispute game", () => {
  let court: Court;
  beforeEach(async () => {
    court = await deployCourtHouse();
  });
  const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
    refusedWith(court, sent, name);
  const free = (who: { address: string }): Promise<bigint> =>
    court.market.getFunction("freeBalance")(who.address);
  const helpers = () => court.connection.networkHelpers;
  const stateOf = ({ jobId }: { jobId: string }): Promise<bigint> =>
    court.market.getFunction("stateOf")(jobId);
  const submit = (run: Run) => submitRun(court, run, honest, inputs.seed);
  const straw = async (): Promise<Wallet> => {
    const wallet = court.requester;
    const allow = connect(court.market, wallet).getFunction("allowModule");
    await allow(await court.disputes.getAddress(), 100n * TOKEN);
    return wallet;
  };

  it("own challenger that loses on purpose: shields nothing, an honest game goes on and wins", async () => {
    const friend = await straw();
    const job = await submit(wrong);
    const lost = await challenge(court, job, TARGET.checkpoint, friend);
    await move(court, lost, court.provider, "open", listTree(wrong.prefix()).children([]));
    const game = await challenge(court, job, TARGET.checkpoint);
    await helpers().time.increase(2 * CLOCK);
    await (await court.disputes.getFunction("timeoutChallenger")(lost.id, lost.position)).wait();
    // The clock of the game that goes on has run meanwhile: a fresh one is as good.
    const fresh = await challenge(court, job, TARGET.checkpoint);
    await play(court, fresh, job, new Provider(court, wrong, job), new Honest(honest));
    assert.equal(fresh.over, "provider lost");
    assert.equal(await stateOf(job), 5n);
    await (await court.disputes.getFunction("withdrawBond")(game.id, game.position)).wait();
  });

  it("front-run challenge: whoever comes first keeps nobody from a game of its own", async () => {
    const friend = await straw();
    const job = await submit(wrong);
    const first = await challenge(court, job, TARGET.checkpoint, friend);
    const before = await free(court.challenger);
    const game = await challenge(court, job, TARGET.checkpoint);
    await play(court, game, job, new Provider(court, wrong, job), new Honest(honest));
    assert.equal(game.over, "provider lost");
    assert.equal(await free(court.challenger), before + TOKEN);
    await (await court.disputes.getFunction("withdrawBond")(first.id, first.position)).wait();
  });

  it("front-run last move: whoever claims the timeout, the challenger has the reward", async () => {
    const job = await submit(wrong);
    const [before, thief] = [await free(court.challenger), await free(court.requester)];
    const game = await challenge(court, job, TARGET.checkpoint);
    await helpers().time.increase(100 * CLOCK);
    const end = connect(court.disputes, court.requester).getFunction("timeoutProvider");
    await (await end(game.id, game.position, job.job)).wait();
    assert.equal(await free(court.challenger), before + TOKEN);
    const { price, protocolFee } = job.job.terms as Record<string, bigint>;
    assert.equal(await free(court.requester), thief + price! + protocolFee!, "its escrow alone");
  });

  it("self-slash: costs at least the burn share, and the price goes back", async () => {
    const friend = await straw();
    const job = await submit(wrong);
    const burned: bigint = await court.market.getFunction("burned")();
    const own = (await free(court.provider)) + (await free(friend));
    const { price, protocolFee, collateral } = job.job.terms as Record<string, bigint>;
    const game = await challenge(court, job, TARGET.checkpoint, friend);
    await timeoutProvider(court, game, job);
    assert.equal(game.over, "provider lost");
    assert.ok((await court.market.getFunction("burned")()) - burned >= collateral! / 4n);
    const gained = (await free(court.provider)) + (await free(friend)) - own;
    // The friend is the requester here: without its own money back there is less than the collateral.
    assert.ok(gained - price! - protocolFee! <= (collateral! * 3n) / 4n);
  });

  it("an init op shown as a step op is not under the steps' root", async () => {
    const job = await submit(honest);
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = new Provider(court, honest, job);
    await until(game, provider, LEVEL.op, PHASE.cross, {
      ...LEFT,
      child: (_, p) => (p.level === LEVEL.checkpoint && p.height === 1n ? 1 : 0),
    });
    const [init, step] = [program.init[0]!, program.step[0]!];
    const cross = (op: Uint8Array, proof: Hex[][]) => {
      const tree = chunkTree(step.out, honest.values("step", 1)[0]!);
      return move(
        court,
        game,
        court.provider,
        "crossOp",
        game.bindings,
        op,
        proof,
        tree.root,
        NO_CHILDREN,
      );
    };
    const initTree = listTree([opLeaf(nodeHasher, "init", 0, encodeOp(init))]);
    await refused(cross(encodeOp(init), initTree.proof(0)), "DisputeMismatch");
    await cross(encodeOp(step), []);
  });

  /** Plays on until a phase of a level. */
  async function until(
    game: Game,
    provider: Provider,
    level: bigint,
    phase: bigint,
    choice: Choice,
  ) {
    while (game.position.level !== level || game.position.phase !== phase) {
      if (game.over !== undefined) throw new Error("the game is over");
      const p = game.position;
      if (p.phase === PHASE.point) {
        const pick = choice.child(game, p);
        await move(court, game, court.challenger, "point", game.children, pick);
      } else if (p.phase === PHASE.element) {
        await move(court, game, court.challenger, "pointElement", game.chunk, 0);
      } else await provider.play(game);
    }
  }

  it("wrong chunk headers: bytes of another place or type are not the chunk", async () => {
    const job = await submit(honest);
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = new Provider(court, honest, job);
    await until(game, provider, LEVEL.chunk, PHASE.reveal, LEFT);
    const bytes = Buffer.from(provider.view.chunk(game.position)).reverse();
    await refused(move(court, game, court.provider, "reveal", toHex(bytes)), "DisputeMismatch");
    await provider.play(game);
  });

  it("NaN, −0, subnormals and infinities in the data are read as they are by both sides", async () => {
    const hostile = [0x7fc0_1234, 0xffff_ffff, 0x8000_0000, 0x0000_0001, 0x7f80_0000, 0xff80_0001];
    for (const [i, bits] of hostile.entries()) {
      const own: InputsInMemory = { ...inputs, data: [Uint32Array.of(bits, 1, 2)] };
      const run = new Run(program, own);
      const job = await submitRun(court, run, run, own.seed);
      const game = await challenge(court, job, TARGET.checkpoint);
      const provider = new Provider(court, run, job);
      await play(court, game, job, provider, {
        child: (_, p) => (p.level === LEVEL.checkpoint && p.height === 1n ? 1 : 0),
        element: () => 0,
        claim: () => 1,
      });
      assert.equal(game.over, "challenger lost", `data ${i}`);
    }
  });

  it("replay in another contract: a game that a job does not name judges nothing about it", async () => {
    const other = await deployOther();
    const job = await submit(wrong);
    const { submission, header, lists } = job;
    const call = connect(other, court.challenger).getFunction("challenge");
    await refused(call(job.job, submission.prefixRoot, header, lists, 0), "DisputeWrongJob");
  });

  async function deployOther() {
    const { ethers, market, referee, faults } = court;
    const proofs = await ethers.deployContract("Proofs", [referee]);
    const beacon = await ethers.deployContract("BlockBeacon");
    const parts = { market, referee, faults, proofs, beacon, gasPrice: 0n };
    const clerk = await ethers.deployContract("Clerk", [parts]);
    const other = await ethers.deployContract("Disputes", [parts, clerk]);
    const mixed = { ...parts, gasPrice: 1n };
    await refused(ethers.deployContract("Disputes", [mixed, clerk]), "DisputeWrongClerk");
    return ethers.getContractAt("IDisputeGame", await other.getAddress());
  }

  it("settlement racing a challenge in a block: in the window's last second the challenge gets in", async () => {
    const job = await submit(wrong);
    const end = Number(job.job.progress["windowEnd"]);
    const { provider: rpc } = court.ethers;
    await rpc.send("evm_setAutomine", [false]);
    const options = { gasLimit: 5_000_000 };
    const settled = await court.market.getFunction("settle")(job.job, options);
    const { submission, header, lists } = job;
    const open = connect(court.disputes, court.challenger).getFunction("challenge");
    const opened = await open(job.job, submission.prefixRoot, header, lists, 0, options);
    await helpers().time.setNextBlockTimestamp(end);
    await helpers().mine(1);
    await rpc.send("evm_setAutomine", [true]);
    const statusOf = async (hash: string) => (await rpc.getTransactionReceipt(hash))?.status;
    assert.deepEqual([await statusOf(settled.hash), await statusOf(opened.hash)], [0, 1]);
    await helpers().time.increase(1);
    await assert.rejects(court.market.getFunction("settle")(job.job), /MarketDisputeLive/);
  });

  it("parameter change mid-game: the job keeps its game, its clocks and its bond", async () => {
    const job = await submit(wrong);
    const game = await challenge(court, job, TARGET.checkpoint);
    const other = await deployOther();
    const [, params] = await court.parameters.getFunction("current")();
    const changed = {
      ...params.toObject(),
      disputes: await other.getAddress(),
      disputeClock: 1,
      challengeBond: 7n,
    };
    await (await court.parameters.getFunction("add")(changed)).wait();
    assert.equal(await court.disputes.getFunction("bondOf")(job.job), BOND);
    const later = await challenge(court, job, TARGET.checkpoint);
    const { challengerLeft } = await court.disputes.getFunction("gameOf")(later.id);
    assert.ok(challengerLeft > BigInt(CLOCK));
    await play(court, game, job, new Provider(court, wrong, job), new Honest(honest));
    assert.equal(game.over, "provider lost");
  });

  it("garbage receipts: a prefix that stands is challenged like a result", async () => {
    court = await deployCourtHouse({ numbers: { receiptGrace: 3_600 } });
    const agreed = await agreeRun(court, honest, honest, inputs.seed);
    const garbage = { ...submissionOf(agreed.jobId, 3), evalRoot: ZeroHash as Hex };
    const signature = await signSubmission(court, garbage);
    await helpers().time.increaseTo(Number(agreed.job.terms["deadline"]) + 1);
    const present = court.market.getFunction("submitReceipt");
    const [job] = follow(await (await present(agreed.job, garbage, signature)).wait(), [
      agreed.job,
    ]);
    assert.ok(job);
    const shown = { ...agreed, job, submission: garbage };
    await helpers().time.increaseTo(Number(job.progress["submittedAt"]));
    await refused(challenge(court, shown, TARGET.evaluation), "DisputeNothingToDispute");
    const game = await challenge(court, shown, TARGET.checkpoint);
    assert.equal(game.position.count, 3n);
    await timeoutProvider(court, game, shown);
    assert.equal(await stateOf(shown), 5n);
  });

  it("another parent: only the model that the request names is one", async () => {
    const { program: tuned, inputs: own } = tunedProgram();
    const right = new Run(tuned, own);
    const forged: InputsInMemory = { ...own, parent: [Uint32Array.of(0x4000_0000)] };
    const other = { kind: "other", what: "batch", program: tuned, inputs: forged } as const;
    const cheat = new Run(tuned, own, other);
    const job = await submitRun(court, cheat, right, own.seed);
    const game = await challenge(court, job, TARGET.checkpoint);
    const why = await play(court, game, job, new Provider(court, cheat, job), new Honest(right));
    assert.deepEqual([why, game.over], ["DisputeNotProven", "provider lost"]);

    const honestJob = await submitRun(court, right, right, own.seed);
    const second = await challenge(court, honestJob, TARGET.checkpoint);
    await play(court, second, honestJob, new Provider(court, right, honestJob), LEFT);
    assert.equal(second.over, "challenger lost");
  });

  it("spurious challenges by liars about every target cost an honest provider nothing", async () => {
    const job = await submit(honest);
    const before = await free(court.provider);
    for (const target of [TARGET.checkpoint, TARGET.lastState, TARGET.model, TARGET.evaluation]) {
      const game = await challenge(court, job, target);
      await play(court, game, job, new Provider(court, honest, job), liar(new Random(target)));
      assert.equal(game.over, "challenger lost");
    }
    assert.equal(await free(court.provider), before + 4n * BOND);
  });

  it("clock games: a short rest of a run gives the time of that rest, not of an interval", async () => {
    await fund(court, court.requester, TOKEN);
    const model = root("parent model");
    await recordModel(court, model);
    const [startRoot, startStep] = await court.provenance.getFunction("startOf")(model, 0);
    const { program: long } = smallProgram(Number(startStep) + 4, 40);
    const shown = await agreeRun(court, new Run(smallProgram(4, 2).program, inputs), honest, 7n);
    const run = new Run(long, inputs);
    const parts = await agreeRun(court, run, run, 7n);
    const request = {
      nonce: nextNonce(),
      programRoot: parts.job.terms["programRoot"] as Hex,
      dataRoot: shown.job.terms["dataRoot"] as Hex,
      parentRoot: model,
      startRoot,
      startStep: Number(startStep),
      steps: long.steps,
      interval: 40,
    };
    const terms = await agreeJob(court, request, 1_900n);
    const jobId = String(terms.terms["jobId"]) as Hex;
    const submission = { ...submissionOf(jobId, 1), evalRoot: root("eval") };
    const send = connect(court.market, court.provider).getFunction("submit");
    const [job] = follow(await (await send(terms, submission)).wait(), [terms]);
    assert.ok(job);
    const game = await challenge(court, { ...parts, job, jobId, submission }, TARGET.lastState);
    const { providerLeft } = await court.disputes.getFunction("gameOf")(game.id);
    const allotted = Number(job.terms["deadline"]) - Number(job.terms["agreedAt"]);
    const { initUnits, stepUnits, evalUnits } = job.terms as Record<string, bigint>;
    const rest = 4n * stepUnits!;
    // The longest part of this short rest is what the request says of initialisation.
    assert.ok(initUnits! > rest && initUnits! > evalUnits!);
    const share = (2n * BigInt(allotted) * initUnits!) / (initUnits! + rest + evalUnits!);
    assert.equal(providerLeft, BigInt(CLOCK) + share + 1n);
    assert.ok(WINDOW > CLOCK);
  });
});
