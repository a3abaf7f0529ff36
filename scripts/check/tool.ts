import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Finding } from "./rule.ts";

/** The checkout whose installed tools are used, also when another tree is looked at. */
export const PROJECT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

type Run = { exitCode: number; output: string };

/** Runs a program in `root` and gathers everything it prints. */
export const runProgram = (root: string, program: string, args: readonly string[]): Promise<Run> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ exitCode: code ?? 1, output: Buffer.concat(chunks).toString().trim() });
    });
  });

/** Runs an installed command-line tool; what it prints when it fails is the finding. */
export const findWithTool = async (
  root: string,
  tool: string,
  args: readonly string[],
): Promise<Finding[]> => {
  const { exitCode, output } = await runProgram(
    root,
    join(PROJECT, "node_modules/.bin", tool),
    args,
  );
  return exitCode === 0 ? [] : [{ message: output === "" ? `${tool}: exit ${exitCode}` : output }];
};
