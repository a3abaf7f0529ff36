/** What a runner reported. Tests marked as to do count as skipped. */
export type Counts = { passed: number; failed: number; skipped: number };

export const NO_TESTS: Counts = { passed: 0, failed: 0, skipped: 0 };

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

/** The last line of a test run, in the words that continuous integration reads. */
export const closingLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

const lastNumberBefore = (word: string, output: string): number =>
  Number([...output.matchAll(new RegExp(`^\\s*(\\d+) ${word}\\b`, "gm"))].at(-1)?.[1] ?? 0);

/**
 * Reads the summary that Hardhat prints. A run which ended badly without naming a failed test (a
 * contract that does not compile, for example) counts as one failure, so that it cannot look green.
 */
export const parseHardhatSummary = (output: string, exitCode: number): Counts => {
  const failed = lastNumberBefore("failing", output);
  return {
    passed: lastNumberBefore("passing", output),
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: lastNumberBefore("skipped", output) + lastNumberBefore("todo", output),
  };
};

/** Reads the summary that forge prints over all suites; a run without one counts as one failure. */
export const parseForgeSummary = (output: string, exitCode: number): Counts => {
  const [, passed = 0, failed = 0, skipped = 0] = (
    /^Ran \d+ test suites? in .*: (\d+) tests? passed, (\d+) failed, (\d+) skipped/m.exec(output) ??
    []
  ).map(Number);
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
};
