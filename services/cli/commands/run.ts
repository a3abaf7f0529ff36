import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import pc from "picocolors";
import { selectTensors } from "@assay/engine/data/dataset";
import { decodeSafetensors } from "@assay/engine/data/safetensors";
import type { JobView } from "@assay/protocol/wire/api";
import { digestOf } from "@assay/storage/cid";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { PostedJob, PostJobParameters } from "@assay/sdk/actions/post-job";
import type { Session } from "../home/session.ts";
import { evaluateModel } from "../verify/evaluate.ts";
import { prepareJob, quoteAskOf, type PreparedJob } from "../jobfile/prepare.ts";
import { followUntilInterrupted } from "../jobs/follow.ts";
import { pullModel } from "../jobs/pull.ts";
import { confirm } from "../terminal/ask.ts";
import {
  formatAmount,
  formatPercent,
  parseAmount,
  shortHex,
  type Token,
} from "../terminal/format.ts";
import { sessionOf, tokenOf } from "./common.ts";
import { printQuote, printWork } from "./quote.ts";

interface RunOptions {
  readonly maxSpend?: string;
  readonly yes?: boolean;
  readonly out?: string;
  readonly detach?: boolean;
}

/** Brings the ledger balance up to `needed` from the wallet. @throws `BALANCE_TOO_LOW` */
const fund = async (session: Session, needed: bigint, token: Token): Promise<void> => {
  const free = await session.assay.balance();
  if (free >= needed) return;
  const short = needed - free;
  const wallet = await session.assay.walletBalance();
  if (wallet < short) {
    throw new AssayError(
      "BALANCE_TOO_LOW",
      `${formatAmount(short, token)} are missing and the wallet holds ${formatAmount(wallet, token)}`,
      {
        remedy: `send ${token.symbol} to ${session.account().address}, or lower limits.maximum`,
        details: { free, wallet, needed },
      },
    );
  }
  const { hash, receipt } = await session.assay.deposit(short);
  session.output.good(
    `deposited ${formatAmount(short, token)}${pc.dim(`  tx ${shortHex(hash)}, ${receipt.gasUsed.toLocaleString("en")} gas`)}`,
  );
};

/** Puts program and data where providers can fetch them. */
const upload = async (
  session: Session,
  prepared: PreparedJob,
): Promise<{ programCid: `0x${string}`; dataCid: `0x${string}` }> => {
  const content = await session.content();
  const program = await content.putFile(prepared.programFile);
  const data = await content.putFile(prepared.dataFile);
  session.output.good(`program ${program.toString()}`);
  session.output.good(`data    ${data.toString()}`);
  return { programCid: digestOf(program), dataCid: digestOf(data) };
};

/** Which record of the chain a parent model is: the latest. @throws `PARENT_UNKNOWN` */
const parentOf = async (
  session: Session,
  { parent }: PreparedJob,
): Promise<Pick<PostJobParameters, "parentRoot" | "parentIndex">> => {
  if (parent === undefined) return {};
  const records = await session.reader.provenance(parent.root);
  if (records.length > 0) return { parentRoot: parent.root, parentIndex: records.length - 1 };
  throw new AssayError("PARENT_UNKNOWN", "the chain knows no job that made the parent model", {
    remedy: "start from a model that a settled job of this market produced",
    details: { modelRoot: parent.root },
  });
};

/** Tries when other commands of the same requester post at the same time. */
const MOST_TRIES = 5;

/** Posts the job; where open requests of this requester claim the balance already, deposits what is missing and posts again. */
const postFunded = async (
  session: Session,
  token: Token,
  job: PostJobParameters,
): Promise<PostedJob> => {
  for (let tries = 1; ; tries++) {
    try {
      return await session.assay.postJob(job);
    } catch (error) {
      if (tries === MOST_TRIES || !isAssayError(error, "ESCROW_MISSING")) throw error;
      await fund(session, BigInt(String(error.details["needed"])), token);
    }
  }
};

/** Evaluates the fetched model here and compares with what the provider committed to. */
const evaluate = async (
  session: Session,
  prepared: PreparedJob,
  modelFile: string,
  job: JobView,
): Promise<Record<string, number>> => {
  const { program, seed } = prepared;
  const data = selectTensors(decodeSafetensors(prepared.dataFile).tensors, program.data).map(
    ({ words }) => words,
  );
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

export const registerRun = (program: Command): void => {
  program
    .command("run <file>")
    .description("post a job, follow it, fetch the model")
    .option(
      "--max-spend <amount>",
      "the most the job may cost; default: limits.maximum of the file",
    )
    .option("--yes", "do not ask")
    .option("--out <folder>", "where the model goes", "./model")
    .option("--detach", "post the job and leave")
    .addHelpText(
      "after",
      "\nExample:\n  assay run job.yaml --max-spend 1.20 --out ./model\n\nCtrl-C leaves the job running: `assay jobs watch` follows it again.",
    )
    .action(async (file: string, options: RunOptions, command: Command) => {
      const session = await sessionOf(command);
      const { output } = session;
      const token = await tokenOf(session);
      const loaded = await prepareJob(file, token);
      const maximum =
        options.maxSpend === undefined ? loaded.maximum : parseAmount(options.maxSpend, token);
      const prepared = { ...loaded, maximum };

      output.step("Quote");
      printWork(session, prepared);
      const quote = await session.reader.quote(quoteAskOf(prepared));
      printQuote(session, quote, token);

      output.step("Agreement");
      output.line(
        `you pay at most ${formatAmount(maximum, token)}, for work done, checkpoint by checkpoint; what is not used comes back`,
      );
      output.line("data, program and model of a public job can be read by anyone");
      output.line(
        "a wrong result can be found (assay verify --rerun) but not yet disputed on chain; hardware and region are the provider's own word",
      );
      const parent = await parentOf(session, prepared);
      await confirm("Sign and post this job?", options.yes ?? false);
      await fund(session, maximum, token);
      const cids = await upload(session, prepared);
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
        expiry: Math.floor(Date.now() / 1000) + prepared.job.limits.patience,
        maximum,
        constraints: prepared.constraints,
        ...(prepared.minCollateral === undefined ? {} : { minCollateral: prepared.minCollateral }),
        ...(prepared.statedLoss === undefined ? {} : { statedLoss: prepared.statedLoss }),
      });
      output.good(`request signed and posted: ${shortHex(posted.digest)}`);
      if (options.detach === true) {
        output.next(`assay jobs watch ${posted.digest}`);
        output.result({ request: posted.digest });
        return;
      }

      output.step("Training");
      const job = await followUntilInterrupted(
        session,
        (watch) => session.reader.watchRequest(posted.digest, watch),
        posted.digest,
      );
      if (job === undefined) return;
      if (job.state !== "settled") {
        throw new AssayError("JOB_FAILED", `the job ended ${job.state}`, {
          remedy: "run it again: your money is back, less what was paid for settled checkpoints",
          details: { job: job.id },
        });
      }
      output.step("Model");
      const pulled = await pullModel(session, job.id, options.out ?? "./model");
      const metrics = await evaluate(session, prepared, pulled.modelFile, job);
      output.next(`assay verify ${pulled.modelFile} --rerun`);
      const result = { request: posted.digest, job: job.id, ...pulled, metrics };
      writeFileSync(
        join(options.out ?? "./model", "result.json"),
        `${JSON.stringify(result, null, 2)}\n`,
      );
      output.result(result);
    });
};
