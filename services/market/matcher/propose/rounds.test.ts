import assert from "node:assert/strict";
import { test } from "node:test";
import { createRounds, type RoundsOptions } from "./rounds.ts";

test("regression: a request that comes in while the matcher closes is given back to the queue at once", async () => {
  const rounds = createRounds({ window: 10 } as RoundsOptions);
  const waiting = assert.rejects(rounds.consider("early"), /closing/);
  await rounds.close();
  await waiting;
  await assert.rejects(rounds.consider("late"), /closing/);
  assert.equal(rounds.has("late"), false);
});
