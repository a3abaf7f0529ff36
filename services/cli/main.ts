#!/usr/bin/env node
/** The `assay` command: one file per command under `commands/`, thin over the SDK. */
import { Command, CommanderError } from "commander";
import { AssayError } from "@assay/protocol/errors";
import { EXIT, printError } from "./terminal/output.ts";

type Register = (program: Command) => void;

/** Loaded when named, so that a short command does not wait for what only `up` needs. In the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  up: async () => (await import("./commands/up.ts")).registerUp,
  down: async () => (await import("./commands/down.ts")).registerDown,
  doctor: async () => (await import("./commands/doctor.ts")).registerDoctor,
  init: async () => (await import("./commands/init.ts")).registerInit,
  data: async () => (await import("./commands/data.ts")).registerData,
  estimate: async () => (await import("./commands/estimate.ts")).registerEstimate,
  quote: async () => (await import("./commands/quote.ts")).registerQuote,
  run: async () => (await import("./commands/run.ts")).registerRun,
  jobs: async () => (await import("./commands/jobs.ts")).registerJobs,
  cancel: async () => (await import("./commands/cancel.ts")).registerCancel,
  stop: async () => (await import("./commands/stop.ts")).registerStop,
  "sign-off": async () => (await import("./commands/sign-off.ts")).registerSignOff,
  pull: async () => (await import("./commands/pull.ts")).registerPull,
  export: async () => (await import("./commands/export.ts")).registerExport,
  provider: async () => (await import("./commands/provider.ts")).registerProvider,
  provenance: async () => (await import("./commands/provenance.ts")).registerProvenance,
  verify: async () => (await import("./commands/verify.ts")).registerVerify,
  dispute: async () => (await import("./commands/dispute.ts")).registerDispute,
  challenge: async () => (await import("./commands/challenge.ts")).registerChallenge,
  demand: async () => (await import("./commands/demand.ts")).registerDemand,
  conflicts: async () => (await import("./commands/conflicts.ts")).registerConflicts,
  watcher: async () => (await import("./commands/watcher.ts")).registerWatcher,
  governance: async () => (await import("./commands/governance.ts")).registerGovernance,
  wallet: async () => (await import("./commands/wallet.ts")).registerWallet,
};

const json = process.argv.includes("--json");

const program = new Command("assay")
  .description("Post paid training jobs, provide compute, and check where a model came from.")
  .option("--json", "print one JSON object instead of text")
  .option("--api <url>", "market to talk to (default: the one `assay up` runs)")
  .option("--rpc <url>", "chain to talk to (default: the one `assay up` runs)")
  .option("--key <file>", "private key that signs (default: a key of `assay up`)")
  .addHelpText(
    "after",
    "\nExample:\n  assay up                      # a whole market here; in another terminal:\n  assay init my-job\n  assay run my-job/job.yaml",
  )
  // What is wrong with a call is said by `printError`, with a code, like any other error.
  .configureOutput({ outputError: () => undefined, ...(json ? { writeErr: () => undefined } : {}) })
  .exitOverride();

/** A wrong call as an error with a code: `USAGE_UNKNOWN_OPTION`, `USAGE_MISSING_ARGUMENT`, … */
const usageError = ({ code, message }: CommanderError): AssayError =>
  new AssayError(
    `USAGE_${code
      .replace(/^commander\./, "")
      .replaceAll(/[A-Z]/g, "_$&")
      .toUpperCase()}`,
    code === "commander.help" ? "a command is missing" : message.replace(/^error: /, ""),
    { remedy: "run the command with --help for an example" },
  );

try {
  const named = Object.keys(COMMANDS).filter((name) => process.argv.includes(name));
  for (const name of named.length > 0 ? named : Object.keys(COMMANDS))
    (await COMMANDS[name]?.())?.(program);
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) process.exitCode = printError(error, json);
  else if (error.exitCode !== 0) {
    // Where a command is missing, its help has been printed already.
    if (json || error.code !== "commander.help") printError(usageError(error), json);
    process.exitCode = EXIT.usage;
  }
}
