import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { zeroHash, type Address, type Hex } from "viem";
import { DRAW_PATIENCE_SECONDS, decideAudit, type AuditFacts } from "./decide.ts";

const AUDITOR: Address = `0x${"0a".repeat(20)}`;
const OTHER: Address = `0x${"0b".repeat(20)}`;
const KEY: Address = `0x${"0c".repeat(20)}`;
const ROOT: Hex = `0x${"01".repeat(32)}`;
const WRONG: Hex = `0x${"02".repeat(32)}`;
const OURS: Hex = `0x${"03".repeat(32)}`;

const view: AuditFacts["view"] = {
  until: 900,
  drawn: true,
  commitment: zeroHash,
  shown: false,
  dissented: false,
  reward: undefined,
};
const committed: AuditFacts = {
  now: 500,
  state: "committed",
  committedAt: 400,
  windowEnd: 0,
  standing: zeroHash,
  auditor: AUDITOR,
  challenger: KEY,
  view,
  own: undefined,
  ownCommitment: undefined,
  failed: false,
};
const ran = { own: ROOT, ownCommitment: OURS };
const made = { ...view, commitment: OURS };
const reward = { winner: OTHER, until: 900, auditors: 0, amount: 7n };

const does = (facts: Partial<AuditFacts>): string => {
  const turn = decideAudit({ ...committed, ...facts });
  return turn.do === "audit" ? turn.step.audit : turn.do;
};

describe("what an auditor does about a job", () => {
  test("leaves the draw to the provider for a while", () => {
    const open = { view: { ...view, until: 0 } };
    const from = committed.committedAt + DRAW_PATIENCE_SECONDS;
    assert.deepEqual(decideAudit({ ...committed, ...open, now: from - 1 }), {
      do: "wait",
      until: from,
    });
    assert.equal(does({ ...open, now: from }), "draw");
  });

  test("runs and commits when it is drawn, until the last second, once", () => {
    assert.equal(does({}), "run all");
    assert.equal(does(ran), "commit");
    assert.equal(does({ ...ran, now: 900 }), "commit");
    assert.equal(does({ ...ran, now: 901 }), "nothing");
    assert.equal(does({ ...ran, view: made }), "nothing");
    assert.equal(does({ failed: true }), "nothing");
    assert.equal(does({ ...ran, view: { ...view, drawn: false } }), "not drawn");
  });

  test("shows that it agrees, waits for the end of the window, and is paid", () => {
    const standing = { state: "submitted", standing: ROOT, windowEnd: 700, view: made } as const;
    assert.equal(does({ ...standing, ...ran }), "show");
    assert.equal(does(standing), "run all");
    assert.equal(does({ ...standing, failed: true }), "nothing");
    const shown = { ...made, shown: true };
    assert.deepEqual(decideAudit({ ...committed, ...standing, ...ran, view: shown }), {
      do: "wait",
      until: 701,
    });
    assert.equal(does({ state: "settled", view: shown }), "claim");
    assert.equal(does({ state: "settled", view }), "nothing");
  });

  test("shows nothing where the result is another, or was committed to with a salt that is lost", () => {
    const standing = { state: "submitted", windowEnd: 700, ...ran } as const;
    assert.equal(does({ ...standing, standing: WRONG, view: made }), "nothing");
    const lost = { ...made, commitment: WRONG };
    assert.equal(does({ ...standing, standing: ROOT, view: lost }), "nothing");
  });

  test("dissents from what was slashed in time, and takes its part once that is over", () => {
    const slashed = { state: "slashed", standing: WRONG, ...ran } as const;
    assert.equal(does({ ...slashed, view: made }), "nothing");
    assert.equal(does({ ...slashed, now: 900, view: { ...made, reward } }), "dissent");
    assert.equal(does({ ...slashed, now: 901, view: { ...made, reward } }), "nothing");
    assert.equal(does({ ...slashed, own: undefined, view: { ...made, reward } }), "run all");
    const dissented = { ...view, dissented: true, reward: { ...reward, auditors: 1 } };
    assert.equal(does({ ...slashed, now: 900, view: dissented }), "wait");
    assert.equal(does({ ...slashed, now: 901, view: dissented }), "claim reward");
    assert.equal(does({ ...slashed, standing: ROOT, view: { ...made, reward } }), "nothing");
  });

  test("takes the whole reward of a game it won where nobody dissents", () => {
    const own = { ...reward, winner: KEY };
    const won = { state: "slashed", standing: WRONG } as const;
    assert.equal(does({ ...won, now: 900, view: { ...view, reward: own } }), "wait");
    assert.deepEqual(
      decideAudit({ ...committed, ...won, now: 901, view: { ...view, reward: own } }),
      { do: "audit", step: { audit: "claim reward", account: KEY } },
    );
    assert.equal(does({ ...won, now: 901, view: { ...view, reward } }), "nothing");
    const shared = { ...own, auditors: 2 };
    assert.equal(does({ ...won, now: 901, view: { ...view, reward: shared } }), "nothing");
  });
});
