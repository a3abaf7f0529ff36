import type { Command } from "commander";
import pc from "picocolors";
import type { Hex } from "viem";
import { FINAL_STATES } from "@assay/protocol/domain/states";
import { AssayError } from "@assay/protocol/errors";
import { findRun, saveRun } from "../home/runs.ts";
import { shortHex } from "../terminal/format.ts";
import { sessionOf } from "./common.ts";

export const registerCancel = (program: Command): void => {
  program
    .command("cancel <request>")
    .description("withdraw a request, at once; jobs already agreed go on")
    .addHelpText(
      "after",
      "\nREQUEST is the whole digest, as `assay run` prints it with --json or --detach.\n\nExample:\n  assay cancel 0x7b…",
    )
    .action(async (text: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command);
      const { output, assay, reader } = session;
      if (!/^0x[0-9a-fA-F]{64}$/.test(text)) {
        throw new AssayError("USAGE_BAD_REQUEST", `“${text}” is not the digest of a request`, {
          remedy:
            "give the whole digest (0x and 64 hex digits); a job is ended with `assay stop JOB`",
        });
      }
      const digest = text.toLowerCase() as Hex;
      const { request } = await reader.signedRequest(digest);
      const { jobIds } = await reader.requestStatus(digest);
      const jobs = await Promise.all(jobIds.map((id) => reader.job(id)));
      const live = jobs.filter(({ state }) => !FINAL_STATES.has(state));
      const run = findRun(session.home, digest);
      if (run !== undefined && live.length === 0) saveRun(session.home, { ...run, stopped: true });
      const { hash } = await assay.cancelRequest(request);
      output.good(`request ${shortHex(digest)} cancelled${pc.dim(`  tx ${shortHex(hash)}`)}`);
      for (const job of live) {
        output.line(`job ${shortHex(job.id)} was agreed before and goes on`);
        output.next(`assay stop ${job.id}`);
      }
      output.result({ request: digest, transaction: hash, jobs: live.map(({ id }) => id) });
    });
};
