import type { Command } from "commander";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AssayError } from "@assay/protocol/errors";
import type { GlobalOptions } from "../home/session.ts";
import { jobFileTemplate } from "../jobfile/template.ts";
import { spirals } from "../jobfile/spirals.ts";
import { createOutput } from "../terminal/output.ts";

export const registerInit = (program: Command): void => {
  program
    .command("init [folder]")
    .description("write a commented job.yaml and a small data set, runnable as they are")
    .addHelpText("after", "\nExample:\n  assay init my-job\n  assay quote my-job/job.yaml")
    .action((folder: string | undefined, _options: unknown, command: Command) => {
      const output = createOutput(command.optsWithGlobals<GlobalOptions>().json ?? false);
      const target = folder ?? ".";
      const jobFile = join(target, "job.yaml");
      const dataFile = join(target, "spirals.safetensors");
      for (const file of [jobFile, dataFile]) {
        if (existsSync(file)) {
          throw new AssayError("USAGE_FILE_EXISTS", `${file} exists`, {
            remedy: "name another folder, or remove the file",
          });
        }
      }
      mkdirSync(target, { recursive: true });
      writeFileSync(dataFile, spirals());
      writeFileSync(
        jobFile,
        jobFileTemplate({
          name: "spirals",
          data: "spirals.safetensors",
          hidden: [32, 32],
          batch: 40,
          epochs: 60,
          checkpointEvery: 200,
          learningRate: 0.01,
          maximum: "1.20",
        }),
      );
      output.step("A job to start from");
      output.good(jobFile);
      output.good(
        `${dataFile}: three spirals in the plane, 1,200 points to learn from and 300 held out`,
      );
      output.next(`assay quote ${jobFile}`);
      output.result({ jobFile, dataFile });
    });
};
