// Plain JavaScript without dependencies: set-up runs before anything is installed, on Node 20.
import { spawn } from "node:child_process";

/** A failure that says what to do next. `code` is stable; `remedy` is a command or an action. */
export class SetupError extends Error {
  constructor(code, message, remedy, options) {
    super(message, options);
    this.name = "SetupError";
    this.code = code;
    this.remedy = remedy;
  }
}

/** Prints one line when a phase begins and one, with its seconds, when it ends. */
export const phase = async (name, work) => {
  const started = performance.now();
  console.log(`… ${name}`);
  await work();
  console.log(`✓ ${name}  ${((performance.now() - started) / 1000).toFixed(1)} s`);
};

const TAIL_LINES = 30;

/** Runs a command without a shell; its output is kept back, and its tail shown if it fails. */
export const execute = (command, args, { cwd, env, failure }) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    const fail = (cause) => {
      const tail = Buffer.concat(chunks)
        .toString()
        .trimEnd()
        .split("\n")
        .slice(-TAIL_LINES)
        .join("\n");
      reject(
        new SetupError(
          failure.code,
          `${[command, ...args].join(" ")} failed (${cause})\n${tail}`,
          failure.remedy,
        ),
      );
    };
    child.on("error", (error) => fail(error.message));
    child.on("close", (status, signal) =>
      status === 0 ? resolve() : fail(signal ?? `exit ${status}`),
    );
  });
