import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { readStatus } from "@assay/provider/status/status";
import { AssayError } from "@assay/protocol/errors";
import { isAlive } from "../home/network.ts";
import { shortHex } from "../terminal/format.ts";
import { untilInterrupted } from "../terminal/interrupt.ts";
import { asProvider, sessionOf } from "./common.ts";
import { providerFolder } from "./provider-status.ts";

const LOOK_MS = 500;

export const registerProviderDrain = (provider: Command): void => {
  provider
    .command("drain [name]")
    .description("take no more jobs, hand over those that run, then leave")
    .option("--state <folder>", "state folder of the agent")
    .option("--no-wait", "return at once")
    .addHelpText(
      "after",
      "\nEach job goes on until its requester lets another provider continue from a checkpoint, or it is finished; you are\npaid for every checkpoint. NAME is one of the providers of `assay up`, or a staker's address; default: this key's.\n\nExample:\n  assay provider drain harbor",
    )
    .action(
      async (
        name: string | undefined,
        options: { state?: string; wait: boolean },
        command: Command,
      ) => {
        const session = await sessionOf(command, asProvider);
        const { output } = session;
        const file = join(providerFolder(session, name, options.state), "status.json");
        const before = await readStatus(file);
        if (before.state === "stopped" || !isAlive(before.pid)) {
          throw new AssayError("PROVIDER_NOT_RUNNING", "the agent does not run", {
            remedy:
              before.jobs.length === 0
                ? "nothing is left to drain"
                : "it still has jobs: `assay provider start` goes on with them, then drain it",
            details: { pid: before.pid, jobs: before.jobs.length },
          });
        }
        process.kill(before.pid, "SIGUSR1");
        output.good(`draining: process ${before.pid} takes no more jobs`);
        for (const job of before.jobs)
          output.line(`job ${shortHex(job.jobId)}  ${job.phase}  step ${job.step}/${job.steps}`);
        const result = { provider: before.provider, jobs: before.jobs.map(({ jobId }) => jobId) };
        if (!options.wait) {
          output.next("assay provider status");
          output.result({ ...result, drained: false });
          return;
        }
        const left = await untilInterrupted(
          async (signal) => {
            while (isAlive(before.pid)) {
              const { jobs } = await readStatus(file);
              output.live(jobs.map(({ jobId, phase }) => `${shortHex(jobId)} ${phase}`).join("  "));
              await sleep(LOOK_MS, undefined, { signal });
            }
            return true;
          },
          () => {
            output.line("left; the agent goes on draining");
            output.next("assay provider status");
            output.result({ ...result, drained: false });
          },
        );
        if (left === undefined) return;
        output.good("drained: the agent has left");
        output.next("assay provider earnings --why");
        output.result({ ...result, drained: true });
      },
    );
};
