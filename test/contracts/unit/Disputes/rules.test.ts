/** Whose turn, whose clock, and what a game takes for an answer. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type Wallet, ZeroHash } from "ethers";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";

import { encodeOp } from "@assay/engine/ir/encode";

import { Honest, playChallenger } from "../../support/dispute/challenger.ts";
import {
  BOND,
  CLOCK,
  type Court,
  type Game,
  NO_CHILDREN,
  type SubmittedJob,
  TARGET,
  WINDOW,
  challenge,
  deployCourtHouse,
  move,
  submitRun,
} from "../../support/dispute/court.ts";
import { honest, inputs, program, wrong } from "../../support/dispute/forty-steps.ts";
import { refusedWith, timeoutProvider } from "../../support/dispute/play.ts";
import { smallProgram } from "../../support/dispute/programs.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { Run, listTree } from "../../support/dispute/run.ts";
import { PHASE } from "../../support/dispute/trees.ts";
import { connect } from "../../support/market.ts";

describe("Disputes", () => {
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
  const submit = (run: Run) => submitRun(court, run, honest, inputs.seed);
  const providerOf = (run: Run, job: SubmittedJob) => new Provider(court, run, job);

  /** Plays an honest provider until it is the turn of the one who waits. */
  async function until(game: Game, provider: Provider, phase: bigint): Promise<void> {
    const choice = new Honest(wrong);
    while (game.position.phase !== phase) {
      if (game.position.phase === PHASE.point || game.position.phase === PHASE.element)
        await playChallenger(court, game, choice);
      else await provider.play(game);
    }
  }

  describe("challenge", () => {
    it("takes the standing record, its trace and its program, and no others", async () => {
      const job = await submit(honest);
      const call = (changes: Partial<SubmittedJob>) => challenge(court, { ...job, ...changes }, 0);
      const { submission, header, lists } = job;
      const other = { ...submission, prefixRoot: submission.stateRoot };
      await refused(call({ submission: other }), "DisputeMismatch");
      await refused(call({ header: `${header.slice(0, -2)}77` as Hex }), "DisputeMismatch");
      await refused(call({ lists: { ...lists, init: lists.step } }), "DisputeMismatch");
      const terms = { ...job.job.terms, price: 1n };
      await refused(call({ job: { ...job.job, terms } }), "DisputeWrongJob");
      await call({});
    });

    it("is open from the submission to the last second of the window", async () => {
      const job = await submit(honest);
      const end = Number(job.job.progress["windowEnd"]);
      assert.equal(end - Number(job.job.progress["submittedAt"]), WINDOW);
      await time().setNextBlockTimestamp(end);
      await challenge(court, job, TARGET.lastState);
      await time().setNextBlockTimestamp(end + 1);
      await refused(challenge(court, job, TARGET.lastState), "DisputeOutsideWindow");
    });

    it("takes the same bond for each game, from who allowed it", async () => {
      const job = await submit(honest);
      const before = await free(court.challenger);
      for (let games = 1n; games <= 3n; games += 1n) {
        assert.equal(await court.disputes.getFunction("bondOf")(job.job), BOND);
        await challenge(court, job, TARGET.lastState);
        assert.equal(await free(court.challenger), before - games * BOND);
      }
      await assert.rejects(challenge(court, job, TARGET.lastState, court.requester));
      assert.equal((await court.disputes.getFunction("statusOf")(job.jobId)).liveGames, 3n);
    });

    it("refuses an evaluation where there is none to dispute", async () => {
      const { program: bare } = smallProgram(4, 2);
      const run = new Run({ ...bare, eval: [], outputs: [] }, inputs);
      const job = await submitRun(court, run, run, inputs.seed);
      await refused(challenge(court, job, TARGET.evaluation), "DisputeNothingToDispute");
    });

    it("ends at once where an evaluation is shown that the program does not have", async () => {
      const { program: bare } = smallProgram(4, 2);
      const run = new Run({ ...bare, eval: [], outputs: [] }, inputs);
      const forged = Object.assign(new Run(run.program, inputs), {
        evaluationRoots: () => [honest.stateRoot(0)],
      });
      const job = await submitRun(court, forged, run, inputs.seed);
      const game = await challenge(court, job, TARGET.evaluation);
      assert.equal(game.position.phase, PHASE.compare);
      await move(court, game, court.challenger, "compare", game.bindings, job.job);
      assert.equal(game.over, "provider lost");
      assert.equal(await stateOf(job), 5n);
    });
  });

  describe("a move", () => {
    it("is made by the side whose turn it is, the provider's also by its operator", async () => {
      const job = await submit(honest);
      const game = await challenge(court, job, TARGET.checkpoint);
      const root = listTree(honest.prefix());
      const open = (by: Wallet) => move(court, game, by, "open", root.children([]));
      await refused(open(court.challenger), "DisputeNotYourTurn");
      await refused(open(court.requester), "DisputeNotYourTurn");
      await connect(court.staking, court.provider).getFunction("setOperator")(
        court.requester.address,
        true,
      );
      await open(court.requester);
      const point = (by: Wallet) => move(court, game, by, "point", game.children, 1);
      await refused(point(court.provider), "DisputeNotYourTurn");
      await refused(point(court.requester), "DisputeNotYourTurn");
      await point(court.challenger);
    });

    it("shows the game's own newest position", async () => {
      const job = await submit(honest);
      const [game, other] = [await challenge(court, job, 0), await challenge(court, job, 1)];
      const first = game.position;
      const children = listTree(honest.prefix()).children([]);
      await move(court, game, court.provider, "open", children);
      const stale = { ...game, position: first, gas: [] };
      await refused(move(court, stale, court.provider, "open", children), "DisputeWrongPosition");
      const crossed = { ...game, id: other.id, gas: [] };
      await refused(
        move(court, crossed, court.challenger, "point", children, 0),
        "DisputeWrongPosition",
      );
      const later = { ...game, position: { ...game.position, phase: PHASE.open }, gas: [] };
      await refused(move(court, later, court.provider, "open", children), "DisputeWrongPosition");
      await refused(move(court, game, court.provider, "open", children), "DisputeWrongPhase");
    });

    it("opens the node in dispute and nothing else, with nothing where nothing is", async () => {
      const job = await submit(honest);
      const game = await challenge(court, job, TARGET.checkpoint);
      const tree = listTree(honest.prefix());
      await refused(
        move(court, game, court.provider, "open", tree.children([0])),
        "DisputeMismatch",
      );
      await refused(move(court, game, court.provider, "open", NO_CHILDREN), "DisputeMismatch");

      // The committed prefix holds one entry more than there are checkpoints.
      const extra = Object.assign(new Run(program, inputs), {
        prefix: () => [...honest.prefix(), honest.stateRoot(1)],
      });
      const forged = await submitRun(court, extra, honest, inputs.seed);
      const second = await challenge(court, forged, TARGET.checkpoint);
      const wide = listTree(extra.prefix());
      await move(court, second, court.provider, "open", wide.children([]));
      await move(court, second, court.challenger, "point", second.children, 1);
      await refused(
        move(court, second, court.provider, "open", wide.children([1])),
        "DisputeMismatch",
      );
      await timeoutProvider(court, second, forged);
      assert.equal(second.over, "provider lost");
    });

    it("points at a child that is there, among those that were opened", async () => {
      const job = await submit(honest);
      const game = await challenge(court, job, TARGET.checkpoint);
      const tree = listTree(honest.prefix());
      await move(court, game, court.provider, "open", tree.children([]));
      const point = (children: readonly Hex[], pick: number) =>
        move(court, game, court.challenger, "point", children, pick);
      await refused(point(tree.children([0]), 0), "DisputeMismatch");
      await refused(point(game.children, 2), "DisputeNoSuchPlace");
      await refused(point(game.children, 16), "DisputeNoSuchPlace");
      await point(game.children, 1);
    });

    it("reveals the chunk in dispute at its whole length, and claims the disputed scalar", async () => {
      const job = await submit(honest);
      const game = await challenge(court, job, TARGET.checkpoint);
      const provider = providerOf(honest, job);
      await until(game, provider, PHASE.reveal);
      const reveal = (chunk: string) => move(court, game, court.provider, "reveal", chunk);
      await refused(reveal("0x"), "DisputeNoSuchPlace");
      await refused(reveal("0x0000000000000000"), "DisputeNoSuchPlace");
      await refused(reveal("0x01020304"), "DisputeMismatch");
      await until(game, provider, PHASE.judge);
      provider.lie = (claims) => {
        claims.values = [0, 0, 0];
      };
      await refused(provider.play(game), "DisputeWrongScalar");
      provider.lie = undefined;
      await provider.play(game);
      await refused(move(court, game, court.challenger, "pointClaim", 2), "DisputeNoSuchPlace");
      await refused(move(court, game, court.challenger, "pointClaim", 7), "DisputeNoSuchPlace");
    });
  });

  describe("clocks", () => {
    it("let a move be made in the last second and not after, and be claimed only then", async () => {
      const job = await submit(honest);
      for (const late of [0, 1]) {
        const game = await challenge(court, job, TARGET.checkpoint);
        const { movedAt, providerLeft } = await court.disputes.getFunction("gameOf")(game.id);
        const flag = Number(movedAt + providerLeft);
        const timeout = () => timeoutProvider(court, game, job);
        await time().setNextBlockTimestamp(flag - 1);
        const early = court.disputes.getFunction("timeoutProvider");
        await refused(early(game.id, game.position, job.job), "DisputeClockRunning");
        await time().setNextBlockTimestamp(flag + late);
        const sent = move(
          court,
          game,
          court.provider,
          "open",
          listTree(honest.prefix()).children([]),
        );
        if (late === 0) {
          await sent;
          const left = await court.disputes.getFunction("gameOf")(game.id);
          assert.equal(left.providerLeft, 0n);
        } else {
          await refused(sent, "DisputeClockOver");
          await timeout();
          assert.equal(game.over, "provider lost");
        }
      }
    });

    it("run for the challenger alike, and never for the side that waits", async () => {
      const job = await submit(honest);
      for (const late of [0, 1]) {
        const game = await challenge(court, job, TARGET.checkpoint);
        await move(court, game, court.provider, "open", listTree(honest.prefix()).children([]));
        const { movedAt, challengerLeft } = await court.disputes.getFunction("gameOf")(game.id);
        const flag = Number(movedAt + challengerLeft);
        await time().setNextBlockTimestamp(flag - 1);
        await refused(timeoutChallenger(game), "DisputeClockRunning");
        await time().setNextBlockTimestamp(flag + late);
        const sent = move(court, game, court.challenger, "point", game.children, 0);
        const asProvider = court.disputes.getFunction("timeoutProvider");
        if (late === 0) {
          await sent;
          await refused(timeoutChallenger(game), "DisputeWrongPhase");
        } else {
          await refused(sent, "DisputeClockOver");
          await refused(asProvider(game.id, game.position, job.job), "DisputeWrongPhase");
          await (await timeoutChallenger(game)).wait();
          const status = await court.disputes.getFunction("statusOf")(job.jobId);
          assert.deepEqual(
            [status.liveGames, status.won],
            [1n, false],
            "one game is left, none played out",
          );
        }
      }
    });

    it("grow for a provider with its live games, up to four", async () => {
      const job = await submit(honest);
      const clocks: bigint[] = [];
      for (let i = 0; i < 6; i++) {
        const game = await challenge(court, job, TARGET.checkpoint);
        const { providerLeft, challengerLeft } = await court.disputes.getFunction("gameOf")(
          game.id,
        );
        clocks.push(providerLeft);
        assert.ok(challengerLeft > BigInt(CLOCK));
      }
      const rerun = (clocks[0] as bigint) - BigInt(CLOCK);
      assert.ok(rerun > 0n);
      assert.deepEqual(
        clocks,
        [1n, 2n, 3n, 4n, 4n, 4n].map((times) => BigInt(CLOCK) + times * rerun),
      );
    });
  });

  it("a proof of another claim, element or root is no proof", async () => {
    const job = await submit(honest);
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = providerOf(honest, job);
    await until(game, provider, PHASE.claim);
    await move(court, game, court.challenger, "pointClaim", 1);
    const [add] = program.step;
    assert.ok(add);
    const op = encodeOp(add);
    const empty = {
      state: ABSENT,
      stateProof: [],
      root: ABSENT,
      rootProof: [],
      dtype: 0,
      rank: 1,
      dims: 0n,
      chunks: ZeroHash,
      chunkProof: [],
      chunk: "0x",
      table: false,
    };
    const send = (claims: Game["claims"], proof: typeof empty) =>
      move(court, game, court.provider, "prove", game.bindings, op, claims, proof);
    await refused(send(game.claims, empty), "DisputeNotProven");
    await refused(send(game.claims, { ...empty, dims: 3n << 96n }), "DisputeNotProven");
    await refused(send({ ...game.claims, values: [0n, 0n, 0n] }, empty), "DisputeMismatch");
    await provider.play(game);
    assert.equal(game.over, "challenger lost");
  });
});
