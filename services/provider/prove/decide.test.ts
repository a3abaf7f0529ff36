import assert from "node:assert/strict";
import { test } from "node:test";
import { zeroHash } from "viem";
import { decideGame, type GameFacts } from "./decide.ts";
import { gameAt } from "./testing.ts";

const ONE = `0x${"00".repeat(31)}01` as const;
const step = (
  game: GameFacts["game"],
  now = 1_010,
  runDiffers = false,
  ours: GameFacts["ours"] = "provider",
) => decideGame({ game, ours, now, runDiffers });

test("our move is made at once, through the last second of our clock", () => {
  for (const phase of ["open", "cross", "reveal", "judge", "prove"] as const) {
    const game = gameAt("op", phase);
    assert.deepEqual(step(game), { do: "answer", deadline: 1_060 });
    assert.deepEqual(step(game, 1_060), { do: "answer", deadline: 1_060 });
    assert.deepEqual(step(game, 1_061), { do: "lost", why: "clock" });
  }
});

test("a challenger is waited for, and its bond claimed once its clock has run out", () => {
  for (const phase of ["point", "element", "claim"] as const) {
    const game = gameAt("op", phase);
    assert.deepEqual(step(game), { do: "wait", until: 1_091 });
    assert.deepEqual(step(game, 1_090), { do: "wait", until: 1_091 });
    assert.deepEqual(step(game, 1_091), { do: "timeout" });
  }
});

test("a run that differs is not paid for any more, but silent challengers are still ended", () => {
  assert.deepEqual(step(gameAt("op", "open"), 1_010, true), { do: "lost", why: "run" });
  assert.deepEqual(step(gameAt("op", "point"), 1_091, true), { do: "timeout" });
});

test("what the record decides is claimed where it is ours, and left alone where it is not", () => {
  assert.deepEqual(step(gameAt("model", "compare")), { do: "compare" });
  const wrong = gameAt("model", "compare", { position: { node: ONE } });
  assert.deepEqual(step(wrong), { do: "lost", why: "record" });
  const start = gameAt("checkpoint", "cross", { position: { node: ONE, height: 0 } });
  const bindings = { ...start.bindings, startRoot: ONE };
  assert.deepEqual(step({ ...start, bindings }), { do: "compare" });
  const other = { ...start.position, node: zeroHash };
  assert.deepEqual(step({ ...start, bindings, position: other }), { do: "lost", why: "record" });
});

test("nothing is done in a game that is over", () => {
  const over = gameAt("op", "open", { end: "challenger lost" });
  assert.deepEqual(step(over), { do: "wait", until: undefined });
});

test("a replica made to play another one points, and ends a provider that falls silent", () => {
  const rival = (game: GameFacts["game"], now?: number) => step(game, now, false, "challenger");
  assert.deepEqual(rival(gameAt("op", "point")), { do: "answer", deadline: 1_090 });
  assert.deepEqual(rival(gameAt("op", "point"), 1_091), { do: "lost", why: "clock" });
  assert.deepEqual(rival(gameAt("op", "open")), { do: "wait", until: 1_061 });
  assert.deepEqual(rival(gameAt("op", "open"), 1_061), { do: "timeout" });
  const wrong = gameAt("model", "compare", { position: { node: ONE } });
  assert.deepEqual(rival(wrong), { do: "compare" });
});
