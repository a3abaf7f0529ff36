import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { addCounts, closingLine, parseForgeSummary, parseHardhatSummary } from "./counts.ts";

describe("closingLine", () => {
  test("default: passed and failed", () => {
    assert.equal(closingLine({ passed: 12, failed: 0, skipped: 0 }), "12 passed, 0 failed");
  });

  test("behavior: names skipped tests only when there are some", () => {
    const both = addCounts(
      { passed: 1, failed: 2, skipped: 0 },
      { passed: 3, failed: 0, skipped: 4 },
    );
    assert.equal(closingLine(both), "4 passed, 2 failed, 4 skipped");
  });
});

describe("parseHardhatSummary", () => {
  test("default: reads the last summary", () => {
    const output =
      "  ✔ 7 passing cars\n\n  41 passing (481ms)\n  2 failing\n  1 skipped\n\n  1) B:\n";
    assert.deepEqual(parseHardhatSummary(output, 1), { passed: 41, failed: 2, skipped: 1 });
  });

  test("behavior: a run that ends badly without a failed test counts as one failure", () => {
    assert.deepEqual(parseHardhatSummary("Error HHE902", 1), { passed: 0, failed: 1, skipped: 0 });
  });
});

describe("parseForgeSummary", () => {
  test("default: reads the summary over all suites", () => {
    const output =
      "Suite result: ok. 5 passed; 0 failed; 0 skipped; finished in 1.68s (2.83s CPU time)\n\n" +
      "Ran 22 test suites in 15.47s (15.95s CPU time): 280 tests passed, 1 failed, 2 skipped (283 total tests)\n";
    assert.deepEqual(parseForgeSummary(output, 1), { passed: 280, failed: 1, skipped: 2 });
  });

  test("behavior: reads one suite, too", () => {
    const output =
      "Ran 1 test suite in 3ms (1ms CPU time): 1 tests passed, 0 failed, 0 skipped (1 total tests)";
    assert.deepEqual(parseForgeSummary(output, 0), { passed: 1, failed: 0, skipped: 0 });
  });

  test("behavior: a run that ends badly without a failed test counts as one failure", () => {
    assert.deepEqual(parseForgeSummary("Error: Compiler run failed", 1), {
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  });
});
