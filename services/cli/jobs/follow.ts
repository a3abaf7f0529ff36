/** Prints a request's or a job's way as it happens. */
import pc from "picocolors";
import { FINAL_STATES } from "@assay/protocol/domain/states";
import { AssayError } from "@assay/protocol/errors";
import type { JobView, ProgressReport } from "@assay/protocol/wire/api";
import type { JobEvent, WatchOptions } from "@assay/sdk/actions/watch";
import type { Session } from "../home/session.ts";
import { formatAmount, formatSeconds, shortHex, type Token } from "../terminal/format.ts";
import { untilInterrupted } from "../terminal/interrupt.ts";
import type { Output } from "../terminal/output.ts";

/** `step 120/800  loss 0.4312  310 steps/s  0.12 of 0.80 USDT  ETA 2.2 s  checkpoint 4` */
export const liveLine = (
  report: ProgressReport,
  job: JobView | undefined,
  token: Token,
): string => {
  const spent =
    job === undefined ? 0n : (job.price * BigInt(report.step)) / BigInt(Math.max(1, report.steps));
  return [
    `step ${report.step}/${report.steps}`,
    `loss ${report.loss === null ? "—" : report.loss.toFixed(4)}`,
    `${report.stepsPerSecond.toFixed(0)} steps/s`,
    job === undefined
      ? ""
      : `spent ${formatAmount(spent, token)} of ${formatAmount(job.price, token)}`,
    `ETA ${report.stepsPerSecond > 0 ? formatSeconds(report.secondsLeft) : "—"}`,
    `checkpoint ${report.checkpoint}`,
  ]
    .filter((part) => part !== "")
    .join("  ");
};

const transaction = (job: JobView, event: string): string => {
  const found = job.transactions.find((one) => one.event === event);
  if (found === undefined) return "";
  const gas = found.gasUsed === null ? "" : `, ${found.gasUsed.toLocaleString("en")} gas`;
  return pc.dim(`  tx ${shortHex(found.hash)}${gas}`);
};

const feesOf = ({ protocolFee, matcherFee, auditLine }: JobView): bigint =>
  protocolFee + matcherFee + auditLine;

/** What left the escrow and went neither to the provider nor back. */
const feesPaid = (job: JobView): bigint =>
  job.price + feesOf(job) - (job.paid ?? 0n) - (job.refunded ?? 0n);

const printState = (output: Output, job: JobView, token: Token): void => {
  if (job.state === "active") {
    output.good(
      `agreed: job ${shortHex(job.id)}, ${formatAmount(job.price + feesOf(job), token)} in escrow, ${formatAmount(job.collateral, token)} collateral locked${transaction(job, "Agreed")}`,
    );
  } else if (job.state === "submitted") {
    const left = Math.max(0, (job.windowEnd ?? 0) - Math.floor(Date.now() / 1000));
    output.good(
      `submitted: trace ${shortHex(job.traceRoot ?? "0x")}, challenge window ends in ${left} s${transaction(job, "Submitted")}`,
    );
  } else if (job.state === "settled") {
    output.good(
      `settled (${job.assurance ?? "unverified"}): ${formatAmount(job.paid ?? 0n, token)} paid to the provider, ${formatAmount(feesPaid(job), token)} in fees, ${formatAmount(job.refunded ?? 0n, token)} returned${transaction(job, "Settled")}`,
    );
  } else output.bad(`${job.state}: ${formatAmount(job.refunded ?? 0n, token)} returned`);
};

/** Opens the events of a job or a request. */
export type Watch = (options: WatchOptions) => AsyncIterable<JobEvent>;

/** States of a request that say more than the job's own events do. */
const BEFORE_AGREEMENT = new Set(["open", "proposed", "accepted"]);

/** Follows until a final state. @throws `REQUEST_ENDED` when the request found no provider in time */
const followJob = async (
  session: Session,
  watch: Watch,
  signal: AbortSignal,
  token: Token,
): Promise<JobView> => {
  const { output } = session;
  let cut = false;
  const onCut = (): void => {
    if (!cut) output.line("the market does not answer; trying again, Ctrl-C leaves");
    cut = true;
  };
  let job: JobView | undefined;
  let said = "";
  let phase = "";
  let whyOpen = "";
  for await (const event of watch({ signal, onCut })) {
    if (cut) output.line("the market answers again");
    cut = false;
    if (event.kind === "request") {
      const { state, explanation } = event.request;
      if (said !== state + explanation && BEFORE_AGREEMENT.has(state))
        output.line(`${state}: ${explanation}`);
      said = state + explanation;
      if (state === "open") whyOpen = explanation;
      if (state === "expired" || state === "cancelled") {
        throw new AssayError(
          "REQUEST_ENDED",
          state === "expired"
            ? `the request found no provider in time. ${whyOpen}`
            : `the request was cancelled: ${explanation}`,
          {
            remedy:
              "see `assay quote` for what each constraint costs, or allow more patience; nothing was spent",
          },
        );
      }
    } else if (event.kind === "progress") {
      if (event.report.phase === "training" || event.report.phase === "evaluating")
        output.live(liveLine(event.report, job, token));
      else if (phase !== event.report.phase && event.report.phase !== "submitted")
        output.line(`${event.report.phase} …`);
      phase = event.report.phase;
    } else {
      const before = job?.state;
      job = event.job;
      if (before !== job.state) printState(output, job, token);
      if (FINAL_STATES.has(job.state)) return job;
    }
  }
  throw new AssayError("STREAM_ENDED", "the market closed the stream before the job ended", {
    retryable: true,
    remedy: "the job goes on: `assay jobs watch` follows it again",
  });
};

/**
 * Follows until a final state, or until Ctrl-C: then says how to go on watching, sets the exit code and returns undefined.
 * `watched` is what `assay jobs watch` takes.
 */
export const followUntilInterrupted = async (
  session: Session,
  watch: Watch,
  watched: string,
): Promise<JobView | undefined> => {
  const { token } = await session.reader.context.deployment();
  return untilInterrupted(
    (signal) => followJob(session, watch, signal, token),
    () => {
      session.output.line("left; the job goes on without this command");
      session.output.next(`assay jobs watch ${watched}`);
      session.output.result({ detached: true, watch: watched });
    },
  );
};
