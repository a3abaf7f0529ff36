/** A deployment as a process of its own, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { PublicOptions } from "../../../deploy/public.ts";

const MODULE = join(import.meta.dirname, "../../../deploy/public.ts");

export const deployApart = (options: Omit<PublicOptions, "say">): ChildProcess =>
  spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { deployPublic } from ${JSON.stringify(MODULE)};
       await deployPublic(${JSON.stringify(options)});`,
    ],
    { stdio: "ignore" },
  );

/** Looks at the chain until it is so far, or the process has ended. */
export const until = async (child: ChildProcess, far: () => Promise<boolean>): Promise<void> => {
  while (child.exitCode === null && !(await far()));
};

export const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
};
