/**
 * The main job, end to end: a market on this machine, a job on real handwritten digits, the money, the model, where it came from,
 * and an independent run that says whether it is true. Every command shown is one that a user types. With `--fraud`: what happens to a
 * provider that cheats (`fraud.ts`), with `--clock SECONDS` for each side of the dispute.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pc from "picocolors";

import { decodeSafetensors, encodeSafetensors } from "@assay/engine/data/safetensors";
import { AssayError } from "@assay/protocol/errors";
import { writeLocalNetwork } from "../../services/cli/home/network.ts";
import { printUpEvent } from "../../services/cli/commands/up.ts";
import { startLocalMarket, type LocalMarket } from "../../services/cli/local/up.ts";
import { EXIT, printError } from "../../services/cli/terminal/output.ts";
import { encodeMnist } from "../datasets/mnist.ts";
import { fraud } from "./fraud.ts";
import { digitsJobFile } from "./job-file.ts";
import { assay, chapter, expect, output, ROOT, shown } from "./telling.ts";

const FOLDER = join(ROOT, ".assay", "demo");
const LEAST_ACCURACY = 0.95;

/** The accuracy that `assay run --json` would report, read from the model's own evaluation. */
const readResult = (file: string): { accuracy: number } => {
  const { metrics } = JSON.parse(readFileSync(file, "utf8")) as { metrics: Record<string, number> };
  return { accuracy: metrics["accuracy"] ?? 0 };
};

/** A copy of a model in which the lowest bit of one weight is another. */
const changeOneWeight = (from: string, to: string): void => {
  const { tensors, metadata } = decodeSafetensors(readFileSync(from));
  const [first] = tensors;
  if (first === undefined) throw new AssayError("DEMO_FAILED", "the model has no tensors");
  first.words[0] = (first.words[0] ?? 0) ^ 1;
  writeFileSync(to, encodeSafetensors(tensors, metadata));
};

const story = async (market: LocalMarket, home: string): Promise<void> => {
  const { rpcUrl, stateDir } = market.network;

  chapter("A job: train a network to read handwritten digits (MNIST)");
  const data = join(FOLDER, "mnist.safetensors");
  const job = join(FOLDER, "job.yaml");
  writeFileSync(data, encodeMnist());
  writeFileSync(job, digitsJobFile("mnist.safetensors"));
  output.good(`${shown(data)}: 8,000 digits to learn from, every fifth of 10,000 held out`);
  output.good(`${shown(job)}: the job, with every field explained`);
  expect("the quote", await assay(home, "quote", job));

  chapter("Post it, have it matched, trained and paid");
  const model = join(FOLDER, "model");
  expect("the job", await assay(home, "run", job, "--yes", "--out", model));
  const { accuracy } = readResult(join(model, "result.json"));
  if (accuracy < LEAST_ACCURACY) {
    throw new AssayError("DEMO_FAILED", `held-out accuracy ${accuracy} is below ${LEAST_ACCURACY}`);
  }

  chapter("The money: what was not spent goes home, the provider has earned");
  expect("the wallet", await assay(home, "wallet", "withdraw"));
  expect("the provider", await assay(home, "provider", "status", "meadow"));

  chapter(
    "Where the model came from: a separate process with the chain's URL and the content store, nothing else",
  );
  const stranger = join(FOLDER, "stranger");
  const file = join(model, "model.safetensors");
  const sources = ["--rpc", rpcUrl, "--content", join(stateDir, "market", "content")];
  expect("the check", await assay(stranger, "verify", file, "--rerun", ...sources));

  chapter("And if one weight were another?");
  const changed = join(FOLDER, "changed.safetensors");
  changeOneWeight(file, changed);
  expect(
    "the check of a changed model",
    await assay(stranger, "verify", changed, ...sources),
    EXIT.checkFailed,
  );
};

const secondsOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new AssayError("DEMO_CLOCK_INVALID", `${text} is no number of seconds`, {
    remedy: "try --clock 300",
  });
};

const run = async (): Promise<void> => {
  rmSync(FOLDER, { recursive: true, force: true });
  const home = join(FOLDER, "home");
  mkdirSync(home, { recursive: true });
  chapter("A market on this machine: chain, contracts, matcher, indexer, API and three providers");
  const market = await startLocalMarket({
    stateDir: join(FOLDER, "market"),
    onEvent: (event) => printUpEvent(output, event),
  });
  try {
    writeLocalNetwork({ pid: process.pid, ...market.network }, home);
    const failed = market.failed.then((error) => {
      throw error;
    });
    await Promise.race([story(market, home), failed]);
  } finally {
    await market.stop();
  }
  chapter(pc.green("Done: trained, paid, and proven"));
  output.line(`the model is in ${shown(join(FOLDER, "model"))}; it loads wherever safetensors do`);
  output.line("try next:");
  output.line("  npm run assay -- up              a market of your own, left running");
  output.line("  npm run assay -- init my-job     a job to change and run");
  output.line("  npm run demo -- --fraud          a provider that cheats, and what becomes of it");
  output.line("  npm run assay -- --help          everything else");
};

try {
  const { values } = parseArgs({
    options: { fraud: { type: "boolean" }, clock: { type: "string" } },
  });
  await (values.fraud === true ? fraud(secondsOf(values.clock)) : run());
  process.exit(0);
} catch (error) {
  process.exit(printError(error, false));
}
