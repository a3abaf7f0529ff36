import type { Command } from "commander";
import pc from "picocolors";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { findRun, saveRun } from "../home/runs.ts";
import { confirm } from "../terminal/ask.ts";
import { shortHex } from "../terminal/format.ts";
import { sessionOf } from "./common.ts";
import { findJob } from "./jobs.ts";

export const registerStop = (program: Command): void => {
  program
    .command("stop <job>")
    .description("end a job at its next checkpoint: what is done is paid, the rest comes back")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nIts request is cancelled too, so that nobody else takes it. Stops count in a requester's reputation.\nGo on later with `assay run --continue JOB`.\n\nExample:\n  assay stop 0x12ab34",
    )
    .action(async (id: string, options: { yes?: boolean }, command: Command) => {
      const session = await sessionOf(command);
      const { output, assay, reader } = session;
      const job = await findJob(session, id);
      if (job.state !== "active" || job.stoppedAt !== null) {
        throw new AssayError(
          "JOB_NOT_RUNNING",
          `job ${shortHex(job.id)} is ${job.stoppedAt === null ? job.state : "stopped already"}`,
          { remedy: `see where it stands: assay jobs watch ${job.id}` },
        );
      }
      await confirm(`Stop job ${shortHex(job.id)}?`, options.yes ?? false);
      const run = findRun(session.home, job.requestDigest);
      if (run !== undefined) saveRun(session.home, { ...run, stopped: true });
      const { hash } = await assay.stop(job.id);
      output.good(`stopped${pc.dim(`  tx ${shortHex(hash)}`)}`);
      // A job that ends without a checkpoint gives its place back: nobody shall take it.
      const { request } = await reader.signedRequest(job.requestDigest);
      const cancelled = await assay.cancelRequest(request).then(
        (mined) => mined.hash,
        (error: unknown) => {
          if (!isAssayError(error)) throw error;
          output.line(`the request could not be cancelled: ${error.message}`);
          return null;
        },
      );
      output.line("the provider shows its latest checkpoint and is paid up to there");
      output.next(`assay jobs watch ${job.id}`);
      output.result({ job: job.id, transaction: hash, cancelled });
    });
};
