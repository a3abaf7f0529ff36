/** The challenger that the engine plays, move by move beside the one that these tests wrote from the rules alone. */
import assert from "node:assert/strict";
import type { ChallengerMove, Position as GamePosition } from "@assay/protocol/domain/disputes";
import { openGame, type OwnGame } from "@assay/engine/trace/game/game";

import { type Choice, Honest } from "./challenger.ts";
import type { Game, Position } from "./court.ts";
import type { Run } from "./run.ts";

/** As the client library reads it: small integers are numbers. */
const asRead = (p: Position): GamePosition =>
  Object.fromEntries(
    Object.entries(p).map(([name, value]) => [
      name,
      typeof value === "bigint" ? Number(value) : value,
    ]),
  ) as unknown as GamePosition;

const words = (values: readonly bigint[]): [number, number, number] => [
  Number(values[0]),
  Number(values[1]),
  Number(values[2]),
];

const numberOf = (move: ChallengerMove): number => {
  if (move.move === "point") return move.pick;
  return move.move === "pointElement" ? move.place : move.claim;
};

/** Points where the engine points; both must agree. */
export class EngineChallenger implements Choice {
  readonly #own: OwnGame;
  readonly #rules: Honest;

  /** `run` is the honest one; of its checkpoints every other one is kept. */
  constructor(run: Run) {
    const roots = [...run.prefix(), run.stateRoot(run.program.steps)];
    this.#rules = new Honest(run);
    this.#own = openGame({
      program: run.program,
      inputs: run.inputs,
      checkpoints: {
        roots,
        load: async (index) => (index % 2 === 0 ? run.states[run.stepAt(index)] : undefined),
      },
    });
  }

  child(game: Game, p: Position): Promise<number> {
    return this.#both(game, p, this.#rules.child(game, p));
  }

  element(game: Game, p: Position): Promise<number> {
    return this.#both(game, p, this.#rules.element(game, p));
  }

  claim(game: Game, p: Position): Promise<number> {
    return this.#both(game, p, this.#rules.claim(game, p));
  }

  close(): Promise<void> {
    return this.#own.close();
  }

  async #both(game: Game, p: Position, byRules: number): Promise<number> {
    const { values, rows, accumulator } = game.claims;
    const move = await this.#own.point(asRead(p), {
      children: game.children,
      chunk: game.chunk,
      claims: { values: words(values), rows: words(rows), accumulator: Number(accumulator) },
    });
    assert.equal(numberOf(move), byRules, `level ${p.level}, phase ${p.phase}`);
    return byRules;
  }
}
