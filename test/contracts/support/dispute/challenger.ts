/** The challenger's side: an honest one points at the first difference from its own run, a dishonest one anywhere. */
import type { Wallet } from "ethers";
import { ABSENT, type Hex } from "@assay/protocol/commitments/hash";
import { operandAt } from "@assay/engine/reference/scalar";
import type { Random } from "@assay/engine/testing/random";

import { type Court, type Game, type Position, move } from "./court.ts";
import type { Run } from "./run.ts";
import { LEVEL, PHASE, View, listOf } from "./trees.ts";

const LAST = 16;

const bytesOf = (hex: Hex): Buffer => Buffer.from(hex.slice(2), "hex");

/** Children that are there, by the count. */
export function present(p: Position): number {
  if (p.height === 0n) return 1;
  const under = 16 ** (Number(p.height) - 1);
  const from = Number(p.index) * 16 * under;
  return Math.min(16, Math.ceil((Number(p.count) - from) / under));
}

export interface Choice {
  /** Number of the wrong child, 16 for the list's last entry. */
  child(game: Game, p: Position): number | Promise<number>;
  element(game: Game, p: Position): number | Promise<number>;
  claim(game: Game, p: Position): number | Promise<number>;
}

/** Plays one side by its choices. */
export async function playChallenger(
  court: Court,
  game: Game,
  choice: Choice,
  by: Wallet = court.challenger,
): Promise<void> {
  const p = game.position;
  if (p.phase === PHASE.point)
    await move(court, game, by, "point", game.children, await choice.child(game, p));
  else if (p.phase === PHASE.element)
    await move(court, game, by, "pointElement", game.chunk, await choice.element(game, p));
  else if (p.phase === PHASE.claim)
    await move(court, game, by, "pointClaim", await choice.claim(game, p));
  else throw new Error(`phase ${p.phase} is not the challenger's`);
}

/** What somebody points at who has run the program. */
export class Honest implements Choice {
  readonly #view: View;

  constructor(run: Run) {
    this.#view = new View(run);
  }

  child(game: Game, p: Position): number {
    const { tree, last } = this.#view.tree(p);
    const path = this.#view.path(p, tree);
    const own = p.height === 0n ? [tree.root] : tree.children(path);
    const shown = p.height === 0n ? [p.node] : game.children;
    const count = present(p);
    const wrong = own.slice(0, count).findIndex((child, i) => child !== shown[i]);
    if (wrong >= 0) {
      this.#enter(p, wrong);
      return wrong;
    }
    if (p.last !== ABSENT) {
      if (p.last === last) throw new Error(`nothing differs at level ${p.level}`);
      return LAST;
    }
    // Accumulators that are all right end in other bits than the disputed ones: their last chunk cannot be shown.
    if (p.level !== LEVEL.term) throw new Error(`nothing differs at level ${p.level}`);
    return count - 1;
  }

  #enter(p: Position, pick: number): void {
    if ((p.level === LEVEL.state || p.level === LEVEL.output) && p.height <= 1n)
      this.#view.tensor = Number(p.index) * 16 + pick;
  }

  element(game: Game, p: Position): number {
    const [own, shown] = [Buffer.from(this.#view.chunk(p)), bytesOf(game.chunk)];
    for (let at = 0; at < own.length; at += 4)
      if (own.readUInt32LE(at) !== shown.readUInt32LE(at)) return at / 4;
    throw new Error("no element differs");
  }

  claim(game: Game, p: Position): number {
    const { run } = this.#view;
    const op = this.#view.op(p);
    const sources = run.sources(listOf(p), Number(p.step));
    const { values, rows, accumulator } = game.claims;
    const own = op.operands.map((_, k) =>
      operandAt(op, k, Number(p.element), Number(p.term), sources),
    );
    const row = own.findIndex(
      (o, k) => o.row !== undefined && BigInt(o.row.value >>> 0) !== rows[k],
    );
    if (row >= 0) return 3 + row;
    const value = own.findIndex(
      (o, k) => "index" in (op.operands[k]?.source ?? {}) && BigInt(o.bits) !== values[k],
    );
    if (value >= 0) return value;
    if (p.accumulatorKnown) throw new Error("no claim differs");
    const before = this.#view.accumulators(p).words[Number(p.term) - 1] as number;
    if (BigInt(before) === accumulator) throw new Error("no claim differs");
    return 6;
  }
}

/** Points anywhere that the contract takes. */
export const liar = (random: Random): Choice => ({
  child: (_, p) =>
    p.last !== ABSENT && random.oneIn(3) ? LAST : random.integer(0, present(p) - 1),
  element: (game) => random.integer(0, bytesOf(game.chunk).length / 4 - 1),
  claim: (_, p) => {
    const operands = Number(p.operands);
    const k = random.integer(0, operands - 1);
    return random.pick([k, 3 + k, 6]);
  },
});

/** Goes down at the left edge of everything. */
export const LEFT: Choice = { child: () => 0, element: () => 0, claim: () => 0 };
