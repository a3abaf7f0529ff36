import type { Command } from "commander";
import { AssayError } from "@assay/protocol/errors";
import { assayHome, isAlive, readLocalNetwork } from "../home/network.ts";
import { createOutput } from "../terminal/output.ts";
import type { GlobalOptions } from "../home/session.ts";

const POLL_MS = 100;
const PATIENCE_MS = 30_000;

const ended = async (pid: number): Promise<boolean> => {
  const until = Date.now() + PATIENCE_MS;
  while (isAlive(pid)) {
    if (Date.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
};

export const registerDown = (program: Command): void => {
  program
    .command("down")
    .description("stop the market that `assay up` runs")
    .addHelpText("after", "\nExample:\n  assay down")
    .action(async (_options: unknown, command: Command) => {
      const { json } = command.optsWithGlobals<GlobalOptions>();
      const output = createOutput(json ?? false);
      const network = readLocalNetwork(assayHome());
      if (network === undefined) {
        output.line("no market runs on this machine");
        output.result({ stopped: false });
        return;
      }
      process.kill(network.pid, "SIGTERM");
      if (!(await ended(network.pid))) {
        throw new AssayError("DOWN_TIMED_OUT", `process ${network.pid} does not end`, {
          remedy: `kill -9 ${network.pid}`,
        });
      }
      output.good("stopped");
      output.result({ stopped: true });
    });
};
