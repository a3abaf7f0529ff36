import assert from "node:assert/strict";
import { test } from "node:test";
import type { Submission } from "@assay/protocol/domain/messages";
import { zeroHash } from "viem";
import { decide, LAPSE_MARGIN_SECONDS, type Facts, type JobFacts } from "./decide.ts";

const DEADLINE = 1_000;
const GRACE = 50;

const job = (
  progress: Partial<JobFacts["progress"]> = {},
  terms: Partial<JobFacts["terms"]> = {},
): JobFacts => ({
  terms: {
    steps: 10,
    startStep: 0,
    interval: 5,
    deadline: DEADLINE,
    replicas: 1,
    auditLine: 0n,
    ...terms,
  },
  progress: { stoppedAt: 0, windowEnd: 0, checkpoint: 0, ...progress },
});

const result = (checkpoint: number): Submission => ({
  jobId: zeroHash,
  checkpoint,
  prefixRoot: zeroHash,
  stateRoot: zeroHash,
  modelRoot: zeroHash,
  evalRoot: zeroHash,
  modelCid: zeroHash,
});

const active: Facts = {
  state: "active",
  job: job(),
  now: 500,
  acceptanceExpiry: 100,
  submission: undefined,
  failed: false,
  nothingToPresent: false,
  revealOver: false,
  receiptGrace: GRACE,
  disputed: false,
};
const stepOf = (facts: Partial<Facts>): string => decide({ ...active, ...facts }).do;

test("an acceptance waits until nothing can agree it any more, then lapses", () => {
  const none = { state: "none", job: undefined } as const;
  assert.equal(stepOf({ ...none, now: 100 }), "wait");
  assert.equal(stepOf({ ...none, now: 100 + LAPSE_MARGIN_SECONDS }), "wait");
  assert.equal(stepOf({ ...none, now: 101 + LAPSE_MARGIN_SECONDS }), "lapse");
});

test("an agreed job is trained, then submitted, up to the last second", () => {
  assert.equal(stepOf({}), "train");
  assert.equal(stepOf({ submission: result(2) }), "submit");
  assert.equal(stepOf({ submission: result(2), now: DEADLINE }), "submit");
});

test("a late result is presented as a receipt while the grace lasts, then the job expires", () => {
  const late = { submission: result(2) };
  assert.equal(stepOf({ ...late, now: DEADLINE + 1 }), "present");
  assert.equal(stepOf({ ...late, now: DEADLINE + GRACE }), "present");
  assert.equal(stepOf({ ...late, now: DEADLINE + GRACE + 1 }), "expire");
});

test("a late job shows its latest checkpoint, and waits when it has none", () => {
  assert.equal(stepOf({ now: DEADLINE + 1 }), "present");
  assert.deepEqual(decide({ ...active, now: DEADLINE + 1, nothingToPresent: true }), {
    do: "wait",
    until: DEADLINE + GRACE + 1,
  });
  assert.equal(stepOf({ now: DEADLINE + GRACE + 1, nothingToPresent: true }), "expire");
});

test("a stopped job is not trained on: in full it is submitted, else its latest checkpoint is presented", () => {
  const stopped = { job: job({ stoppedAt: 600 }), now: 610 };
  assert.equal(stepOf(stopped), "present");
  assert.equal(stepOf({ ...stopped, submission: result(2) }), "submit");
  assert.equal(stepOf({ ...stopped, submission: result(1) }), "present");
  assert.equal(stepOf({ ...stopped, now: 600 + GRACE + 1 }), "expire");
});

test("a job whose training failed for good waits for its deadline", () => {
  assert.deepEqual(decide({ ...active, failed: true }), { do: "wait", until: DEADLINE + 1 });
});

test("a submitted job is settled one second after its window", () => {
  const submitted = { state: "submitted", job: job({ windowEnd: 700, checkpoint: 2 }) } as const;
  assert.deepEqual(decide({ ...active, ...submitted, now: 700 }), { do: "wait", until: 701 });
  assert.equal(stepOf({ ...submitted, now: 701 }), "settle");
});

test("a receipt that somebody else presented is outdone while the grace lasts, where there is a later one", () => {
  const stopped = { stoppedAt: 600, windowEnd: 700, checkpoint: 1 };
  const standing = { state: "submitted", job: job(stopped) } as const;
  assert.equal(stepOf({ ...standing, now: 601 }), "present");
  assert.equal(stepOf({ ...standing, now: 600 + GRACE }), "present");
  assert.equal(stepOf({ ...standing, now: 600 + GRACE + 1 }), "wait");
  assert.equal(stepOf({ ...standing, now: 601, nothingToPresent: true }), "wait");
  const whole = { state: "submitted", job: job({ ...stopped, checkpoint: 2 }) } as const;
  assert.equal(stepOf({ ...whole, now: 601 }), "wait");
});

for (const terms of [{ replicas: 2 }, { auditLine: 1n }])
  test(`a job with ${Object.keys(terms)[0]} is committed to, then revealed, and never shown in part`, () => {
    const committing = { job: job({}, terms) };
    assert.equal(stepOf(committing), "train");
    assert.equal(stepOf({ ...committing, submission: result(2) }), "commit");
    assert.equal(stepOf({ ...committing, submission: result(2), now: DEADLINE }), "commit");
    assert.equal(stepOf({ ...committing, submission: result(2), now: DEADLINE + 1 }), "wait");
    assert.equal(stepOf({ ...committing, now: DEADLINE + GRACE + 1 }), "expire");
    const stopped = { job: job({ stoppedAt: 600 }, terms), now: 610 };
    assert.equal(stepOf(stopped), "train");
    assert.equal(stepOf({ ...stopped, submission: result(2), now: 600 + GRACE }), "commit");
    assert.equal(stepOf({ ...stopped, now: 600 + GRACE + 1 }), "expire");
    const committed = { ...committing, state: "committed", submission: result(2) } as const;
    assert.equal(stepOf(committed), "reveal");
    assert.equal(stepOf({ ...committed, revealOver: true }), "expire");
    assert.equal(stepOf({ ...committed, submission: undefined }), "wait");
  });

test("a final state closes the job, whatever is remembered", () => {
  for (const state of ["settled", "expired", "slashed", "void"] as const)
    assert.deepEqual(decide({ ...active, state, submission: result(2) }), {
      do: "close",
      outcome: state,
    });
});
