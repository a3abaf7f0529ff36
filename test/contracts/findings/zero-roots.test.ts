/** Finding: a root of zero, as the last entry of a list, was read as "this list has no last entry", and could not be pointed at. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import { treeRoot } from "@assay/protocol/commitments/tree";
import type { Op, Program } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";

import { type Choice, Honest } from "../support/dispute/challenger.ts";
import {
  type Court,
  type Game,
  TARGET,
  agreeRun,
  challenge,
  deployCourtHouse,
  submitRun,
} from "../support/dispute/court.ts";
import { engineChallenger, engineRun } from "../support/dispute/engine.ts";
import { play } from "../support/dispute/play.ts";
import { smallProgram } from "../support/dispute/programs.ts";
import { Provider } from "../support/dispute/provider.ts";
import { type Fault, Run } from "../support/dispute/run.ts";
import { connect, follow, root } from "../support/market.ts";

const STEPS = 40;
const INTERVAL = 4;
const { program, inputs } = smallProgram(STEPS, INTERVAL);

/** The same with two parameters and two outputs, each of an op of its own. */
const twofold = (): Program => {
  const [add] = program.step as [Op];
  const [copy] = program.init as [Op];
  const [mul] = program.eval as [Op];
  const [count] = program.state;
  const second = add.operands.map((operand, k) =>
    k === 0 ? { ...operand, source: { kind: "state", index: 1 } as const } : operand,
  );
  return {
    ...program,
    state: [
      { ...count!, name: "a", parameter: true, initOp: 0, stepOp: 0 },
      { ...count!, name: "b", parameter: true, initOp: 1, stepOp: 1 },
    ],
    init: [copy, copy],
    step: [add, { ...add, operands: second }],
    eval: [mul, mul],
    outputs: [
      { name: "first", op: 0 },
      { name: "second", op: 1 },
    ],
  };
};

/** Made the first state alone: the next root is zero, and every later one anything. */
class Idle extends Run {
  override prefix(): Hex[] {
    const [first, ...rest] = super.prefix();
    return [first as Hex, ABSENT, ...rest.slice(1).map((_, i) => root(`nothing ${i}`))];
  }
}

describe("Finding: roots of zero", () => {
  let court: Court;
  beforeEach(async () => {
    court = await deployCourtHouse();
  });

  /** Plays an honest challenger, with all values in memory and as the engine does it; both must win. */
  async function losesTo(
    honest: Run,
    job: Awaited<ReturnType<typeof submitRun>>,
    faulty: Run,
    target: number,
  ) {
    const own = engineRun(honest);
    const choice: Choice = target === TARGET.model ? new Honest(honest) : engineChallenger(own);
    const game: Game = await challenge(court, job, target);
    await play(court, game, job, new Provider(court, faulty, job), choice);
    await own.close();
    assert.equal(game.over, "provider lost");
  }

  async function faultLoses(of: Program, fault: Fault, target: number): Promise<void> {
    const honest = new Run(of, inputs);
    const faulty = new Run(of, inputs, fault);
    const job = await submitRun(court, faulty, honest, inputs.seed);
    await losesTo(honest, job, faulty, target);
  }

  it("a run that was never made, with zero for its second state, loses", async () => {
    const honest = new Run(program, inputs);
    const idle = new Idle(program, inputs);
    const agreed = await agreeRun(court, honest, honest, inputs.seed);
    const submission = {
      ...agreed.submission,
      prefixRoot: idle.prefixRoot(),
      stateRoot: root("no state"),
      modelRoot: root("no model"),
      evalRoot: root("no evaluation"),
    };
    const submit = connect(court.market, court.provider).getFunction("submit");
    const [job] = follow(await (await submit(agreed.job, submission)).wait(), [agreed.job]);
    assert.ok(job);
    await losesTo(honest, { ...agreed, submission, job }, idle, TARGET.checkpoint);
  });

  it("a state of zero loses, and as the last one is not taken", async () => {
    const zero = (step: number): Fault => ({ kind: "zero", what: "state", step, tensor: 0 });
    await faultLoses(program, zero(0), TARGET.checkpoint);
    await faultLoses(program, zero(5 * INTERVAL), TARGET.checkpoint);
    await assert.rejects(faultLoses(program, zero(STEPS), TARGET.lastState), /MarketBadSubmission/);
  });

  it("a tensor of zero in a state loses, whichever op made it", async () => {
    for (const tensor of [0, 1]) {
      const zero = (step: number): Fault => ({ kind: "zero", what: "tensor", step, tensor });
      await faultLoses(twofold(), zero(0), TARGET.checkpoint);
      await faultLoses(twofold(), zero(2 * INTERVAL), TARGET.checkpoint);
      await faultLoses(twofold(), zero(STEPS), TARGET.lastState);
    }
  });

  it("a parameter of zero in a model loses", async () => {
    for (const tensor of [0, 1])
      await faultLoses(twofold(), { kind: "zero", what: "model", tensor }, TARGET.model);
  });

  it("an output of zero loses, and so does a whole evaluation that was left out", async () => {
    for (const tensor of [0, 1])
      await faultLoses(twofold(), { kind: "zero", what: "eval", tensor }, TARGET.evaluation);
    const { outputs, ...rest } = twofold();
    const one: Program = { ...rest, outputs: outputs.slice(1) };
    const fault: Fault = { kind: "zero", what: "eval", tensor: 0 };
    const run = new Run(one, inputs, fault);
    assert.equal(treeRoot(nodeHasher, run.evaluationRoots()), ABSENT);
    await faultLoses(one, fault, TARGET.evaluation);
  });

  it("an interval of one step, and a state inside an interval, lose as well", async () => {
    const { program: single } = smallProgram(3, 1);
    await faultLoses(
      single,
      { kind: "zero", what: "state", step: 2, tensor: 0 },
      TARGET.checkpoint,
    );
    const honest = new Run(program, inputs);
    const faulty = new Run(program, inputs, {
      kind: "op",
      list: "step",
      step: 7,
      op: 0,
      element: 0,
      flip: 1,
    });
    const job = await submitRun(court, faulty, honest, inputs.seed);
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = new Provider(court, faulty, job);
    provider.view.mess = (roots) => roots.with(1, ABSENT);
    await play(court, game, job, provider, new Honest(honest));
    assert.equal(game.over, "provider lost");
  });
});
