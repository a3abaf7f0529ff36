import assert from "node:assert/strict";
import { test } from "node:test";
import { crowding, shareOf } from "./share.ts";

test("jobs that find a core for each thread do not slow each other down", () => {
  assert.equal(shareOf({ cores: 8, threads: 2 }, 4), 1);
  assert.equal(crowding({ cores: 8, threads: 2 }, 1, 4), 1);
});

test("jobs with more threads than cores between them share these", () => {
  assert.equal(shareOf({ cores: 8, threads: 4 }, 4), 0.5);
  assert.equal(shareOf({ cores: 2, threads: 4 }, 1), 0.5);
});

test("what was measured on an idle machine takes longer on a full one", () => {
  const of = { cores: 8, threads: 4 };
  assert.equal(crowding(of, 1, 4), 2);
  assert.equal(crowding(of, 2, 4), 2);
  assert.equal(crowding(of, 4, 4), 1);
  assert.equal(crowding(of, 9, 4), 1, "jobs of before a restart with fewer places");
});
