import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JOB_STATES } from "@assay/protocol/domain/states";
import { decideConflict } from "./decide.ts";

const facts = { state: "active", contested: false, concerns: true } as const;

describe("a provider that signed two results", () => {
  test("default: slashed while its job is open, and only then", () => {
    const slashed = JOB_STATES.filter((state) => decideConflict({ ...facts, state }) === "slash");
    assert.deepEqual(slashed, ["active", "committed", "submitted"]);
  });

  test("behavior: not while the reward would burn, that of a game above all", () => {
    assert.equal(decideConflict({ ...facts, state: "submitted", contested: true }), "wait");
    assert.equal(decideConflict({ ...facts, state: "slashed", contested: true }), "leave");
  });

  test("behavior: jobs of parties that the watcher does not look after are left to others", () => {
    assert.equal(decideConflict({ ...facts, concerns: false }), "leave");
    assert.equal(decideConflict({ ...facts, concerns: false, contested: true }), "leave");
  });
});
