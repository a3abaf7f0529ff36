import type { Command } from "commander";
import pc from "picocolors";
import { tensorListRoot } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { parametersOf } from "@assay/engine/trace/state-file";
import { AssayError } from "@assay/protocol/errors";
import { cidOfDigest } from "@assay/storage/cid";
import { readAll } from "@assay/storage/content";
import type { Session } from "../home/session.ts";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, shortHex } from "../terminal/format.ts";
import { sessionOf, tokenOf } from "./common.ts";
import { findJob } from "./jobs.ts";

/** Fetches the model and compares it with what the provider committed to. @throws `MODEL_MISMATCH`, `CONTENT_…` */
const requireModel = async (
  session: Session,
  { modelCid, modelRoot }: { modelCid: `0x${string}` | null; modelRoot: string | null },
): Promise<void> => {
  if (modelCid === null) return;
  const bytes = await readAll(await session.content(), cidOfDigest(modelCid));
  const found = tensorListRoot(nodeHasher, parametersOf(decodeSafetensors(bytes)));
  if (found === modelRoot) {
    session.output.good(`the model can be fetched and has the root ${shortHex(found)}`);
    return;
  }
  throw new AssayError(
    "MODEL_MISMATCH",
    `the model has root ${found}, the chain says ${modelRoot}`,
    {
      remedy: "do not sign: `assay verify --rerun` shows what is wrong, and the window is open",
      details: { expected: modelRoot, found },
    },
  );
};

export const registerSignOff = (program: Command): void => {
  program
    .command("sign-off <job>")
    .description("say that you have the result and are content: pays before the window is over")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nFetches the model first and checks it. Signing ends the time in which anyone can object.\n\nExample:\n  assay sign-off 0x12ab34",
    )
    .action(async (id: string, options: { yes?: boolean }, command: Command) => {
      const session = await sessionOf(command);
      const { output } = session;
      const token = await tokenOf(session);
      const job = await findJob(session, id);
      if (job.state !== "submitted") {
        throw new AssayError("JOB_NOT_SUBMITTED", `job ${shortHex(job.id)} is ${job.state}`, {
          remedy: `only a result that waits for its window is signed off: assay jobs watch ${job.id}`,
        });
      }
      await requireModel(session, job);
      await confirm(
        `Pay out job ${shortHex(job.id)}, at most ${formatAmount(job.price, token)}, without waiting for its window?`,
        options.yes ?? false,
      );
      const { hash } = await session.assay.signOff(job.id);
      const { settlement } = await session.reader.jobFromChain(job.id);
      output.good(
        `signed off: ${formatAmount(settlement?.paid ?? 0n, token)} paid${pc.dim(`  tx ${shortHex(hash)}`)}`,
      );
      output.next(`assay pull ${job.id} ./model`);
      output.result({ job: job.id, transaction: hash, ...settlement });
    });
};
