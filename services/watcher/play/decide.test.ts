import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LEVELS, PHASES, type PhaseName } from "@assay/protocol/domain/disputes";
import type { Game } from "@assay/sdk/disputes/game";
import { zeroHash } from "viem";
import { decide, type Facts } from "./decide.ts";

const job: Facts["job"] = {
  terms: { steps: 100, startStep: 0, interval: 10 },
  progress: { checkpoint: 10, windowEnd: 1_000 },
};
const submitted: Facts = {
  now: 500,
  state: "submitted",
  job,
  game: undefined,
  finding: undefined,
  audit: undefined,
  chosen: true,
  early: false,
  ranAll: false,
};
const wrong = { kind: "different", target: "model", confirmed: true } as const;

const gameIn = (phase: PhaseName, more: object = {}): Game =>
  ({
    position: {
      phase: PHASES.indexOf(phase),
      level: LEVELS.indexOf("state"),
      index: 0,
      node: zeroHash,
    },
    bindings: { startRoot: zeroHash },
    clocks: { movedAt: 400, providerLeft: 100, challengerLeft: 100 },
    end: undefined,
    ...more,
  }) as unknown as Game;

const does = (facts: Partial<Facts>): string => {
  const step = decide({ ...submitted, ...facts });
  return step.do === "close" ? step.outcome : step.do;
};

describe("what a watcher does about a job", () => {
  test("runs what is submitted, to its checkpoint, until the last second of the window", () => {
    assert.deepEqual(decide(submitted), { do: "run", checkpoint: 10 });
    assert.equal(does({ now: 1_000 }), "run");
    assert.equal(does({ now: 1_001 }), "too late");
  });

  test("challenges only what differs and was confirmed", () => {
    assert.equal(does({ finding: { kind: "same" } }), "same");
    assert.equal(does({ finding: { kind: "unknown" } }), "unknown");
    assert.equal(does({ finding: { ...wrong, confirmed: false } }), "confirm");
    assert.deepEqual(decide({ ...submitted, finding: wrong }), {
      do: "challenge",
      target: "model",
    });
    assert.equal(does({ finding: wrong, now: 1_001 }), "too late");
  });

  test("runs an agreed job only when told to be early, and once", () => {
    assert.equal(does({ state: "active" }), "park");
    assert.equal(does({ state: "active", early: true }), "run");
    assert.equal(does({ state: "active", early: true, ranAll: true }), "park");
    assert.equal(does({ state: "settled" }), "gone");
    assert.equal(does({ state: "none", job: undefined }), "gone");
  });

  test("moves up to its last second, and takes the other side's timeout from the second after", () => {
    for (const phase of ["point", "element", "claim"] as const) {
      assert.equal(does({ game: gameIn(phase) }), "move");
      assert.equal(does({ game: gameIn(phase), now: 501 }), "wait");
    }
    for (const phase of ["open", "cross", "reveal", "judge", "prove"] as const) {
      assert.equal(does({ game: gameIn(phase) }), "wait");
      assert.equal(does({ game: gameIn(phase), now: 501 }), "timeout");
    }
  });

  test("has a root compared only where it wins by that", () => {
    const node = `0x${"11".repeat(32)}`;
    assert.equal(does({ game: gameIn("compare") }), "wait");
    const { position } = gameIn("compare");
    assert.equal(does({ game: gameIn("compare", { position: { ...position, node } }) }), "compare");
  });

  test("goes on with a game after the window, and never begins a second one", () => {
    assert.equal(
      does({
        game: gameIn("point", { clocks: { movedAt: 1_900, providerLeft: 1, challengerLeft: 200 } }),
        now: 2_000,
      }),
      "move",
    );
    assert.equal(
      does({ game: gameIn("point", { end: "challenger lost" }), finding: wrong }),
      "lost",
    );
    assert.equal(
      does({ game: gameIn("point", { end: "provider lost" }), state: "slashed" }),
      "won",
    );
  });

  test("takes its bond back where another game ended the job", () => {
    for (const state of ["slashed", "void"] as const)
      assert.equal(does({ game: gameIn("open"), state }), "withdraw");
    assert.equal(
      does({ game: gameIn("open", { end: "bond returned" }), state: "void" }),
      "returned",
    );
  });
});
