import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { inspect } from "node:util";

import { type Counts, NO_TESTS } from "./counts.ts";

const CONCURRENCY = Math.min(2, availableParallelism());
const STDERR_LINES = 40;
const SEEDED = new URL("./seeded.ts", import.meta.url).href;

type NodeRun = {
  root: string;
  verbose: boolean;
  signal: AbortSignal;
  /** A file that has not ended by then hangs, and counts as failed. */
  timeoutMs: number;
};

/** Runs files under node:test, each in its own process, with a line per file and details of failures. */
export const runNodeTests = async (
  files: readonly string[],
  { root, verbose, signal, timeoutMs }: NodeRun,
): Promise<Counts> => {
  const stream = run({
    cwd: root,
    files: [...files],
    concurrency: CONCURRENCY,
    execArgv: ["--import", SEEDED],
    timeout: timeoutMs,
    signal,
  });
  const failures: string[] = [];
  const stderr = new Map<string, string>();
  let counts = NO_TESTS;

  stream.on("test:stderr", ({ file, message }) => {
    if (file !== undefined) stderr.set(file, (stderr.get(file) ?? "") + message);
  });
  stream.on("test:fail", ({ name, file, line, details }) => {
    const cause: unknown = details.error.cause ?? details.error;
    // A parent fails because of its children, which are reported themselves.
    if ("failureType" in details.error && details.error.failureType === "subtestsFailed") return;
    const place = file === undefined ? "" : `${relative(root, file)}${line ? `:${line}` : ""}`;
    const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause);
    failures.push(`✗ ${name}\n  ${place}\n${text.replace(/^/gm, "    ")}`);
  });
  stream.on("test:summary", (summary) => {
    const { passed, skipped, todo, tests } = summary.counts;
    if (summary.file === undefined) {
      // Whatever neither passed nor was left out has failed or was cancelled.
      counts = { passed, failed: tests - passed - skipped - todo, skipped: skipped + todo };
      return;
    }
    const mark = summary.success ? "✓" : "✗";
    const seconds = (summary.duration_ms / 1000).toFixed(1);
    console.log(`  ${mark} ${relative(root, summary.file)}: ${tests} tests  ${seconds} s`);
    const said = stderr.get(summary.file)?.trimEnd();
    if (!summary.success && said) {
      failures.push(`stderr of ${relative(root, summary.file)}, its end\n${lastLines(said)}`);
    }
  });

  if (verbose) stream.compose(spec).pipe(process.stdout, { end: false });
  else stream.resume();
  await new Promise<void>((resolve, reject) => {
    stream.once("end", resolve);
    stream.once("error", reject);
  });
  for (const failure of failures) console.log(`\n${failure}`);
  return counts;
};

const lastLines = (text: string): string =>
  text.split("\n").slice(-STDERR_LINES).join("\n").replace(/^/gm, "    ");
