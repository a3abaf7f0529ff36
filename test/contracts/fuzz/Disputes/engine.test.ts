/** The engine's players on random programs: they hold a few checkpoints and make everything else again. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

import { Random } from "@assay/engine/testing/random";

import { liar } from "../../support/dispute/challenger.ts";
import { type Court, challenge, deployCourtHouse, submitRun } from "../../support/dispute/court.ts";
import { engineProvider, engineRun } from "../../support/dispute/engine.ts";
import { play } from "../../support/dispute/play.ts";
import { wideProgram } from "../../support/dispute/programs.ts";
import { isJust, randomGames } from "../../support/dispute/random.ts";
import { Run } from "../../support/dispute/run.ts";

/** Numbers played here, none of them those of `games.test.ts`. */
const FIRST = 1_000;
const NUMBERS = 24;
/** Games about one wide program. */
const WIDE = 9;

describe("the engine at the contract's table", () => {
  let court: Court;
  before(async () => {
    court = await deployCourtHouse();
  });

  for (let number = FIRST; number < FIRST + NUMBERS; number++) {
    it(`game ${number}: it wins when it is right`, async () => {
      for (const outcome of await randomGames(court, number, "engine")) {
        const { side, over, stuck } = outcome;
        assert.ok(isJust(outcome), `${side}: ${over}, ${stuck}`);
      }
    });
  }

  it("answers through trees, tensors and folds of several levels", async () => {
    const { program, inputs } = wideProgram();
    const run = new Run(program, inputs);
    const job = await submitRun(court, run, run, inputs.seed);
    const own = engineRun(run, (index) => index === 0);
    const provider = engineProvider(court, own);
    for (let number = 0; number < WIDE; number++) {
      const target = number % 3;
      const game = await challenge(court, job, target);
      const stuck = await play(court, game, job, provider, liar(new Random(number)));
      assert.deepEqual([game.over, stuck], ["challenger lost", undefined], `game ${number}`);
    }
    await own.close();
  });
});
