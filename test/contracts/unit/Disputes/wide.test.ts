/** Games through levels that are more than one node deep, and what they cost. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { Random } from "@assay/engine/testing/random";

import { Honest, liar } from "../../support/dispute/challenger.ts";
import {
  type Court,
  type Game,
  TARGET,
  challenge,
  deployCourtHouse,
  submitRun,
} from "../../support/dispute/court.ts";
import { play } from "../../support/dispute/play.ts";
import { wideProgram } from "../../support/dispute/programs.ts";
import { Provider } from "../../support/dispute/provider.ts";
import { type Fault, Run } from "../../support/dispute/run.ts";
import { assertGas } from "../../support/gas.ts";
import { LEVEL, PHASE } from "../../support/dispute/trees.ts";

/** Goal of the project for a whole dispute, both sides together, and what the chain lets one transaction use. */
const WHOLE = 2_200_000n;
const TRANSACTION = 16_700_000n;

const total = (game: Game): bigint => game.gas.reduce((sum, { used }) => sum + used, 0n);

describe("Disputes about wide tensors and long folds", () => {
  const { program, inputs, foldOp } = wideProgram();
  const honest = new Run(program, inputs);
  let court: Court;
  before(async () => {
    court = await deployCourtHouse();
  });

  async function playFault(fault: Fault, target: number) {
    const faulty = new Run(program, inputs, fault);
    const job = await submitRun(court, faulty, honest, inputs.seed);
    const game = await challenge(court, job, target);
    const why = await play(court, game, job, new Provider(court, faulty, job), new Honest(honest));
    assert.equal(game.over, "provider lost");
    assertGas(total(game), WHOLE);
    for (const { name, used } of game.gas) assertGas(used, TRANSACTION, name);
    return { game, why };
  }

  it("finds one wrong element of one fold in one step, and judges the term", async () => {
    const fault: Fault = {
      kind: "op",
      list: "step",
      step: 33,
      op: foldOp,
      element: 1,
      flip: 1 << 22,
    };
    const { game, why } = await playFault(fault, TARGET.lastState);
    assert.equal(why, "DisputeWrongScalar");
    const p = game.position;
    assert.deepEqual([p.level, p.phase], [LEVEL.term, PHASE.judge]);
    assert.deepEqual([p.checkpoint, p.step, p.op, p.element], [2n, 33n, BigInt(foldOp), 1n]);
  });

  it("finds a wrong element in a later chunk of a wide tensor", async () => {
    const fault: Fault = {
      kind: "op",
      list: "step",
      step: 7,
      op: foldOp + 1,
      element: 555,
      flip: 4,
    };
    const { game, why } = await playFault(fault, TARGET.checkpoint);
    assert.equal(why, "DisputeWrongScalar");
    assert.deepEqual([game.position.op, game.position.element], [BigInt(foldOp + 1), 555n]);
  });

  it("finds the first wrong state of a run that stopped half way", async () => {
    const { game } = await playFault({ kind: "stop", step: 21 }, TARGET.lastState);
    assert.equal(game.position.step, 21n);
  });

  it("finds a wrong initial state without an interval", async () => {
    const fault: Fault = { kind: "op", list: "init", step: 0, op: 17, element: 321, flip: 8 };
    const { game } = await playFault(fault, TARGET.checkpoint);
    assert.deepEqual([game.position.list, game.position.element], [0n, 321n]);
  });

  it("lets no lie through, wherever it points", async () => {
    const job = await submitRun(court, honest, honest, inputs.seed);
    for (let i = 0; i < 12; i++) {
      const target = [TARGET.checkpoint, TARGET.lastState, TARGET.model][i % 3] ?? 0;
      const game = await challenge(court, job, target);
      const provider = new Provider(court, honest, job);
      const stuck = await play(court, game, job, provider, liar(new Random(i)));
      assert.equal(stuck, undefined);
      assert.equal(game.over, "challenger lost");
      assertGas(total(game), WHOLE);
    }
  });
});
