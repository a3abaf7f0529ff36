/**
 * Operands of every kind at every edge: rows and elements inside and outside their tensors, behind guards and limits. What is right can
 * be proven wherever a challenger points, and no proof that there is shows what is wrong.
 */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { BaseContract } from "ethers";
import { encodeOp } from "@assay/engine/ir/encode";
import { primitive } from "@assay/engine/ir/primitives";
import type { Op, Operand, Program } from "@assay/engine/ir/types";
import { bitsOf } from "@assay/engine/reference/bits";
import { readingAt } from "@assay/engine/reference/scalar";

import { type Choice, playChallenger } from "../../support/dispute/challenger.ts";
import {
  type Court,
  type Game,
  NO_CHILDREN,
  type Position,
  type SubmittedJob,
  TARGET,
  challenge,
  deployCourtHouse,
  move,
  submitRun,
} from "../../support/dispute/court.ts";
import { NO_PROOF, Provider } from "../../support/dispute/provider.ts";
import { Run } from "../../support/dispute/run.ts";
import {
  data,
  fixed,
  one,
  parent,
  read,
  state,
  value,
  variedProgram,
} from "../../support/dispute/signed.ts";
import { LEVEL, listOf, PHASE } from "../../support/dispute/trees.ts";
import { root } from "../../support/market.ts";

const SIZE = 8;
const LIMIT = 8;
const ROWS = 3;
const ACCUMULATOR = 6;

/** Element by element: rows that lead inside, outside, to the limit, below zero, and table's end; the last one guarded. */
const table = [7, 7, 1, 6, LIMIT, -1, 0, 3];
const guarded = (source: Operand["source"], by: Operand["source"]): Operand => ({
  ...read(source, { strides: [0] }),
  guards: [{ offset: 0, strides: [1], limit: SIZE - 1 }],
  indirection:
    "index" in by ? { source: by, offset: 2, strides: [1], rowStride: 1, limit: LIMIT } : null,
});
const bounded = (source: Operand["source"]): Operand =>
  read(source, { guards: [{ offset: 0, strides: [1], limit: 6 }] });
const out = (dtype: "f32" | "i32") => ({ dtype, shape: [SIZE] });
const op = (name: "add" | "select" | "iadd", own: "f32" | "i32", ...of: Operand[]): Op => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: out(own),
  operands: of,
});
const order = read({ kind: "index" }, { offset: -1 });

const program: Program = {
  ...variedProgram,
  steps: 4,
  interval: 2,
  data: [
    { name: "x", dtype: "f32", shape: [4] },
    { name: "order", dtype: "i32", shape: [SIZE] },
  ],
  parent: [
    { name: "w", dtype: "f32", shape: [4] },
    { name: "at", dtype: "i32", shape: [SIZE] },
  ],
  state: [
    { name: "w", dtype: "f32", shape: [SIZE], parameter: true, initOp: 1, stepOp: 2 },
    { name: "count", dtype: "i32", shape: [SIZE], parameter: false, initOp: 0, stepOp: 0 },
  ],
  init: [
    op("iadd", "i32", order, fixed(one("i32"))),
    op("add", "f32", guarded(parent(0), parent(1)), guarded(data(0), value(0))),
  ],
  step: [
    op("iadd", "i32", read(state(1)), fixed({ kind: "step" })),
    op("add", "f32", guarded(data(0), data(1)), bounded(parent(0))),
    op("select", "f32", read(value(0)), guarded(parent(0), value(0)), guarded(value(1), state(1))),
  ],
  eval: [
    op("iadd", "i32", order, fixed(one("i32"))),
    op("add", "f32", guarded(state(0), data(1)), guarded(data(0), value(0))),
  ],
  outputs: [{ name: "sum", op: 1 }],
};
const floats = (...numbers: number[]) => Uint32Array.from(numbers, (n) => bitsOf(Math.fround(n)));
const inputs = {
  data: [floats(0.5, 1.5, 2.5, 3.5), Uint32Array.from(table, (n) => n >>> 0)],
  parent: [floats(10, 20, 30, 40), Uint32Array.from(table.toReversed(), (n) => n >>> 0)],
  seed: 5n,
};
const run = new Run(program, inputs);

interface Question {
  readonly claims: Game["claims"];
  readonly position: Position;
  readonly proof: object;
}

interface Way {
  readonly what: string;
  readonly target: number;
  readonly choice: Choice;
  readonly op: Op;
}

/** Names the wrong child by level; where the game is about a later op, the last entry of the list. */
const way = (steps: Partial<Record<keyof typeof LEVEL, number>>): Choice => ({
  child: (_, { level }) => {
    const name = Object.entries(LEVEL).find(([, number]) => number === level)?.[0] ?? "";
    return (steps as Readonly<Record<string, number>>)[name] ?? 0;
  },
  element: () => 0,
  claim: () => 0,
});
const LAST = 16;
const ways: readonly Way[] = [
  {
    what: "of an init op: in the data and the parent, with rows of both and of another op",
    target: TARGET.checkpoint,
    choice: way({ op: LAST }),
    op: program.init[1] as Op,
  },
  {
    what: "of the first step of an interval: in the data",
    target: TARGET.checkpoint,
    choice: way({ checkpoint: 1, op: 1 }),
    op: program.step[1] as Op,
  },
  {
    what: "of the first step of an interval: in other ops, with rows of the checkpoint before",
    target: TARGET.checkpoint,
    choice: way({ checkpoint: 1, op: LAST }),
    op: program.step[2] as Op,
  },
  {
    what: "of a later step: with rows of a state inside the interval",
    target: TARGET.checkpoint,
    choice: way({ checkpoint: 1, step: LAST, op: LAST }),
    op: program.step[2] as Op,
  },
  {
    what: "of an evaluation: in the last state, with rows of another op",
    target: TARGET.evaluation,
    choice: way({ op: LAST }),
    op: program.eval[1] as Op,
  },
];

describe("Disputes about operands", () => {
  let court: Court;
  let proofs: BaseContract;
  let batch: BaseContract;
  let job: SubmittedJob;
  let provider: Provider;
  before(async () => {
    court = await deployCourtHouse();
    proofs = await court.ethers.deployContract("Proofs", [court.referee]);
    batch = await court.ethers.deployContract("Batch");
    job = await submitRun(court, run, run, inputs.seed);
    provider = new Provider(court, run, job);
  });
  const helpers = () => court.connection.networkHelpers;

  /** A game that has come to the elements of an op's output. */
  async function toTheElements({ target, choice }: Way): Promise<Game> {
    const game = await challenge(court, job, target);
    while (game.position.phase !== PHASE.element)
      if (game.position.phase === PHASE.point) await playChallenger(court, game, choice);
      else await provider.play(game);
    return game;
  }
  const claimsOf = ({ operands }: Op): number[] => [
    ...operands.keys(),
    ...[...operands.keys()].map((k) => ROWS + k),
    ACCUMULATOR,
  ];

  for (const each of ways) {
    it(`are proven wherever one points: ${each.what}`, async () => {
      const game = await toTheElements(each);
      const atElements = await helpers().takeSnapshot();
      for (let element = 0; element < SIZE; element++) {
        const table_: Game = { ...game, gas: [] };
        await move(court, table_, court.challenger, "pointElement", game.chunk, element);
        await provider.play(table_);
        const claimed = await helpers().takeSnapshot();
        for (const claim of claimsOf(each.op)) {
          const last: Game = { ...table_, gas: [] };
          await move(court, last, court.challenger, "pointClaim", claim);
          await provider.play(last);
          assert.equal(last.over, "challenger lost", `element ${element}, claim ${claim}`);
          await claimed.restore();
        }
        await atElements.restore();
      }
    });
  }

  /** Whether a claim stands: what the tensors hold, by the rules that `Proofs` states. */
  function stands(of: Op, p: Position, claims: Game["claims"]): boolean {
    const claim = Number(p.claim);
    if (claim === ACCUMULATOR) return true;
    const k = claim % ROWS;
    const [row, bits] = [Number(claims.rows[k]), Number(claims.values[k])];
    const reading = readingAt(of, k, Number(p.element), 0, row);
    const sources = run.sources(listOf(p), Number(p.step));
    const held = (at: { source: Parameters<typeof sources.read>[0]; address: number }) =>
      at.address >= 0 && at.address < (sources.typeOf(at.source).shape[0] ?? 1)
        ? sources.read(at.source, at.address) >>> 0
        : undefined;
    const [inTable, inTensor] = [
      reading.row && held(reading.row),
      reading.value && held(reading.value),
    ];
    if (claim >= ROWS) {
      if (reading.row === undefined) return true;
      return inTable === undefined ? reading.value === undefined || bits === 0 : inTable === row;
    }
    if (reading.value === undefined) return true;
    if (reading.row !== undefined && inTable === undefined && bits === 0) return true;
    return (inTensor ?? 0) === bits;
  }

  // One of the two that read other ops is enough.
  for (const each of ways.toSpliced(2, 1)) {
    it(`are proven by nothing else where they are wrong: ${each.what}`, async () => {
      const game = await toTheElements(each);
      const encoding = encodeOp(each.op);
      const snapshot = await helpers().takeSnapshot();
      let [right, wrong] = [0, 0];
      for (const element of [0, 1, 2, SIZE - 2, SIZE - 1]) {
        const judged: Game = { ...game, gas: [] };
        await move(court, judged, court.challenger, "pointElement", game.chunk, element);
        await provider.play(judged);
        await snapshot.restore();
        for (const [k, claim] of each.op.operands.flatMap((_, i) => [
          [i, i] as const,
          [i, ROWS + i] as const,
        ])) {
          const position = { ...judged.position, claim: BigInt(claim) };
          for (const claims of [judged.claims, ...lies(judged.claims, k)]) {
            const proof = await provider.proofOf({ claims }, position);
            const other = await provider.proofOf(
              { claims },
              { ...position, claim: BigInt((claim + ROWS) % (2 * ROWS)) },
            );
            const shown = [
              proof,
              other,
              { ...other, table: true },
              { ...proof, table: !proof.table },
              NO_PROOF,
            ];
            const answers = await ask(
              shown.map((one_) => ({ claims, position, proof: one_ })),
              judged,
              encoding,
            );
            const what = `element ${element}, claim ${claim}: ${claims.values.join()} ${claims.rows.join()}`;
            if (stands(each.op, position, claims)) {
              right++;
              assert.ok(answers[0], what);
            } else {
              wrong++;
              assert.ok(!answers.includes(true), what);
            }
          }
        }
      }
      assert.ok(right > 10 && wrong > 10, `${right} right claims and ${wrong} wrong ones`);
    });
  }

  it("are proven by a tensor as its root has it, and in no state before the first", async () => {
    const evaluation = ways.at(-1) as Way;
    const game = await toTheElements(evaluation);
    await move(court, game, court.challenger, "pointElement", game.chunk, 0);
    await provider.play(game);
    const position = { ...game.position, claim: 0n };
    const { claims } = game;
    const proof = await provider.proofOf(game, position);
    const question = (changes: object, at: object = {}) => ({
      claims,
      position: { ...position, ...at },
      proof: { ...proof, ...changes },
    });
    const answers = await ask(
      [
        question({}),
        question({ dtype: 1 }),
        question({ rank: 2 }),
        question({ rank: 5 }),
        question({ dims: 1n << 96n }),
        question({ dims: 0n }),
        question({ chunks: root("chunks") }),
        question({ chunkProof: [NO_CHILDREN.slice(1)] }),
        question({ chunk: `${proof.chunk}00000000` }),
        question({ state: root("state") }),
        question({}, { list: 0n, step: 0n }),
      ],
      game,
      encodeOp(evaluation.op),
    );
    assert.deepEqual(answers, [true, ...Array<boolean>(10).fill(false)]);
  });

  /** Claims with another row or value of one operand. */
  function lies(claims: Game["claims"], k: number): Game["claims"][] {
    const row = claims.rows[k] ?? 0n;
    const bits = claims.values[k] ?? 0n;
    const rows = [row ^ 1n, BigInt(LIMIT)];
    return [
      ...rows.map((other) => ({ ...claims, rows: claims.rows.with(k, other) })),
      ...[0n, bits ^ 1n].map((other) => ({ ...claims, values: claims.values.with(k, other) })),
      { ...claims, rows: claims.rows.with(k, row ^ 1n), values: claims.values.with(k, 0n) },
    ];
  }

  async function ask(
    questions: readonly Question[],
    { id, bindings }: Game,
    encoding: Uint8Array,
  ): Promise<(boolean | undefined)[]> {
    const calls = questions.map(({ claims, position, proof }) => {
      const words = [id, position, bindings, encoding, claims, proof];
      return proofs.interface.encodeFunctionData("prove", words);
    });
    const answers: readonly { ok: boolean; data: string }[] = await batch.getFunction("ask")(
      await proofs.getAddress(),
      calls,
    );
    return answers.map(({ ok, data: word }) => (ok ? BigInt(word) === 1n : undefined));
  }
});
