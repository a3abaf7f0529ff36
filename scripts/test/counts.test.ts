import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { addCounts, closingLine, parseHardhatSummary } from "./counts.ts";

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
