/** The command line as people use it: a process for each command, in a home folder of its own. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode, type Ended, type Running } from "./processes.ts";

const MAIN = join(import.meta.dirname, "../../services/cli/main.ts");

export interface Finished<T = unknown> extends Ended {
  /** The one object that `--json` printed. */
  readonly result: T;
}

export interface ErrorResult {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy?: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

export interface CommandLine {
  /** `ASSAY_HOME` and working folder. */
  readonly home: string;
  /** Starts a command without `--json`. */
  start(...args: string[]): Running;
  /** Runs a command as a person would. */
  run(...args: string[]): Promise<Ended>;
  /** Runs with `--json` and expects exit code 0. */
  json<T>(...args: string[]): Promise<T>;
  /** Runs with `--json` whatever the exit code. */
  tryJson<T = ErrorResult>(...args: string[]): Promise<Finished<T>>;
}

const describe = (args: readonly string[], { code, signal, stdout, stderr }: Ended): string =>
  `assay ${args.join(" ")} ended with ${code ?? signal}\n${stdout}${stderr}`;

/** Exit codes of the command line. */
export const EXIT = { failure: 1, usage: 2, checkFailed: 3, interrupted: 130 };

/** Asserts a coded error with a remedy and its exit code; gives the error. */
export const refusedWith = (
  { code, result }: Finished<ErrorResult>,
  expected: string,
  exit: number,
): ErrorResult["error"] => {
  assert.equal(result.error.code, expected, result.error.message);
  assert.equal(code, exit);
  assert.ok(result.error.remedy, `${expected} says what to do`);
  return result.error;
};

/** A command line whose home is this folder. */
export const commandLine = (home: string): CommandLine => {
  const start = (...args: string[]): Running =>
    startNode(MAIN, args, {
      directory: home,
      environment: { HOME: home, ASSAY_HOME: home, NO_COLOR: "1" },
    });
  const tryJson = async <T>(...args: string[]): Promise<Finished<T>> => {
    const ended = await start(...args, "--json").ended;
    try {
      return { ...ended, result: JSON.parse(ended.stdout) as T };
    } catch {
      return assert.fail(`not one JSON object: ${describe(args, ended)}`);
    }
  };
  return {
    home,
    start,
    run: (...args) => start(...args).ended,
    tryJson,
    json: async <T>(...args: string[]) => {
      const finished = await tryJson<T>(...args);
      assert.equal(finished.code, 0, describe(args, finished));
      return finished.result;
    },
  };
};

/** An empty folder of this test file, and how to remove it. */
export const temporaryFolder = (name: string): { folder: string; remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), `assay-${name}-`));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
};
