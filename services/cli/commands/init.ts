import { type Command, Option } from "commander";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AssayError } from "@assay/protocol/errors";
import type { GlobalOptions } from "../home/session.ts";
import type { PresetName } from "../jobfile/models.ts";
import { SAMPLES } from "../jobfile/presets.ts";
import { jobFileTemplate } from "../jobfile/template.ts";
import { createOutput } from "../terminal/output.ts";

interface InitOptions extends GlobalOptions {
  readonly preset: PresetName;
}

export const registerInit = (program: Command): void => {
  program
    .command("init [folder]")
    .description("write a commented job.yaml and a small data set, runnable as they are")
    .addOption(
      new Option("--preset <model>", "what to train").choices(Object.keys(SAMPLES)).default("mlp"),
    )
    .addHelpText(
      "after",
      "\nExample:\n  assay init my-job --preset cnn\n  assay quote my-job/job.yaml",
    )
    .action((folder: string | undefined, _options: unknown, command: Command) => {
      const { json, preset } = command.optsWithGlobals<InitOptions>();
      const output = createOutput(json ?? false);
      const { template, write, description } = SAMPLES[preset];
      const target = folder ?? ".";
      const jobFile = join(target, "job.yaml");
      const dataFile = join(target, template.data);
      for (const file of [jobFile, dataFile]) {
        if (existsSync(file)) {
          throw new AssayError("USAGE_FILE_EXISTS", `${file} exists`, {
            remedy: "name another folder, or remove the file",
          });
        }
      }
      mkdirSync(target, { recursive: true });
      writeFileSync(dataFile, write());
      writeFileSync(jobFile, jobFileTemplate(template));
      output.step("A job to start from");
      output.good(jobFile);
      output.good(`${dataFile}: ${description}`);
      output.next(`assay quote ${jobFile}`);
      output.result({ jobFile, dataFile });
    });
};
