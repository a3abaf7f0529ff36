/** A deployment as a process of its own, to be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { JsonRpcProvider } from "ethers";

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

/**
 * Kills a deployment once so many of its key's transactions are in blocks. They are mined here one by one, so that it is never far ahead;
 * what it sent last is mined after its end.
 */
export const killAt = async (
  rpc: JsonRpcProvider,
  count: number,
  { child, sender }: { readonly child: () => ChildProcess; readonly sender: string },
): Promise<ChildProcess> => {
  await rpc.send("evm_setAutomine", [false]);
  const begun = child();
  try {
    await until(begun, async () => {
      const mined = await rpc.getTransactionCount(sender);
      if (mined >= count) return true;
      if ((await rpc.getTransactionCount(sender, "pending")) > mined)
        await rpc.send("evm_mine", []);
      return false;
    });
    await kill(begun);
    await rpc.send("evm_mine", []);
  } finally {
    await rpc.send("evm_setAutomine", [true]);
  }
  return begun;
};

export const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
};
