/** Child processes of `assay up`: each logs to a file of its own and tells on its first lines that it is ready. */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { AssayError } from "@assay/protocol/errors";
import { childEnvironment } from "../config.ts";

export interface ProcessOptions<T> {
  readonly name: string;
  /** File that Node runs, and its arguments. */
  readonly script: string;
  readonly arguments?: readonly string[];
  /** Arguments of Node itself. */
  readonly nodeArguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly logFile: string;
  /** Reads one line of output; what it returns, unless undefined, ends the start. */
  readonly ready: (line: string) => T | undefined;
  /** Most milliseconds that starting may take. */
  readonly timeoutMs?: number;
}

export interface RunningProcess<T> {
  readonly name: string;
  readonly pid: number;
  readonly value: T;
  /** Settles when the process ends, by itself or not. */
  readonly exited: Promise<number | null>;
  /** Settles when the process ends: `PROCESS_FAILED` with the last lines of its log, where nobody asked it to. */
  readonly failure: Promise<AssayError>;
  /** SIGTERM, then SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** Milliseconds that a part has to start; a busy machine takes its time. */
const READY_MS = 180_000;
const TAIL_LINES = 20;

/** Starts a process and waits until it is ready. @throws `PROCESS_FAILED` with the last lines of its log. */
export const startProcess = async <T>(options: ProcessOptions<T>): Promise<RunningProcess<T>> => {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = createWriteStream(options.logFile, { flags: "a" });
  const child: ChildProcess = spawn(
    process.execPath,
    [...(options.nodeArguments ?? []), options.script, ...(options.arguments ?? [])],
    {
      cwd: options.directory,
      env: childEnvironment(options.environment),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    },
  );
  const exited = new Promise<number | null>((resolve) =>
    child.once("exit", (code) => resolve(code)),
  );
  const tail: string[] = [];
  const failedWith = (why: string): AssayError =>
    new AssayError(
      "PROCESS_FAILED",
      tail.length === 0
        ? `${options.name} ${why}`
        : `${options.name} ${why}; its last lines:\n${tail.join("\n")}`,
      { remedy: `read ${options.logFile}`, details: { log: [...tail] } },
    );
  // Closed, and not only ended: its last words are read.
  const failure = new Promise<AssayError>((resolve) =>
    child.once("close", (code, signal) =>
      resolve(failedWith(`ended by itself (${signal ?? code})`)),
    ),
  );
  const value = await new Promise<T>((resolve, reject) => {
    const fail = (why: string): void => reject(failedWith(why));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail("was not ready in time");
    }, options.timeoutMs ?? READY_MS);
    const onLine = (line: string): void => {
      log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      const answer = options.ready(line);
      if (answer === undefined) return;
      clearTimeout(timer);
      resolve(answer);
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", onLine);
    }
    child.once("error", (error) => fail(`could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      fail(`ended (${signal ?? code})`);
    });
  });
  return {
    name: options.name,
    pid: child.pid ?? 0,
    value,
    exited,
    failure,
    stop: async (graceMs = 10_000) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      child.kill("SIGTERM");
      await exited;
      clearTimeout(timer);
    },
  };
};

/** Parses a line of JSON and returns the field, or undefined for anything else. */
export const jsonField = (line: string, field: string): unknown => {
  if (!line.startsWith("{")) return undefined;
  try {
    return (JSON.parse(line) as Record<string, unknown>)[field];
  } catch {
    return undefined;
  }
};
