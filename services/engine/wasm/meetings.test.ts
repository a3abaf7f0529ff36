import assert from "node:assert/strict";
import { it } from "node:test";
import { meetings, type Work } from "./meetings.ts";

const A = { from: 0, to: 64 };
const B = { from: 64, to: 128 };
const OVER_BOTH = { from: 32, to: 96 };
const work = (divided: boolean, reads: Work["reads"], writes: Work["writes"]): Work => ({
  divided,
  reads,
  writes,
});

it("threads meet before work that reads, or writes over, what others may still be busy with", () => {
  assert.deepEqual(meetings([work(true, [], [A]), work(true, [A], [B])]), [false, true]);
  assert.deepEqual(meetings([work(true, [A], [B]), work(true, [], [A])]), [false, true]);
  assert.deepEqual(meetings([work(true, [], [A]), work(true, [], [OVER_BOTH])]), [false, true]);
  assert.deepEqual(meetings([work(true, [], [A]), work(false, [A], [B])]), [false, true]);
  assert.deepEqual(meetings([work(false, [], [A]), work(true, [A], [B])]), [false, true]);
});

it("threads do not meet where two pieces of work share nothing but what they read", () => {
  assert.deepEqual(meetings([work(true, [A], []), work(true, [A], [B])]), [false, false]);
  assert.deepEqual(meetings([work(true, [], [A]), work(true, [], [B])]), [false, false]);
});

it("what one thread does alone is in order by itself", () => {
  assert.deepEqual(meetings([work(false, [], [A]), work(false, [A], [B])]), [false, false]);
});

it("work before a meeting is done; work since then is not, however far back", () => {
  const list = [
    work(true, [], [A]),
    work(true, [A], [B]),
    work(true, [A], []),
    work(true, [], []),
    work(true, [B], []),
    work(true, [], [B]),
  ];
  assert.deepEqual(meetings(list), [false, true, false, false, true, true]);
});
