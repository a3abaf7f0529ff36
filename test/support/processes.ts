/** Processes that a test starts: they end with the test, and with the test file when that is stopped. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGTERM");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Resolves with the first line, of those printed so far and to come, that matches. */
  line(pattern: RegExp): Promise<string>;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface StartOptions {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts a Node program with nothing on its standard input. */
export const startNode = (
  script: string,
  args: readonly string[],
  { directory, environment }: StartOptions,
): Running => {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: directory,
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  alive.add(child);
  const lines: string[] = [];
  const text = { stdout: "", stderr: "" };
  const waiting = new Set<{ pattern: RegExp; found: (line: string) => void }>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => (text[name] += chunk));
    createInterface({ input: child[name] }).on("line", (line) => {
      lines.push(line);
      for (const wait of waiting) if (wait.pattern.test(line)) wait.found(line);
    });
  }
  const ended = once(child, "close").then(([code, signal]) => {
    alive.delete(child);
    return { code, signal, ...text };
  });
  return {
    pid: child.pid ?? 0,
    ended,
    line: (pattern) => {
      const known = lines.find((line) => pattern.test(line));
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        const wait = { pattern, found: resolve };
        waiting.add(wait);
        void ended.then(({ code, signal }) =>
          reject(
            new Error(
              `ended (${code ?? signal}) without a line like ${pattern}:\n${text.stdout}\n${text.stderr}`,
            ),
          ),
        );
      });
    },
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return ended;
    },
  };
};

/** Processes that this one has started and that still run. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

/** Makes processes stand still; the function returned lets them go on. */
export const freeze = (pids: readonly number[]): (() => void) => {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  };
};

const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 180_000;

/** Resolves once `holds` does. */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<void> => {
  const end = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await setTimeout(LOOK_EVERY_MS);
  }
};
