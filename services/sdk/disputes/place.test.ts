import assert from "node:assert/strict";
import { test } from "node:test";
import { zeroAddress, zeroHash } from "viem";
import {
  LEVELS,
  PHASES,
  type Bindings,
  type LevelName,
  type PhaseName,
  type Position,
} from "@assay/protocol/domain/disputes";
import { NO_CHILDREN, type Game } from "./game.ts";
import { moveCall } from "./moves.ts";
import { describePlace, placeOf } from "./place.ts";
import { comparedWinner, deadlineOf, isTimedOut, turnOf } from "./turn.ts";

const ONE = `0x${"00".repeat(31)}01` as const;

const at = (
  level: LevelName,
  phase: PhaseName,
  fields: Partial<Omit<Position, "level" | "phase">> = {},
): Position => ({
  jobId: ONE,
  provider: zeroAddress,
  bindings: ONE,
  node: ONE,
  count: 1,
  index: 0,
  height: 0,
  last: zeroHash,
  shown: zeroHash,
  checkpoint: 0,
  step: 0,
  stepsRest: zeroHash,
  list: 0,
  lastOp: 0,
  opsRest: zeroHash,
  op: 0,
  opHash: zeroHash,
  dtype: 0,
  operands: 0,
  terms: 0,
  size: 0,
  element: 0,
  term: 0,
  bits: 0,
  accumulatorKnown: false,
  accumulator: 0,
  termsRoot: zeroHash,
  claim: 0,
  ...fields,
  level: LEVELS.indexOf(level),
  phase: PHASES.indexOf(phase),
});

const game = (position: Position, startRoot: Game["bindings"]["startRoot"] = zeroHash): Game => ({
  disputes: zeroAddress,
  gameId: 1n,
  jobId: ONE,
  provider: zeroAddress,
  challenger: zeroAddress,
  bond: 1n,
  bindings: { startRoot } as Bindings,
  position,
  shown: {
    children: NO_CHILDREN,
    chunk: "0x",
    claims: { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 },
  },
  clocks: { movedAt: 1_000, providerLeft: 60, challengerLeft: 90 },
  moves: [],
  end: undefined,
});

test("a node's path and range follow from count, index and height", () => {
  assert.deepEqual(placeOf(at("checkpoint", "open", { count: 300, index: 0, height: 3 })), {
    level: "checkpoint",
    count: 300,
    height: 3,
    path: [],
    from: 0,
    to: 299,
  });
  const node = placeOf(at("step", "open", { count: 300, index: 18, height: 1 }));
  assert.deepEqual([node.path, node.from, node.to], [[1, 2], 288, 299]);
  const leaf = placeOf(at("step", "cross", { count: 300, index: 299, height: 0 }));
  assert.deepEqual([leaf.path, leaf.from, leaf.to], [[1, 2, 11], 299, 299]);
  const last = placeOf(at("op", "cross", { count: 3, index: 3, height: 0 }));
  assert.deepEqual([last.path, last.from, last.to, last.count], [[], 3, 3, 4]);
  assert.equal(placeOf(at("op", "point", { count: 3, height: 1, last: ONE })).count, 4);
});

test("a place reads as plain words", () => {
  assert.equal(
    describePlace(at("checkpoint", "open", { count: 20, height: 2 })),
    "checkpoints 0 to 19",
  );
  const scalar = at("term", "judge", { list: 1, step: 7, op: 2, element: 5, term: 9 });
  assert.equal(describePlace(scalar), "term 9 of element 5 of op 2 of step 7");
});

test("whose turn it is follows from the phase, and the clock runs through its last second", () => {
  const mine = game(at("op", "open", { count: 3, height: 1 }));
  assert.equal(turnOf(mine), "provider");
  assert.equal(deadlineOf(mine), 1_060);
  assert.equal(isTimedOut(mine, 1_060), false);
  assert.equal(isTimedOut(mine, 1_061), true);
  for (const phase of ["point", "element", "claim"] as const) {
    const theirs = game(at("op", phase));
    assert.equal(turnOf(theirs), "challenger");
    assert.equal(deadlineOf(theirs), 1_090);
  }
  assert.equal(turnOf({ ...mine, end: "provider lost" }), undefined);
});

test("a root that the record fixes is compared, and nobody's clock runs", () => {
  const nothing = game(at("model", "compare", { node: zeroHash }));
  assert.equal(turnOf(nothing), "anyone");
  assert.equal(deadlineOf(nothing), undefined);
  assert.equal(comparedWinner(nothing), "provider");
  const start = game(at("checkpoint", "cross", { node: zeroHash }), ONE);
  assert.equal(comparedWinner(start), "challenger");
  assert.equal(comparedWinner(game(at("checkpoint", "cross", { index: 1 }), ONE)), undefined);
  assert.equal(turnOf(game(at("checkpoint", "cross"))), "provider");
});

test("a move with too few children is refused before it costs anything", () => {
  const mine = game(at("op", "open", { count: 3, height: 1 }));
  assert.throws(() => moveCall(mine, { move: "open", children: [] }), {
    code: "DISPUTE_MOVE_MALFORMED",
  });
  assert.equal(moveCall(mine, { move: "open", children: NO_CHILDREN }).functionName, "open");
});
