/** Games about a run that goes on from the recorded state of another job. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import type { Wallet } from "ethers";
import { primitive } from "@assay/engine/ir/primitives";
import type { Op, Operand, Program, Source } from "@assay/engine/ir/types";
import { UNCHANGED } from "@assay/engine/ir/types";
import { Random } from "@assay/engine/testing/random";
import type { Request } from "@assay/protocol/domain/messages";

import {
  type Choice,
  Honest,
  LEFT,
  liar,
  playChallenger,
} from "../../support/dispute/challenger.ts";
import { ContinuedRun, recordStart } from "../../support/dispute/continued.ts";
import {
  BOND,
  type Court,
  type Game,
  NO_CHILDREN,
  type SubmittedJob,
  TARGET,
  challenge,
  deployCourtHouse,
  move,
  nextNonce,
  submitRun,
} from "../../support/dispute/court.ts";
import { engineChallenger, engineProvider, engineRun } from "../../support/dispute/engine.ts";
import { play, refusedWith, timeoutProvider } from "../../support/dispute/play.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { type Fault, Run, listTree } from "../../support/dispute/run.ts";
import { LEVEL, PHASE } from "../../support/dispute/trees.ts";
import { TOKEN } from "../../support/market.ts";

const START = 5;
const STEPS = 12;

const read = (source: Source): Operand => ({
  source,
  offset: 0,
  strides: [],
  guards: [],
  indirection: null,
});
const map = (name: "copy" | "iadd", ...sources: Source[]): Op => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: { dtype: "i32", shape: [] },
  operands: sources.map(read),
});
const own = { kind: "state", index: 0 } as const;

/** Adds up the numbers of its steps, and keeps a tensor that no step changes. */
const counting = (interval: number): Program => ({
  numerics: "f32-1",
  steps: STEPS,
  interval,
  data: [],
  parent: [],
  state: [
    { name: "sum", dtype: "i32", shape: [], parameter: true, initOp: 0, stepOp: 0 },
    { name: "still", dtype: "i32", shape: [], parameter: false, initOp: 0, stepOp: UNCHANGED },
  ],
  init: [map("copy", { kind: "immediate", dtype: "i32", bits: 100 })],
  step: [map("iadd", own, { kind: "step" })],
  eval: [map("iadd", own, { kind: "step" })],
  outputs: [{ name: "sum", op: 0 }],
});
const inputs = { data: [], parent: [], seed: 3n };
const at = (step: number): Fault => ({
  kind: "op",
  list: "step",
  step,
  op: 0,
  element: 0,
  flip: 1,
});

describe("Disputes about a run that starts from a state", () => {
  let court: Court;
  let request: Partial<Request>;
  beforeEach(async () => {
    court = await deployCourtHouse();
    request = await recordStart(court, counting(4), inputs, START);
  });

  const runOf = (interval: number, fault?: Fault) =>
    new ContinuedRun(counting(interval), inputs, START, fault);
  const submit = (run: Run): Promise<SubmittedJob> =>
    submitRun(court, run, run, inputs.seed, { request: { ...request, nonce: nextNonce() } });
  const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
    refusedWith(court, sent, name);
  const free = (who: { address: string }): Promise<bigint> =>
    court.market.getFunction("freeBalance")(who.address);
  const stateOf = ({ jobId }: SubmittedJob): Promise<bigint> =>
    court.market.getFunction("stateOf")(jobId);
  const compare = (game: Game, job: SubmittedJob, by: Wallet = court.requester) =>
    move(court, game, by, "compare", game.bindings, job.job);

  /** A game at a leaf of the checkpoints. */
  async function atCheckpoint(run: Run, job: SubmittedJob, index: number): Promise<Game> {
    const game = await challenge(court, job, TARGET.checkpoint);
    const children = listTree(run.prefix()).children([]);
    await move(court, game, court.provider, "open", children);
    await move(court, game, court.challenger, "point", children, index);
    return game;
  }

  describe("whose first state is that of the request", () => {
    it("is won by the provider, whoever has it compared", async () => {
      const run = runOf(4);
      const job = await submit(run);
      const [provider, challenger] = [await free(court.provider), await free(court.challenger)];
      const game = await atCheckpoint(run, job, 0);
      await compare(game, job);
      assert.equal(game.over, "challenger lost");
      assert.equal(await free(court.provider), provider + BOND);
      assert.equal(await free(court.challenger), challenger - BOND);
      const { liveGames, won } = await court.disputes.getFunction("statusOf")(job.jobId);
      assert.deepEqual([liveGames, won], [0n, true]);
      await refused(compare(game, job), "DisputeWrongPosition");
    });

    it("is compared at once where there is one interval", async () => {
      const job = await submit(runOf(STEPS));
      const game = await challenge(court, job, TARGET.checkpoint);
      assert.deepEqual([game.position.phase, game.position.height], [PHASE.cross, 0n]);
      await compare(game, job, court.provider);
      assert.equal(game.over, "challenger lost");
    });

    it("is crossed into by no op: nothing of the job has made that state", async () => {
      const run = runOf(4);
      const job = await submit(run);
      const game = await atCheckpoint(run, job, 0);
      const { bindings } = game;
      const tensors = listTree(run.tensorRoots(START));
      const send = (name: string, ...args: readonly unknown[]) =>
        move(court, game, court.provider, name, ...args);
      await refused(send("crossState", bindings, tensors.children([])), "DisputeWrongCrossing");
      const none = listTree([]).root;
      await refused(send("crossSteps", bindings, none, NO_CHILDREN), "DisputeWrongCrossing");
    });

    it("is lost by a provider that leaves it alone until its clock has run out", async () => {
      const run = runOf(4);
      const job = await submit(run);
      const game = await atCheckpoint(run, job, 0);
      await timeoutProvider(court, game, job);
      assert.equal(game.over, "provider lost");
    });
  });

  it("is lost by a provider whose first state is another one", async () => {
    for (const interval of [4, STEPS]) {
      const run = runOf(interval, at(START));
      const job = await submit(run);
      const challenger = await free(court.challenger);
      const game =
        interval === STEPS
          ? await challenge(court, job, TARGET.checkpoint)
          : await atCheckpoint(run, job, 0);
      await compare(game, job);
      assert.equal(game.over, "provider lost");
      assert.equal(await stateOf(job), 5n);
      assert.equal(await free(court.challenger), challenger + TOKEN, "bond back, and the reward");
    }
  });

  it("compares nothing but the first state, with the job's own bindings and record", async () => {
    const run = runOf(4);
    const job = await submit(run);
    const fresh = await challenge(court, job, TARGET.checkpoint);
    await refused(compare(fresh, job), "DisputeWrongPhase");
    const second = await atCheckpoint(run, job, 1);
    await refused(compare(second, job), "DisputeWrongPhase");
    const model = await challenge(court, job, TARGET.model);
    assert.equal(model.position.phase, PHASE.cross);
    await refused(compare(model, job), "DisputeWrongPhase");

    const wrong = runOf(4, at(START));
    const other = await submit(wrong);
    const game = await atCheckpoint(wrong, other, 0);
    const startRoot = wrong.prefix()[0];
    const bent = { ...game, bindings: { ...game.bindings, startRoot } };
    await refused(compare(bent, other), "DisputeMismatch");
    await refused(compare(game, job), "DisputeWrongJob");
    await compare(game, other);

    const plain = new Run(counting(4), inputs);
    const begun = await submitRun(court, plain, plain, inputs.seed);
    const init = await atCheckpoint(plain, begun, 0);
    await refused(compare(init, begun), "DisputeWrongPhase");
  });

  it("counts steps from the start: the one that is wrong is found, by either kind of player", async () => {
    const honest = runOf(4);
    for (const [step, checkpoint] of [
      [START + 1, 1n],
      [START + 3, 1n],
      [STEPS - 2, 2n],
      [STEPS, 2n],
    ] as const) {
      const faulty = runOf(4, at(step));
      const job = await submit(faulty);
      const target = step > START + 4 ? TARGET.lastState : TARGET.checkpoint;
      const engine = engineRun(honest, (index) => index === 0);
      for (const choice of [new Honest(honest), engineChallenger(engine)]) {
        const game = await challenge(court, job, target);
        const provider = new Provider(court, faulty, job);
        while (game.position.phase !== PHASE.judge)
          if (game.position.phase === PHASE.point || game.position.phase === PHASE.element)
            await playChallenger(court, game, choice);
          else await provider.play(game);
        await refused(provider.play(game), "DisputeWrongScalar");
        const { position: p } = game;
        assert.deepEqual([p.level, p.checkpoint, p.step], [LEVEL.chunk, checkpoint, BigInt(step)]);
      }
      await engine.close();
    }
  });

  it("is won by an honest provider wherever a liar points, by either kind of player", async () => {
    const run = runOf(3);
    const job = await submit(run);
    const engine = engineRun(run, (index) => index === 0);
    const right: Choice = {
      child: (game, p) =>
        p.height === 1n ? game.children.filter((child) => BigInt(child) !== 0n).length - 1 : 0,
      element: () => 0,
      claim: (_, p) => Number(p.operands) - 1,
    };
    const choices = [right, ...[1, 2, 3, 4, 5].map((n) => liar(new Random(n)))];
    for (const [i, choice] of choices.entries()) {
      const target = [TARGET.lastState, TARGET.checkpoint, TARGET.evaluation][i % 3] ?? 0;
      const provider = i % 2 === 0 ? new Provider(court, run, job) : engineProvider(court, engine);
      const answers = {
        play: (game: Game): Promise<void> => {
          const { level, index, phase } = game.position;
          const first = level === LEVEL.checkpoint && index === 0n && phase === PHASE.cross;
          return first ? compare(game, job, court.provider) : provider.play(game);
        },
      };
      const game = await challenge(court, job, target);
      const stuck = await play(court, game, job, answers, choice);
      assert.deepEqual([game.over, stuck], ["challenger lost", undefined], `game ${i}`);
    }
    await engine.close();
  });

  it("takes the tensor that no step changes from the start itself", async () => {
    const run = runOf(4);
    const job = await submit(run);
    const game = await atCheckpoint(run, job, 1);
    const provider = new Provider(court, run, job);
    await play(court, game, job, provider, {
      ...LEFT,
      child: (_, p) => (p.level === LEVEL.state ? 1 : 0),
    });
    assert.equal(game.over, "challenger lost");
    assert.equal(game.position.level, LEVEL.state);
  });
});
