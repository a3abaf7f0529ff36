import type { Command } from "commander";
import pc from "picocolors";
import type { Hex } from "viem";
import { checkpointCount } from "@assay/protocol/domain/money";
import { JOB_STATES, type JobState } from "@assay/protocol/domain/states";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { JobView } from "@assay/protocol/wire/api";
import type { Session } from "../home/session.ts";
import { carryOnUntilInterrupted } from "../jobs/carry-on.ts";
import type { Watch } from "../jobs/follow.ts";
import { formatAmount, shortHex, type Token } from "../terminal/format.ts";
import { GIVE_UP_SECONDS, sessionOf, tokenOf } from "./common.ts";

const row = (job: JobView, token: Token): string[] => [
  shortHex(job.id),
  job.state,
  job.providerName ?? shortHex(job.provider),
  `${job.checkpoint}/${checkpointCount(job)}`,
  formatAmount(job.price, token),
  job.paid === null ? "—" : formatAmount(job.paid, token),
  job.modelRoot === null ? "—" : shortHex(job.modelRoot),
  new Date(job.agreedAt * 1000).toISOString().slice(0, 19).replace("T", " "),
];

const MAX_PAGE = 100;
const WHOLE_ID = /^0x[0-9a-fA-F]{64}$/;

/** The job whose id starts with `text`. @throws `JOB_UNKNOWN`, `USAGE_AMBIGUOUS_ID` */
export const findJob = async (session: Session, text: string): Promise<JobView> => {
  if (WHOLE_ID.test(text)) return session.reader.job(text.toLowerCase() as Hex);
  const prefix = text.replace(/…$/, "").toLowerCase();
  if (!/^0x[0-9a-f]{4,63}$/.test(prefix)) {
    throw new AssayError("USAGE_BAD_JOB_ID", `“${text}” is not a job's id`, {
      remedy: "give the id (0x…) or its first 4 or more hex digits, as `assay jobs` prints it",
    });
  }
  const { items } = await session.reader.jobs({ limit: MAX_PAGE });
  const found = items.filter((job) => job.id.startsWith(prefix));
  const [only] = found;
  if (found.length > 1) {
    throw new AssayError("USAGE_AMBIGUOUS_ID", `${found.length} jobs start with ${prefix}`, {
      remedy: "give more digits",
    });
  }
  if (only === undefined) {
    throw new AssayError("JOB_UNKNOWN", `no recent job starts with ${prefix}`, {
      remedy: "see `assay jobs`, or give the whole id",
    });
  }
  return only;
};

/** A job's id from what was typed; a whole one needs no market. @throws as {@link findJob} */
export const jobIdOf = async (session: Session, text: string): Promise<Hex> =>
  WHOLE_ID.test(text) ? (text.toLowerCase() as Hex) : (await findJob(session, text)).id;

/** What happens to the job, or to the request, of this id. @throws as {@link findJob} */
const eventsOf = async (session: Session, id: string): Promise<{ watch: Watch; request: Hex }> => {
  const { reader } = session;
  try {
    const job = await findJob(session, id);
    return {
      watch: (options) => reader.watchJob(job.id, options),
      request: job.requestDigest,
    };
  } catch (error) {
    if (!isAssayError(error, "JOB_UNKNOWN") || !WHOLE_ID.test(id)) throw error;
    const digest = id.toLowerCase() as Hex;
    await reader.requestStatus(digest).catch(() => {
      throw error;
    });
    return { watch: (options) => reader.watchRequest(digest, options), request: digest };
  }
};

export const registerJobs = (program: Command): void => {
  const jobs = program
    .command("jobs")
    .description("list jobs, newest first")
    .option("--mine", "only those this key asked for")
    .option("--state <state>", `only in this state: ${JOB_STATES.slice(1).join(", ")}`)
    .option("--limit <count>", "how many", "20")
    .addHelpText("after", "\nExample:\n  assay jobs --state settled\n  assay jobs watch 0x12ab34")
    .action(
      async (options: { mine?: boolean; state?: string; limit: string }, command: Command) => {
        const session = await sessionOf(command);
        if (
          options.state !== undefined &&
          !(JOB_STATES as readonly string[]).includes(options.state)
        ) {
          throw new AssayError("USAGE_BAD_STATE", `“${options.state}” is no state of a job`, {
            remedy: `one of ${JOB_STATES.slice(1).join(", ")}`,
          });
        }
        const token = await tokenOf(session);
        const page = await session.reader.jobs({
          limit: Math.min(MAX_PAGE, Math.max(1, Math.trunc(Number(options.limit)) || 1)),
          ...(options.state === undefined ? {} : { state: options.state as JobState }),
          ...(options.mine === true ? { requester: session.account().address } : {}),
        });
        if (page.items.length === 0)
          session.output.line(pc.dim("no jobs yet: `assay run job.yaml` posts one"));
        else {
          session.output.table([
            ["job", "state", "provider", "checkpoint", "price", "paid", "model", "agreed (UTC)"],
            ...page.items.map((job) => row(job, token)),
          ]);
        }
        session.output.result(page);
      },
    );
  jobs
    .command("watch <id>")
    .description("follow one job, or the request for one, to its end")
    .option(
      "--give-up <seconds>",
      "hand a job of yours over when its provider is offline for so long",
      String(GIVE_UP_SECONDS),
    )
    .addHelpText(
      "after",
      "\nID is a job's, its first digits, or the whole digest of a request as `assay run` prints it.\n\nExample:\n  assay jobs watch 0x12ab34",
    )
    .action(async (id: string, options: { giveUp: string }, command: Command) => {
      const session = await sessionOf(command);
      const events = await eventsOf(session, id);
      const giveUp = Math.max(1, Number(options.giveUp) || GIVE_UP_SECONDS);
      const on = { session, token: await tokenOf(session), giveUp };
      const ended = await carryOnUntilInterrupted(on, { ...events, watched: id });
      if (ended !== undefined) session.output.result(ended);
    });
};
