import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import pc from "picocolors";
import type { Hex } from "viem";
import { OPEN_STATES } from "@assay/protocol/domain/states";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import { parametersAbi } from "@assay/protocol/generated/abis";
import {
  conflictEvidenceSchema,
  type Conflict,
  type ConflictEvidence,
} from "@assay/protocol/wire/api";
import { isContested } from "@assay/sdk/actions/conflicts";
import { read } from "@assay/sdk/chain/read";
import type { Session } from "../home/session.ts";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, shortHex } from "../terminal/format.ts";
import { sessionOf, tokenOf } from "./common.ts";
import { jobIdOf } from "./jobs.ts";

interface ListOptions {
  readonly open?: boolean;
  readonly limit: string;
}

interface SlashOptions {
  readonly evidence?: string;
  readonly yes?: boolean;
}

const MAX_PAGE = 100;
const BASIS_POINTS = 10_000n;

const row = (conflict: Conflict): string[] => [
  shortHex(conflict.jobId),
  shortHex(conflict.provider),
  String(conflict.checkpoint),
  conflict.state,
  new Date(conflict.seenAt * 1000).toISOString().slice(0, 19).replace("T", " "),
];

/** Two receipts out of a file, as `assay conflicts --json` gives them. @throws `EVIDENCE_UNREADABLE` */
const evidenceIn = async (file: string): Promise<ConflictEvidence> => {
  try {
    return conflictEvidenceSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new AssayError("EVIDENCE_UNREADABLE", `${file} holds no two receipts`, {
      cause,
      remedy:
        'give a JSON file {"first": {"submission", "signature"}, "second": …}, such as an item of `assay conflicts --json`',
    });
  }
};

/** What the market has against the provider of a job. @throws `CONFLICT_NOT_FOUND` */
const evidenceAt = async ({ reader }: Session, job: Hex): Promise<ConflictEvidence> => {
  const [found] = (await reader.conflicts({ job })).items;
  if (found !== undefined) return found;
  throw new AssayError("CONFLICT_NOT_FOUND", `the market has no two results for job ${job}`, {
    remedy: "see `assay conflicts`, or give two receipts of your own with --evidence FILE",
  });
};

const notSigned = (cause: AssayError): AssayError =>
  new AssayError("EVIDENCE_NOT_SIGNED", "a signature is not of the job's provider", {
    cause,
    remedy:
      "give both receipts as the provider, or one of its operator keys since the job was agreed, has signed them",
  });

/** What the sender would have of it, token base units. */
const rewardOf = async ({ reader }: Session, jobId: Hex): Promise<bigint> => {
  const [{ job, state }, { contracts }] = await Promise.all([
    reader.jobFromChain(jobId),
    reader.context.deployment(),
  ]);
  if (!OPEN_STATES.has(state))
    throw new AssayError("CONFLICT_TOO_LATE", `job ${jobId} is ${state}`, {
      remedy: "only the provider of a job that is not over can be slashed",
    });
  const { terms } = job;
  if (await isContested(reader.context, terms)) return 0n;
  const { rewardBps } = await read(reader.context, {
    address: contracts.parameters,
    abi: parametersAbi,
    functionName: "paramsAt",
    args: [terms.paramsVersion],
  });
  return (terms.collateral * BigInt(rewardBps)) / BASIS_POINTS;
};

export const registerConflicts = (program: Command): void => {
  const conflicts = program
    .command("conflicts")
    .description("providers that signed two results for one checkpoint, newest first")
    .option("--open", "only of jobs whose provider can still be slashed")
    .option("--limit <count>", "how many", "20")
    .addHelpText(
      "after",
      "\nA running watcher has them slashed by itself.\n\nExample:\n  assay conflicts --open\n  assay conflicts slash 0x12ab34",
    )
    .action(async (options: ListOptions, command: Command) => {
      const session = await sessionOf(command);
      const { output } = session;
      const page = await session.reader.conflicts({
        limit: Math.min(MAX_PAGE, Math.max(1, Math.trunc(Number(options.limit)) || 1)),
        ...(options.open === true ? { open: true } : {}),
      });
      if (page.items.length === 0) output.line(pc.dim("none"));
      else
        output.table([
          ["job", "provider", "checkpoint", "state", "seen (UTC)"],
          ...page.items.map(row),
        ]);
      const open = page.items.find(({ state }) => OPEN_STATES.has(state));
      if (open !== undefined) output.next(`assay conflicts slash ${open.jobId}`);
      output.result(page);
    });
  conflicts
    .command("slash <job>")
    .description("have such a provider slashed: the reward is the sender's, the escrow goes back")
    .option("--evidence <file>", "two receipts as JSON; default: those that the market has")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nAnyone may, while the job is open.\n\nExample:\n  assay conflicts slash 0x12ab34",
    )
    .action(async (text: string, options: SlashOptions, command: Command) => {
      const session = await sessionOf(command);
      const { output, assay } = session;
      const token = await tokenOf(session);
      const job = await jobIdOf(session, text);
      const evidence = await (options.evidence === undefined
        ? evidenceAt(session, job)
        : evidenceIn(options.evidence));
      if (evidence.first.submission.jobId !== job)
        throw new AssayError(
          "EVIDENCE_MISMATCH",
          `the receipts are of job ${evidence.first.submission.jobId}`,
          { remedy: "give receipts of the job that you named" },
        );
      const reward = await rewardOf(session, job);
      output.line(
        reward === 0n
          ? pc.yellow(
              "a game, a demand or an audit of this job is under way: the reward would burn",
            )
          : `the reward is ${formatAmount(reward, token)}`,
      );
      await confirm(`Slash the provider of job ${shortHex(job)}?`, options.yes ?? false);
      const { hash } = await assay.slashConflict(evidence).catch((error: unknown) => {
        throw isAssayError(error, "MARKET_BAD_SIGNATURE") ? notSigned(error) : error;
      });
      output.good(`slashed${pc.dim(`  tx ${shortHex(hash)}`)}`);
      output.result({ job, transaction: hash, reward });
    });
};
