import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import type { JobView } from "@assay/protocol/wire/api";
import { AssayError } from "@assay/protocol/errors";
import type { Hex } from "viem";
import { findRun, saveRun, type Run } from "../home/runs.ts";
import type { Session } from "../home/session.ts";
import { evaluateModel } from "../verify/evaluate.ts";
import { jobColumns, prepareJob, quoteAskOf, type PreparedJob } from "../jobfile/prepare.ts";
import { carryOnUntilInterrupted, leftOf, postRest, type CarryOn } from "../jobs/carry-on.ts";
import { fund, parentOf, postFunded, upload, whileFunding } from "../jobs/post.ts";
import { pullModel } from "../jobs/pull.ts";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, formatPercent, parseAmount, shortHex } from "../terminal/format.ts";
import { GIVE_UP_SECONDS, sessionOf, tokenOf } from "./common.ts";
import { findJob } from "./jobs.ts";
import { printQuote, printWork } from "./quote.ts";

interface RunOptions {
  readonly maxSpend?: string;
  readonly yes?: boolean;
  readonly out?: string;
  readonly detach?: boolean;
  readonly replicas: string;
  readonly continue?: string;
  readonly giveUp: string;
}

/** Evaluates the fetched model here and compares with what the provider committed to. */
const evaluate = async (
  session: Session,
  prepared: PreparedJob,
  modelFile: string,
  job: JobView,
): Promise<Record<string, number>> => {
  const { program, seed } = prepared;
  const data = await jobColumns(prepared);
  const model = decodeSafetensors(readFileSync(modelFile)).tensors;
  const parent = (prepared.parent?.tensors ?? []).map(({ words }) => words);
  const { metrics, evalRoot } = await evaluateModel(program, { data, parent, seed }, model);
  const text = Object.entries(metrics)
    .map(
      ([name, value]) =>
        `${name} ${name === "accuracy" ? formatPercent(value) : Number(value.toPrecision(5))}`,
    )
    .join(", ");
  session.output.good(
    `evaluated here on held-out data: ${text}${evalRoot === job.evalRoot ? ", as the provider committed" : ""}`,
  );
  return metrics;
};

/** What `run` takes beside the file, as numbers. */
const checked = (options: RunOptions): { replicas: number; giveUp: number } => {
  const whole = (text: string, name: string, least: number, most: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new AssayError("USAGE_BAD_NUMBER", `--${name} ${text} is no number of that kind`, {
      remedy: `give a whole number from ${least} to ${most}`,
    });
  };
  return {
    replicas: whole(options.replicas, "replicas", 1, MAX_REPLICAS),
    giveUp: whole(options.giveUp, "give-up", 1, 1_000_000),
  };
};

const MAX_REPLICAS = 16;

/** Fetches the model that the last job of a run made. */
const finish = async (
  session: Session,
  job: JobView,
  options: RunOptions,
  prepared?: PreparedJob,
): Promise<void> => {
  const { output } = session;
  const folder = options.out ?? "./model";
  output.step("Model");
  const pulled = await pullModel(session, job.id, folder);
  const metrics =
    prepared === undefined ? undefined : await evaluate(session, prepared, pulled.modelFile, job);
  output.next(`assay verify ${pulled.modelFile} --rerun`);
  const result = {
    request: job.requestDigest,
    job: job.id,
    ...pulled,
    ...(metrics === undefined ? {} : { metrics }),
  };
  writeFileSync(join(folder, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  output.result(result);
};

/** Goes on where a job ended: `assay run --continue JOB`. */
const continueRun = async (session: Session, id: string, options: RunOptions): Promise<void> => {
  const { output, home } = session;
  const token = await tokenOf(session);
  const { giveUp } = checked(options);
  const job = await findJob(session, id);
  const { request } = await session.reader.signedRequest(job.requestDigest);
  const known = findRun(home, job.requestDigest);
  const run: Run = {
    patience: PATIENCE,
    ...(known ?? { requests: [job.requestDigest] }),
    maxSpend:
      options.maxSpend === undefined
        ? (known?.maxSpend ?? request.maximum * BigInt(request.replicas))
        : parseAmount(options.maxSpend, token),
    stopped: false,
  };
  output.step("The rest");
  const left = await leftOf(session, run);
  await confirm(
    `Go on with job ${shortHex(job.id)} for at most ${formatAmount(left < 0n ? 0n : left, token)}, ${formatAmount(run.maxSpend, token)} in all?`,
    options.yes ?? false,
  );
  saveRun(home, run);
  const on = { session, token, giveUp };
  const digest = await whileFunding(session, token, () =>
    postRest(on, run, job, { sameProvider: true }),
  );
  await follow(on, digest, options);
};

/** Follows a request that was posted, or leaves with `--detach`; then fetches the model. */
const follow = async (
  on: CarryOn,
  digest: Hex,
  options: RunOptions,
  prepared?: PreparedJob,
): Promise<void> => {
  const { session } = on;
  if (options.detach === true) {
    session.output.next(`assay jobs watch ${digest}`);
    session.output.result({ request: digest });
    return;
  }
  session.output.step("Training");
  const job = await carryOnUntilInterrupted(on, {
    watch: (watch) => session.reader.watchRequest(digest, watch),
    request: digest,
    watched: digest,
  });
  if (job !== undefined) await finish(session, job, options, prepared);
};

/** Seconds that a request may wait for a provider where no job file says. */
const PATIENCE = 600;

const audited = ({ auditLine = 0n }: PreparedJob): boolean => auditLine > 0n;

const startRun = async (session: Session, file: string, options: RunOptions): Promise<void> => {
  const { output } = session;
  const token = await tokenOf(session);
  const { replicas, giveUp } = checked(options);
  const loaded = await prepareJob(file, token);
  const maxSpend =
    options.maxSpend === undefined ? loaded.maximum : parseAmount(options.maxSpend, token);
  const prepared = { ...loaded, maximum: maxSpend / BigInt(replicas) };

  output.step("Quote");
  printWork(session, prepared);
  const quote = await session.reader.quote(quoteAskOf(prepared));
  printQuote(session, quote, token);

  output.step("Agreement");
  output.line(
    `you pay at most ${formatAmount(maxSpend, token)}, for work done, checkpoint by checkpoint; what is not used comes back`,
  );
  if (replicas > 1)
    output.line(
      `${replicas} providers each do the whole job, at most ${formatAmount(prepared.maximum, token)} each, and commit before they see each other's result`,
    );
  else if (audited(prepared))
    output.line(
      `${formatAmount(prepared.auditLine ?? 0n, token)} of it for auditors who are drawn by chance; the provider commits, they run the job, then it shows its result: paid in full or not at all`,
    );
  else
    output.line(
      "a provider that leaves or dies is paid up to its last checkpoint; this command lets another go on from there, within the same limit",
    );
  output.line("data, program and model of a public job can be read by anyone");
  output.line(
    "anyone can run the job again and dispute a wrong result on chain while its window is open (assay challenge); hardware and region are the provider's own word",
  );
  const parent = await parentOf(session, prepared);
  await confirm("Sign and post this job?", options.yes ?? false);
  await fund(session, prepared.maximum * BigInt(replicas), token);
  const cids = await upload(session, prepared);
  const { patience } = prepared.job.limits;
  const posted = await postFunded(session, token, {
    ...cids,
    ...parent,
    programRoot: prepared.programRoot,
    dataRoot: prepared.dataRoot,
    seed: prepared.seed,
    steps: prepared.program.steps,
    interval: prepared.program.interval,
    initUnits: prepared.units.init,
    stepUnits: prepared.units.step,
    evalUnits: prepared.units.eval,
    runTime: prepared.job.limits.runTime,
    expiry: Math.floor(Date.now() / 1000) + patience,
    maximum: prepared.maximum,
    replicas,
    constraints: prepared.constraints,
    ...(prepared.minCollateral === undefined ? {} : { minCollateral: prepared.minCollateral }),
    ...(prepared.statedLoss === undefined ? {} : { statedLoss: prepared.statedLoss }),
    ...(prepared.auditLine === undefined ? {} : { auditLine: prepared.auditLine }),
  });
  saveRun(session.home, { requests: [posted.digest], maxSpend, patience, stopped: false });
  output.good(`request signed and posted: ${shortHex(posted.digest)}`);
  await follow({ session, token, giveUp }, posted.digest, options, prepared);
};

export const registerRun = (program: Command): void => {
  program
    .command("run [file]")
    .description("post a job, follow it, fetch the model")
    .option(
      "--max-spend <amount>",
      "the most the job may cost, all providers together; default: limits.maximum of the file",
    )
    .option("--yes", "do not ask")
    .option("--out <folder>", "where the model goes", "./model")
    .option("--detach", "post the job and leave")
    .option("--replicas <count>", "providers that each do the whole job and must agree", "1")
    .option("--continue <job>", "instead of a file: go on where this job ended")
    .option(
      "--give-up <seconds>",
      "hand the job over when its provider is offline for so long",
      String(GIVE_UP_SECONDS),
    )
    .addHelpText(
      "after",
      "\nExample:\n  assay run job.yaml --max-spend 1.20 --out ./model\n  assay run --continue 0x12ab34 --max-spend 1.20\n\nCtrl-C leaves the job running: `assay jobs watch` follows it again, and hands it over where need be.",
    )
    .action(async (file: string | undefined, options: RunOptions, command: Command) => {
      if ((file === undefined) === (options.continue === undefined)) {
        throw new AssayError("USAGE_MISSING_ARGUMENT", "give a job file, or --continue JOB", {
          remedy: "assay run job.yaml, or assay run --continue 0x12ab34",
        });
      }
      const session = await sessionOf(command);
      if (file !== undefined) await startRun(session, file, options);
      else await continueRun(session, options.continue ?? "", options);
    });
};
