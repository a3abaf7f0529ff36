/** Games about a fold whose accumulators take several chunks: the one before the first of a chunk is claimed, and proven. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { Words } from "@assay/engine/backend";
import { encodeOp } from "@assay/engine/ir/encode";
import type { Op, OpList } from "@assay/engine/ir/types";
import { bitsOf, floatOf } from "@assay/engine/reference/bits";
import { scalarStep } from "@assay/engine/reference/scalar";
import type { Hex } from "@assay/protocol/commitments/hash";

import { type Choice, Honest, playChallenger } from "../../support/dispute/challenger.ts";
import {
  type Court,
  type Game,
  type SubmittedJob,
  TARGET,
  challenge,
  deployCourtHouse,
  move,
  submitRun,
} from "../../support/dispute/court.ts";
import { engineChallenger, engineProvider, engineRun } from "../../support/dispute/engine.ts";
import { play, refusedWith } from "../../support/dispute/play.ts";
import { wideProgram } from "../../support/dispute/programs.ts";
import { NO_PROOF, Provider } from "../../support/dispute/provider.ts";
import { Run, chunkTree } from "../../support/dispute/run.ts";
import { LEVEL, PHASE } from "../../support/dispute/trees.ts";
import { root } from "../../support/market.ts";

const CHUNK = 256;
const ACCUMULATOR = 6;
const { program, inputs, foldOp } = wideProgram();
const honest = new Run(program, inputs);

/** Gives another element of the fold, whose accumulators part from the right ones at this term. */
class LateFault extends Run {
  readonly #term: number;

  constructor(term: number) {
    super(program, inputs, { kind: "op", list: "step", step: 33, op: foldOp, element: 1, flip: 1 });
    this.#term = term;
  }

  override accumulators(list: OpList, step: number, op: Op, element: number, last: number): Words {
    const right = honest.values(list, step)[foldOp]?.[element] as number;
    const all = honest.accumulators(list, step, op, element, right);
    return right === last ? all : all.fill(last, this.#term);
  }
}

/** The accumulator with which a term with these values gives these bits. */
function accumulatorFor(bits: number, values: readonly number[]): number {
  const op = program.step[foldOp] as Op;
  const [x = 0, y = 0] = values.map(floatOf);
  const near = bitsOf(Math.fround(floatOf(bits) - x * y));
  for (const off of [0, 1, -1, 2, -2, 3, -3])
    if (scalarStep(op, near + off, values, inputs.seed) === bits) return near + off;
  throw new Error("no accumulator gives these bits");
}

/** Down to this place of this chunk of the accumulators, and to this claim. */
const down = (chunk: number, place: number, claim: number): Choice => ({
  child: (_, p) => {
    if (p.level === LEVEL.term) return chunk;
    return p.level === LEVEL.step || p.level === LEVEL.chunk ? 0 : 1;
  },
  element: (_, p) => (p.level === LEVEL.term ? place : 0),
  claim: () => claim,
});

describe("Disputes about the accumulators of a fold", () => {
  let court: Court;
  let job: SubmittedJob;
  before(async () => {
    court = await deployCourtHouse();
    job = await submitRun(court, honest, honest, inputs.seed);
  });

  const refused = (sent: Promise<unknown>, name: string): Promise<void> =>
    refusedWith(court, sent, name);
  async function until(
    game: Game,
    provider: { play(game: Game): Promise<void> },
    choice: Choice,
    phase: bigint,
  ): Promise<void> {
    const stops = () => game.position.level === LEVEL.term && game.position.phase === phase;
    while (!stops()) {
      const { phase: now } = game.position;
      if (now === PHASE.point || now === PHASE.element || now === PHASE.claim)
        await playChallenger(court, game, choice);
      else await provider.play(game);
    }
  }

  it("at the first term of a later chunk the one before is claimed, and proven by the chunk before", async () => {
    const choice = down(1, 0, ACCUMULATOR);
    const engine = engineRun(honest, (index) => index === 0);
    for (const provider of [new Provider(court, honest, job), engineProvider(court, engine)]) {
      const game = await challenge(court, job, TARGET.checkpoint);
      await until(game, provider, choice, PHASE.claim);
      const { term, accumulatorKnown, element } = game.position;
      assert.deepEqual([term, accumulatorKnown], [BigInt(CHUNK), false]);
      const step = Number(game.position.step);
      const words = honest.values("step", step)[foldOp] as Words;
      const op = program.step[foldOp] as Op;
      const last = words[Number(element)] as number;
      const all = honest.accumulators("step", step, op, Number(element), last);
      assert.equal(game.claims.accumulator, BigInt(all[CHUNK - 1] as number));
      await play(court, game, job, provider, choice);
      assert.deepEqual([game.over, game.position.claim], ["challenger lost", 6n]);
    }
    await engine.close();
  });

  it("is proven by nothing else than that chunk, whole, in its place", async () => {
    const choice = down(1, 0, ACCUMULATOR);
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = new Provider(court, honest, job);
    await until(game, provider, choice, PHASE.prove);
    const { type, words } = provider.view.accumulators(game.position);
    const tree = chunkTree(type, words);
    const bytes = (from: number, to: number): Hex =>
      `0x${Buffer.from(words.slice(from, to).buffer).toString("hex")}`;
    const prove = (chunkProof: Hex[][], chunk: Hex, claims: object = game.claims) => {
      const op = encodeOp(program.step[foldOp] as Op);
      const proof = { ...NO_PROOF, chunkProof, chunk };
      return move(court, game, court.provider, "prove", game.bindings, op, claims, proof);
    };
    const right = bytes(0, CHUNK);
    await refused(prove(tree.proof(1), bytes(CHUNK, words.length)), "DisputeNotProven");
    await refused(prove(tree.proof(0), bytes(1, CHUNK + 1)), "DisputeNotProven");
    await refused(prove(tree.proof(0), bytes(0, CHUNK - 1)), "DisputeNotProven");
    await refused(prove([], right), "DisputeNotProven");
    const [row = []] = tree.proof(0);
    await refused(prove([[root("beside"), ...row.slice(1)]], right), "DisputeNotProven");
    const other = { ...game.claims, accumulator: game.claims.accumulator ^ 1n };
    await refused(prove(tree.proof(0), right, other), "DisputeMismatch");
    await prove(tree.proof(0), right);
    assert.equal(game.over, "challenger lost");
  });

  it("needs no proof where it was shown, or where the fold begins", async () => {
    for (const [chunk, place] of [
      [0, 0],
      [1, 1],
    ] as const) {
      const game = await challenge(court, job, TARGET.checkpoint);
      const provider = new Provider(court, honest, job);
      await play(court, game, job, provider, down(chunk, place, ACCUMULATOR));
      assert.deepEqual([game.over, game.position.accumulatorKnown], ["challenger lost", true]);
    }
  });

  it("shows a last chunk that ends in the disputed element, or none", async () => {
    const game = await challenge(court, job, TARGET.checkpoint);
    const provider = new Provider(court, honest, job);
    await until(game, provider, down(1, 0, 0), PHASE.reveal);
    const chunk = Buffer.from(provider.view.chunk(game.position));
    chunk.writeUInt8(chunk.readUInt8(chunk.length - 1) ^ 1, chunk.length - 1);
    const bent: Hex = `0x${chunk.toString("hex")}`;
    await refused(move(court, game, court.provider, "reveal", bent), "DisputeMismatch");

    /** Commits to accumulators that are right to the end, of an element that is not. */
    const forged = new LateFault(CHUNK);
    forged.accumulators = (list, step, op, element) =>
      honest.accumulators(
        list,
        step,
        op,
        element,
        honest.values(list, step)[foldOp]?.[element] as number,
      );
    const of = await submitRun(court, forged, honest, inputs.seed);
    const second = await challenge(court, of, TARGET.lastState);
    const liar = new Provider(court, forged, of);
    const why = await play(court, second, of, liar, new Honest(honest));
    assert.deepEqual([why, second.over], ["DisputeMismatch", "provider lost"]);
    assert.deepEqual([second.position.level, second.position.index], [LEVEL.term, 1n]);
  });

  it("is found out where a provider makes it up: no other claim gives the wrong scalar", async () => {
    const faulty = new LateFault(CHUNK);
    const of = await submitRun(court, faulty, honest, inputs.seed);
    const engine = engineRun(honest, (index) => index === 0);
    for (const choice of [new Honest(honest), engineChallenger(engine)]) {
      const game = await challenge(court, of, TARGET.lastState);
      const liar = new Provider(court, faulty, of);
      await until(game, liar, choice, PHASE.judge);
      assert.equal(game.position.term, BigInt(CHUNK));
      await refused(liar.play(game), "DisputeWrongScalar");
      liar.lie = (claims, p) => {
        claims.accumulator = accumulatorFor(Number(p.bits), claims.values);
      };
      await liar.play(game);
      await playChallenger(court, game, choice);
      assert.equal(game.position.claim, 6n);
      await refused(liar.play(game), "DisputeNotProven");
    }
    await engine.close();
  });
});
