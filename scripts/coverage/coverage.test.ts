import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { instrument } from "./instrument.ts";
import {
  compareWithExplanations,
  coverageOf,
  formatCoverage,
  gapsOf,
  readExplanations,
} from "./report.ts";
import { parseSolidity } from "./syntax.ts";

const FILE = "contracts/Sample.sol";
const SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

contract Sample {
    function f(uint256 a, bool b) external pure returns (uint256) {
        // ü is two bytes.
        if (a == 1 || (b && a > 2)) return 1;
        else if (b) revert();
        for (uint256 i = 0; i < a; ++i) {
            a = b ? a : 2;
        }
        require(a != 7, "seven");
        if (a == 9) return 9;
        return a;
    }
}
`;

const counted = () => {
  const ast = parseSolidity({ [FILE]: SOURCE }).get(FILE);
  assert.ok(ast !== undefined);
  return instrument(FILE, SOURCE, ast, 'import {CoverageHits} from "./CoverageHits.sol";', 100);
};

describe("coverage of contracts", () => {
  test("counts every statement, and both outcomes of every operand of a condition", () => {
    const { text, counters } = counted();
    // Still Solidity, on the same lines.
    parseSolidity({ [FILE]: text });
    assert.equal(text.split("\n").length, SOURCE.split("\n").length + 1);
    assert.deepEqual(
      counters
        .filter(({ outcome }) => outcome === "true")
        .map(({ line, text: what }) => [line, what]),
      [
        [7, "a == 1"],
        [7, "b"],
        [7, "a > 2"],
        [8, "b"],
        [9, "i < a"],
        [10, "b"],
        [12, "a != 7"],
        [13, "a == 9"],
      ],
    );
    assert.equal(counters.filter(({ outcome }) => outcome === "false").length, 8);
    assert.deepEqual(
      [...new Set(counters.filter(({ kind }) => kind === "statement").map(({ line }) => line))],
      [7, 8, 9, 10, 12, 13, 14],
    );
    assert.deepEqual(
      counters.map(({ id }) => id),
      counters.map((_, index) => 100 + index),
    );
  });

  test("keeps a body without braces, and a dangling else, with its own condition", () => {
    const { text } = counted();
    assert.match(text, /\{ CoverageHits\.hit\(\d+\); return 1; \}\n/);
    assert.match(text, /else \{ CoverageHits\.hit\(\d+\); if \(CoverageHits\.either\(b, \d+\)\)/);
  });

  test("names what nothing reached, by its text, and a line only where no branch on it does", () => {
    const { counters } = counted();
    const hits = new Map(counters.map(({ id }) => [id, 1]));
    for (const { id, line, outcome } of counters) {
      if ((line === 13 && outcome !== "false") || line === 14) hits.delete(id);
    }
    // The `if` itself ran, what it returns did not.
    const first = counters.find(({ line, kind }) => line === 13 && kind === "statement");
    hits.set(first?.id ?? 0, 1);
    const gaps = gapsOf(counters, hits, { [FILE]: SOURCE });
    assert.deepEqual(
      gaps.map(({ line, text, never }) => [line, text, never]),
      [
        [13, "a == 9", "true"],
        [14, "return a;", "run"],
      ],
    );
    const [file] = coverageOf(counters, hits);
    assert.deepEqual(file, { file: FILE, lines: 7, linesRun: 5, branches: 16, branchesRun: 15 });
    assert.match(formatCoverage([file]), /5\/7 lines +71\.4 % +15\/16 branches +93\.8 %/);

    const markdown = [
      `| \`${FILE}\` | \`a == 9\` | true | Nobody asks for nine. |`,
      `| \`${FILE}\` | \`i < a\` | false | By chance: random cases may reach it. |`,
      `| \`${FILE}\`  |  \`a \\| b\`  | false | It is gone. |`,
    ].join("\n");
    const { unexplained, stale } = compareWithExplanations(gaps, readExplanations(markdown));
    assert.deepEqual(
      unexplained.map(({ text }) => text),
      ["return a;"],
    );
    assert.deepEqual(
      stale.map(({ text, why }) => [text, why]),
      [["a | b", "It is gone."]],
    );
  });
});
