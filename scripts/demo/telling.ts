/** How a demo tells its story: chapters with the time, and commands as a user types them. */
import { spawn } from "node:child_process";
import { join, relative } from "node:path";
import pc from "picocolors";
import { AssayError } from "@assay/protocol/errors";
import { formatSeconds } from "../../services/cli/terminal/format.ts";
import { createOutput, EXIT } from "../../services/cli/terminal/output.ts";

export const ROOT = join(import.meta.dirname, "..", "..");

const begun = performance.now();
export const output = createOutput(false);

export const chapter = (title: string): void => {
  const seconds = (performance.now() - begun) / 1000;
  output.step(`${pc.cyan("▍")}${title} ${pc.dim(`[${formatSeconds(seconds)}]`)}`);
};

/** A path as seen from the repository. */
export const shown = (path: string): string =>
  path.startsWith(ROOT) ? relative(ROOT, path) : path;

/** Runs one command of the command line as a process of its own, as a user would. Returns its exit code. */
export const assay = (home: string, ...paths: string[]): Promise<number> => {
  const words = paths.map(shown);
  process.stdout.write(`\n${pc.dim("$")} ${pc.bold(`assay ${words.join(" ")}`)}\n`);
  const child = spawn(process.execPath, [join(ROOT, "services/cli/main.ts"), ...words], {
    cwd: ROOT,
    env: { ...process.env, ASSAY_HOME: home },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? EXIT.failure));
  });
};

/** What the demo promises. @throws DEMO_FAILED */
export const expect = (what: string, actual: unknown, wanted: unknown = 0): void => {
  if (actual === wanted) return;
  throw new AssayError(
    "DEMO_FAILED",
    `${what} ended with ${String(actual)} instead of ${String(wanted)}`,
    { remedy: `read the lines above and the logs in ${join(".assay", "…", "market", "logs")}` },
  );
};
