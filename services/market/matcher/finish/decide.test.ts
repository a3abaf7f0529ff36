import assert from "node:assert/strict";
import { test } from "node:test";
import { COURTESY_SECONDS, decideFinish, type FinishFacts } from "./decide.ts";

const DEADLINE = 1_000;
const GRACE = 40;

const facts: FinishFacts = {
  state: "active",
  terms: { deadline: DEADLINE, replicas: 1, auditLine: "0", steps: 10, startStep: 0, interval: 2 },
  progress: { stoppedAt: 0, windowEnd: 0, checkpoint: 0 },
  receipt: 3,
  online: false,
  receiptGrace: GRACE,
  revealTime: 20,
  now: 500,
};
const finish = (change: Partial<FinishFacts>): string => decideFinish({ ...facts, ...change });
const standing = (checkpoint: number, windowEnd = 2_000) => ({
  state: "submitted" as const,
  progress: { stoppedAt: 0, windowEnd, checkpoint },
});

test("a receipt is presented from the first second after the deadline to the last of the grace time", () => {
  assert.equal(finish({ now: DEADLINE }), "wait");
  assert.equal(finish({ now: DEADLINE + 1 }), "present");
  assert.equal(finish({ now: DEADLINE + GRACE }), "present");
  assert.equal(finish({ now: DEADLINE + GRACE + 1 }), "wait");
  assert.equal(finish({ now: DEADLINE + 1, receipt: 0 }), "wait");
});

test("a stopped job is due at once; an agent that listens has a quarter of the grace time to itself", () => {
  const stopped = { progress: { stoppedAt: 600, windowEnd: 0, checkpoint: 0 } };
  assert.equal(finish({ ...stopped, now: 600 }), "present");
  assert.equal(finish({ ...stopped, now: 600, online: true }), "wait");
  assert.equal(finish({ ...stopped, now: 609, online: true }), "wait");
  assert.equal(finish({ ...stopped, now: 610, online: true }), "present");
});

test("an earlier receipt that stands is outdone by a later one, within the grace time", () => {
  assert.equal(finish({ ...standing(2), now: DEADLINE + 5 }), "present");
  assert.equal(finish({ ...standing(3), now: DEADLINE + 5 }), "wait");
  assert.equal(finish({ ...standing(5), receipt: 4, now: DEADLINE + 5 }), "wait");
  assert.equal(finish({ ...standing(2), now: DEADLINE + GRACE + 1 }), "wait");
});

test("what its provider leaves is settled or expired a little later", () => {
  const over = DEADLINE + GRACE + COURTESY_SECONDS;
  assert.equal(finish({ now: over }), "wait");
  assert.equal(finish({ now: over + 1 }), "expire");
  assert.equal(finish({ ...standing(5, 1_500), now: 1_500 + COURTESY_SECONDS }), "wait");
  assert.equal(finish({ ...standing(5, 1_500), now: 1_501 + COURTESY_SECONDS }), "settle");
});

test("a job that commits is never presented in part; an unrevealed one expires", () => {
  for (const terms of [{ replicas: 2 }, { auditLine: "1" }]) {
    const committing = { terms: { ...facts.terms, ...terms } };
    assert.equal(finish({ ...committing, now: DEADLINE + 1 }), "wait");
    const committed = { ...committing, state: "committed" as const };
    const end = DEADLINE + 20 + COURTESY_SECONDS;
    assert.equal(finish({ ...committed, now: end }), "wait");
    assert.equal(finish({ ...committed, now: end + 1 }), "expire");
  }
});

test("nothing is done about what is over", () => {
  for (const state of ["none", "settled", "expired", "slashed", "void"] as const)
    assert.equal(finish({ state, now: 1_000_000 }), "wait");
});
