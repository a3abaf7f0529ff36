import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import pc from "picocolors";
import type { Hex } from "viem";
import { bytesInFiles } from "@assay/engine/columns/column";
import { startEngine } from "@assay/engine/wasm/settings";
import { AssayError } from "@assay/protocol/errors";
import type { ProvenanceRecord } from "@assay/sdk/actions/provenance";
import type { Session } from "../home/session.ts";
import { ownGrant } from "../jobfile/grant.ts";
import { modelRootOfFile } from "../jobs/pull.ts";
import { formatCount, formatPercent, formatSeconds, shortHex } from "../terminal/format.ts";
import { EXIT } from "../terminal/output.ts";
import { metricsOf } from "../verify/evaluate.ts";
import { fetchInputs, fetchStart } from "../verify/inputs.ts";
import { rerunInterval, rerunJob } from "../verify/rerun.ts";
import { sessionOf, tokenOf } from "./common.ts";
import { engineWish, lanesOption, threadsOption } from "./engine-options.ts";
import { printRecord } from "./provenance.ts";

interface VerifyOptions {
  readonly rerun?: boolean;
  readonly interval?: string;
  readonly content?: string;
  readonly threads: string;
  readonly lanes: string;
}

/** Prints one comparison and remembers whether all held. */
class Verdict {
  readonly #session: Session;
  readonly checks: { readonly what: string; readonly ok: boolean }[] = [];

  constructor(session: Session) {
    this.#session = session;
  }

  check(what: string, ok: boolean, note = ""): boolean {
    this.checks.push({ what, ok });
    this.#session.output[ok ? "good" : "bad"](`${what}${note === "" ? "" : pc.dim(`  ${note}`)}`);
    return ok;
  }

  compare(what: string, actual: string, expected: string): boolean {
    const ok = actual === expected;
    return this.check(what, ok, ok ? actual : `is ${actual}, the chain says ${expected}`);
  }

  get ok(): boolean {
    return this.checks.every((check) => check.ok);
  }
}

const since = (start: number): string => formatSeconds((performance.now() - start) / 1000);

/** The file of the model that a job started from. @throws `PARENT_UNKNOWN` */
const parentFileOf = async (
  { reader }: Session,
  { parentRoot, parentIndex }: { readonly parentRoot: Hex; readonly parentIndex: number },
): Promise<Hex> => {
  const record = (await reader.provenance(parentRoot))[parentIndex];
  const modelCid = record && (await reader.jobFromChain(record.jobId)).modelCid;
  if (modelCid !== undefined) return modelCid;
  throw new AssayError("PARENT_UNKNOWN", "the chain does not say where the parent model is", {
    remedy: "verify the parent first",
  });
};

const rerun = async (
  session: Session,
  verdict: Verdict,
  record: ProvenanceRecord,
  options: VerifyOptions,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "assay-verify-"));
  try {
    await rerunIn(folder, session, verdict, record, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** `folder`: where a data set lies that does not fit into memory. */
const rerunIn = async (
  folder: string,
  session: Session,
  verdict: Verdict,
  record: ProvenanceRecord,
  options: VerifyOptions,
): Promise<void> => {
  const { output, reader } = session;
  const chain = await reader.jobFromChain(record.jobId);
  const { terms, progress } = chain.job;
  verdict.check("job record matches the hash in the market contract", true, shortHex(record.jobId));
  const { engine, missing } = startEngine(engineWish(options), 1);
  output.step("Inputs");
  const room = { ...ownGrant(engine), dataPath: join(folder, "data.safetensors") };
  const job = await fetchInputs(await session.content(options.content), chain, room, () =>
    parentFileOf(session, terms),
  );
  const onDisk = bytesInFiles(job.inputs.data);
  if (onDisk > 0)
    output.line(
      `the data set (${formatCount(onDisk)}B) is read from disk: half of this machine's memory has no room for it`,
    );
  verdict.compare("program", job.programRoot, record.programRoot);
  verdict.compare("data set", job.dataRoot, record.dataRoot);
  if (job.program.parent.length > 0)
    verdict.compare("parent model", job.parentRoot, terms.parentRoot);
  if (!verdict.ok) return;
  const start = await fetchStart(
    await session.content(options.content),
    chain.job,
    job.program,
    () => parentFileOf(session, terms),
  );
  if (start !== undefined)
    verdict.check(
      "state it went on from",
      true,
      `step ${start.step}, ${shortHex(terms.startRoot)}`,
    );

  output.step("Running the whole job again");
  const begun = performance.now();
  if (missing !== undefined) output.line(pc.yellow(`narrow lanes: ${missing}`));
  const { result, sample } = await rerunJob({
    job,
    engine,
    start,
    until: progress.checkpoint,
    ...(options.interval === undefined ? {} : { interval: Number(options.interval) }),
    onStep: (step) => output.live(`step ${step}/${terms.steps}  ${since(begun)}`),
  });
  output.line(
    `${result.step - terms.startStep} steps in ${since(begun)} on the WebAssembly back end`,
  );
  verdict.compare("trace", result.traceRoot, record.traceRoot);
  verdict.compare("model", result.modelRoot, progress.modelRoot);
  verdict.compare("evaluation", result.evalRoot, record.evalRoot);
  const { accuracy } = metricsOf(job.program, result.evaluation);
  if (accuracy !== undefined)
    output.line(`held-out accuracy ${formatPercent(accuracy)}, as committed`);

  output.step(
    `Running interval ${sample.index} again on the reference back end${options.interval === undefined ? " (drawn at random)" : ""}`,
  );
  const slow = performance.now();
  const root = await rerunInterval(job, terms.startStep, sample);
  verdict.compare(`checkpoint ${sample.index + 1}`, root, sample.nextRoot);
  output.line(`in ${since(slow)}, sharing no code with the compiler`);
};

export const registerVerify = (program: Command): void => {
  program
    .command("verify <file>")
    .description("where a model file came from, and whether that is true; ✓ or ✗ a line")
    .option("--rerun", "run the whole job again, and one interval on the reference back end")
    .option(
      "--interval <index>",
      "which interval the reference back end runs; default: drawn at random",
    )
    .addOption(threadsOption())
    .addOption(lanesOption())
    .option(
      "--content <source>",
      "folder or gateway URL for program and data; default: the market's",
    )
    .addHelpText(
      "after",
      "\nNeeds the chain's URL and, to run again, a content store; nobody has to be trusted.\nExit code 3: something did not hold.\n\nExample:\n  assay verify model.safetensors --rerun --rpc http://127.0.0.1:8545 --content ./content",
    )
    .action(async (file: string, options: VerifyOptions, command: Command) => {
      const session = await sessionOf(command);
      const { output } = session;
      const verdict = new Verdict(session);
      const modelRoot = modelRootOfFile(file);
      output.step(`Model ${modelRoot}`);
      const records = await session.reader.provenance(modelRoot);
      const record = records.at(-1);
      if (
        !verdict.check(
          "this exact model is on the chain",
          record !== undefined,
          record === undefined
            ? "no record: it is not what any settled job produced"
            : `${records.length} record${records.length === 1 ? "" : "s"}`,
        ) ||
        record === undefined
      ) {
        output.result({ file, modelRoot, ok: false, checks: verdict.checks });
        process.exitCode = EXIT.checkFailed;
        return;
      }
      printRecord(output, record, await tokenOf(session));
      const ancestors = (await session.reader.lineage(modelRoot, records.length - 1)).slice(1);
      for (const { record: before } of ancestors)
        output.line(
          `made from  job ${shortHex(before.jobId)} of ${shortHex(before.provider)} at step ${before.step} (${before.assurance})`,
        );
      if (options.rerun === true) await rerun(session, verdict, record, options);
      output.step(
        verdict.ok ? pc.green("✓ everything holds") : pc.red("✗ something does not hold"),
      );
      output.result({
        file,
        modelRoot,
        ok: verdict.ok,
        checks: verdict.checks,
        records,
        ancestors,
      });
      if (!verdict.ok) process.exitCode = EXIT.checkFailed;
    });
};
