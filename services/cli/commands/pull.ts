import type { Command } from "commander";
import { pullModel } from "../jobs/pull.ts";
import { sessionOf } from "./common.ts";
import { findJob } from "./jobs.ts";

export const registerPull = (program: Command): void => {
  program
    .command("pull <id> [folder]")
    .description(
      "fetch a job's model by content hash, check it, write it with its card and provenance",
    )
    .option("--content <source>", "folder or gateway URL to fetch from")
    .addHelpText("after", "\nExample:\n  assay pull 0x12ab34 ./model")
    .action(
      async (
        id: string,
        folder: string | undefined,
        options: { content?: string },
        command: Command,
      ) => {
        const session = await sessionOf(command);
        const jobId =
          session.apiUrl === undefined ? (id as `0x${string}`) : (await findJob(session, id)).id;
        session.output.step("Model");
        session.output.result(
          await pullModel(session, jobId, folder ?? "./model", options.content),
        );
      },
    );
};
