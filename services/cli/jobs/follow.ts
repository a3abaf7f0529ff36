/** Prints a request's or a job's way as it happens. */
import { setTimeout as sleep } from "node:timers/promises";
import pc from "picocolors";
import type { Hex } from "viem";
import { checkpointCount } from "@assay/protocol/domain/money";
import { FINAL_STATES } from "@assay/protocol/domain/states";
import { AssayError } from "@assay/protocol/errors";
import type { EngineReport, JobView, ProgressReport } from "@assay/protocol/wire/api";
import type { JobEvent, WatchOptions } from "@assay/sdk/actions/watch";
import type { Session } from "../home/session.ts";
import {
  formatAmount,
  formatCount,
  formatSeconds,
  shortHex,
  type Token,
} from "../terminal/format.ts";
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

/** What the provider's engine made of the program: its memory, and what is not at full speed, if it matters. */
export const engineLines = ({
  memoryBytes,
  fileBytes,
  slowShare,
  slowCount,
  slow,
}: Omit<EngineReport, "slow"> & { readonly slow: readonly string[] }): string[] => {
  const memory = `compiled: ${formatCount(memoryBytes)}B of memory`;
  const file =
    fileBytes === 0
      ? []
      : [
          `the data set (${formatCount(fileBytes)}B) has no room there: each step reads its rows from disk`,
        ];
  if (slowCount === 0) return [`${memory}, every op at full speed`, ...file];
  const share = (100 * slowShare).toPrecision(2);
  const shown = slow.slice(0, slowShare < NOTABLE_SHARE ? 1 : MOST_SHOWN);
  return [
    `${memory}; ops that run below full speed make ${share} % of a step${shown.length < slowCount ? `, first of ${slowCount}:` : ":"}`,
    ...shown.map((one) => pc.dim(`  ${one}`)),
    ...file,
  ];
};

/** Share of a step below which one example of a slow op says enough. */
const NOTABLE_SHARE = 0.05;
/** Slow ops that are shown otherwise; the provider's report, and `--json` of an estimate, name more. */
const MOST_SHOWN = 4;

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

/** Which checkpoint, where it is not the last. */
const partOf = (job: JobView): string => {
  const count = checkpointCount(job);
  return job.checkpoint < count ? ` up to checkpoint ${job.checkpoint} of ${count}` : "";
};

const printState = (output: Output, job: JobView, token: Token): void => {
  if (job.state === "active" && job.stoppedAt !== null) {
    output.line("stopped: the provider shows its latest checkpoint and is paid up to there");
  } else if (job.state === "active") {
    output.good(
      `agreed: job ${shortHex(job.id)} with ${job.providerName ?? shortHex(job.provider)}, ${formatAmount(job.price + feesOf(job), token)} in escrow, ${formatAmount(job.collateral, token)} collateral locked${transaction(job, "Agreed")}`,
    );
  } else if (job.state === "submitted") {
    const left = Math.max(0, (job.windowEnd ?? 0) - Math.floor(Date.now() / 1000));
    output.good(
      `submitted${partOf(job)}: trace ${shortHex(job.traceRoot ?? "0x")}, challenge window ends in ${left} s${transaction(job, "Submitted")}`,
    );
  } else if (job.state === "settled") {
    output.good(
      `settled${partOf(job)} (${job.assurance ?? "unverified"}): ${formatAmount(job.paid ?? 0n, token)} paid to the provider, ${formatAmount(feesPaid(job), token)} in fees, ${formatAmount(job.refunded ?? 0n, token)} returned${transaction(job, "Settled")}`,
    );
  } else if (job.state === "committed") {
    const others =
      job.replicas > 1
        ? "the others have"
        : "auditors, if any are drawn, had their time to run it too";
    output.good(
      `committed to a result it shows once ${others}${transaction(job, "CommitmentMade")}`,
    );
  } else output.bad(`${job.state}: ${formatAmount(job.refunded ?? 0n, token)} returned`);
};

/** Opens the events of a job or a request. */
export type Watch = (options: WatchOptions) => AsyncIterable<JobEvent>;

/** States of a request that say more than the job's own events do. */
const BEFORE_AGREEMENT = new Set(["open", "proposed", "accepted"]);

export interface Following {
  readonly signal: AbortSignal;
  readonly token: Token;
  /** Jobs that ended before: their events say nothing new. */
  readonly over: ReadonlySet<Hex>;
  /** Kept up to date for whoever looks after the job meanwhile. */
  readonly sight: Sight;
}

/** What the followed job last showed, and when its provider gave a sign of life. */
export interface Sight {
  job: JobView | undefined;
  leaving: boolean;
  aliveAt: number;
}

/** Milliseconds before a stream that ended before its request did is opened again. */
const AGAIN_MS = 500;

/**
 * Follows until a job is final; of a replicated request, until as many as asked for are, or one ended without being paid.
 * @throws `REQUEST_ENDED` when the request found no provider in time
 */
export const followJob = async (
  session: Session,
  watch: Watch,
  following: Following,
): Promise<JobView> => {
  const { signal } = following;
  for (;;) {
    const ended = await followStream(session, watch, following);
    if (ended !== undefined) return ended;
    // The market has not seen yet that a lost job gave its place back.
    await sleep(AGAIN_MS, undefined, { signal });
  }
};

const followStream = async (
  session: Session,
  watch: Watch,
  { signal, token, over, sight }: Following,
): Promise<JobView | undefined> => {
  const { output } = session;
  let cut = false;
  const onCut = (): void => {
    if (!cut) output.line("the market does not answer; trying again, Ctrl-C leaves");
    cut = true;
  };
  const states = new Map<Hex, string>();
  const settled = new Map<Hex, JobView>();
  let said = "";
  let phase = "";
  const compiled = new Set<Hex>();
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
      if (over.has(event.jobId)) continue;
      sight.aliveAt = Date.now();
      sight.leaving = event.report.leaving === true;
      if (event.report.engine !== undefined && !compiled.has(event.jobId)) {
        compiled.add(event.jobId);
        for (const line of engineLines(event.report.engine)) output.line(line);
      }
      if (event.report.phase === "training" || event.report.phase === "evaluating")
        output.live(liveLine(event.report, sight.job, token));
      else if (phase !== event.report.phase && event.report.phase !== "submitted")
        output.line(`${event.report.phase} …`);
      phase = event.report.phase;
    } else {
      const { job } = event;
      if (over.has(job.id)) continue;
      if (sight.job?.id !== job.id) Object.assign(sight, { leaving: false, aliveAt: Date.now() });
      sight.job = job;
      const shown = `${job.state} ${job.stoppedAt ?? ""} ${job.checkpoint}`;
      if (states.get(job.id) !== shown) printState(output, job, token);
      states.set(job.id, shown);
      if (!FINAL_STATES.has(job.state)) continue;
      if (job.state !== "settled" || job.replicas === 1) return job;
      settled.set(job.id, job);
      if (settled.size >= job.replicas) return agreed(output, [...settled.values()]);
    }
  }
  return undefined;
};

/** Of replicas that are all settled: the one to take, and whether they agree. */
const agreed = (output: Output, replicas: readonly JobView[]): JobView => {
  const [first, ...rest] = replicas as [JobView, ...JobView[]];
  if (rest.every(({ traceRoot }) => traceRoot === first.traceRoot))
    output.good(
      `${replicas.length} providers committed to the same result before seeing each other's`,
    );
  else
    output.bad(
      "the replicas disagree: at least one is wrong; their difference is what a dispute decides (assay dispute)",
    );
  return first;
};
