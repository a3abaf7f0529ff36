import type { Command } from "commander";
import { loadavg } from "node:os";
import { estimateJob } from "@assay/engine/estimate/estimate";
import { wasmBackend } from "@assay/engine/wasm/backend";
import type { GlobalOptions } from "../home/session.ts";
import { jobColumns, prepareJob } from "../jobfile/prepare.ts";
import { engineLines } from "../jobs/follow.ts";
import { formatCount, formatSeconds } from "../terminal/format.ts";
import { createOutput } from "../terminal/output.ts";

/** Amounts are parsed but not used here: any token will do. */
const ANY_TOKEN = { symbol: "tokens", decimals: 18 };

export const registerEstimate = (program: Command): void => {
  program
    .command("estimate <file>")
    .description(
      "what a job takes: operations, bytes a checkpoint, memory, and time on this machine",
    )
    .addHelpText("after", "\nNeeds no market.\n\nExample:\n  assay estimate job.yaml")
    .action(async (file: string, _options: unknown, command: Command) => {
      const output = createOutput(command.optsWithGlobals<GlobalOptions>().json ?? false);
      const prepared = await prepareJob(file, ANY_TOKEN);
      const { program: job, parent, seed } = prepared;
      const estimate = await estimateJob(wasmBackend, job, {
        data: await jobColumns(prepared),
        parent: (parent?.tensors ?? []).map(({ words }) => words),
        seed,
      });
      output.step("Estimate");
      output.line(`${formatCount(estimate.units)}op in all, ${job.steps} steps`);
      output.line(
        `${estimate.checkpoints} checkpoints of ${formatCount(estimate.checkpointBytes)}B; the model has ${formatCount(estimate.modelBytes)}B`,
      );
      for (const line of engineLines(estimate.speed)) output.line(line);
      output.line(
        `${formatSeconds(estimate.totalSeconds)} on one core of this machine (load now ${loadavg()[0]?.toFixed(1)})`,
      );
      output.next(`assay quote ${file}`);
      output.result({ ...estimate, units: estimate.units.toString() });
    });
};
