import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { findIn, messages } from "./fixture.ts";
import { trees } from "./trees.ts";

const UNIT = "test/contracts/unit/Market/agree";
const asserting = (...errors: string[]): string =>
  errors.map((name) => `vm.expectRevert(IMarketBase.${name}.selector);`).join("\n");

describe("trees", () => {
  test("default: a tree says what its test asserts, error by error", async () => {
    const findings = await findIn(trees, {
      [`${UNIT}.t.sol`]: asserting("MarketTooLate", "MarketBadSignature"),
      [`${UNIT}.tree`]: "it should revert with MarketTooLate or MarketBadSignature",
      "test/contracts/unit/Float32/sums.t.sol": "contract Sums {}",
    });
    assert.deepEqual(findings, []);
  });

  test("behavior: refuses a test without a tree and a tree without a test", async () => {
    const findings = await findIn(trees, {
      [`${UNIT}.t.sol`]: "",
      "test/contracts/findings/audit.tree": "",
    });
    assert.match(messages(findings), /has no test\/contracts\/unit\/Market\/agree\.tree beside it/);
    assert.match(messages(findings), /has no test beside it/);
  });

  test("behavior: refuses an error that only one of the two names", async () => {
    const findings = await findIn(trees, {
      [`${UNIT}.t.sol`]: asserting("MarketTooLate"),
      [`${UNIT}.tree`]: "it should revert with MarketTooEarly",
    });
    assert.match(messages(findings), /asserts MarketTooLate; its tree does not say so/);
    assert.match(messages(findings), /says MarketTooEarly; its test does not assert it/);
  });

  test("behavior: what is no error of a contract need not be named", async () => {
    const findings = await findIn(trees, {
      [`${UNIT}.t.sol`]: "emit IMarketBase.Agreed.selector; HookedToken.Refused.selector",
      [`${UNIT}.tree`]: "it should agree",
    });
    assert.deepEqual(findings, []);
  });
});
