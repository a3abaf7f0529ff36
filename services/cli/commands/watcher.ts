import type { Command } from "commander";
import { join } from "node:path";
import pc from "picocolors";
import { isAddress, type Address } from "viem";
import { AssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { startWatcher } from "@assay/watcher/watcher";
import type { Session } from "../home/session.ts";
import { formatAmount } from "../terminal/format.ts";
import { readableLog } from "../terminal/log-lines.ts";
import { asWatcher, sessionOf, tokenOf } from "./common.ts";
import {
  engineWish,
  lanesOption,
  maxDataBytes,
  maxDataOption,
  threadsOption,
} from "./engine-options.ts";

interface StartOptions {
  readonly fraction: string;
  readonly maxUnits?: string;
  readonly only?: string;
  readonly auditFor?: string;
  readonly early?: boolean;
  readonly capacity: string;
  readonly threads: string;
  readonly lanes: string;
  readonly maxData: string;
  readonly maxBond?: string;
  readonly content?: string;
  readonly state?: string;
  readonly verbose?: boolean;
}

const MIB = 2 ** 20;
const CACHE_MIB = 16_384;
const FINALITY = 64;

/** What a watcher at the command line may use. */
export const WATCHER_LIMITS = {
  checkpointBytes: 2_048 * MIB,
  pollMs: 500,
} as const;

/** Folder of a watcher's journal and runs, one a key. */
export const watcherFolder = (session: Session, chosen: string | undefined): string =>
  chosen ?? join(session.home, "watchers", session.account().address.toLowerCase());

const number = (text: string, name: string, least: number, most: number): number => {
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new AssayError(
    "USAGE_BAD_NUMBER",
    `--${name} ${text} is not between ${least} and ${most}`,
    {
      remedy: `give a number from ${least} to ${most}`,
    },
  );
};

const addresses = (text: string | undefined, name: string): Address[] =>
  (text?.split(",") ?? []).map((one) => {
    if (isAddress(one, { strict: false })) return one;
    throw new AssayError("USAGE_BAD_ADDRESS", `--${name}: “${one}” is no address`, {
      remedy: "give addresses: 0x and 40 hex digits, with commas between",
    });
  });

const units = (text: string | undefined): bigint | undefined => {
  if (text === undefined) return undefined;
  if (/^[1-9][0-9]*$/.test(text)) return BigInt(text);
  throw new AssayError("USAGE_BAD_NUMBER", `--max-units ${text} is no number of work units`, {
    remedy: "give a whole number, such as 2000000000",
  });
};

export const registerWatcher = (program: Command): void => {
  const watcher = program
    .command("watcher")
    .description("run other people's jobs again and challenge results that are wrong")
    .addHelpText("after", "\nExample:\n  assay watcher start --fraction 0.2");
  watcher
    .command("start")
    .description("follow the market's submissions and play every game to its end")
    .option("--fraction <share>", "share of all jobs to run again, 0 to 1", "1")
    .option("--max-units <units>", "leave jobs of more work units to others")
    .option("--only <addresses>", "watch only jobs of these requesters or providers")
    .option("--audit-for <address>", "stake to audit for, if this key is an operator of it")
    .option("--early", "run a job when it is agreed, not only once something is submitted")
    .option("--capacity <jobs>", "jobs to run at a time", "1")
    .addOption(threadsOption())
    .addOption(lanesOption())
    .addOption(maxDataOption())
    .option("--max-bond <amount>", "most tokens to risk in one game")
    .option(
      "--content <source>",
      "folder or gateway URL for programs and data; default: the market's",
    )
    .option("--state <folder>", "journal, runs and fetched content")
    .option("--verbose", "log every event")
    .addHelpText(
      "after",
      "\nA challenge takes a bond, which a game that is lost gives to the provider; one that is won brings a share of the provider's\ncollateral. Nothing is challenged that this machine is not sure of. Ctrl-C stops; the next start goes on with every game.\n\nExample:\n  assay watcher start --fraction 0.2 --max-bond 20",
    )
    .action(async (options: StartOptions, command: Command) => {
      const session = await sessionOf(command, asWatcher);
      const { output, apiUrl } = session;
      const account = session.account();
      const token = await tokenOf(session);
      const stateDir =
        options.state ?? join(session.home, "watchers", account.address.toLowerCase());
      const started = await startWatcher({
        account,
        rpcUrl: session.rpcUrl,
        apiUrl,
        deployment: await session.reader.context.deployment(),
        content: options.content,
        stateDir,
        choice: {
          fraction: number(options.fraction, "fraction", 0, 1),
          maxUnits: units(options.maxUnits),
          only: addresses(options.only, "only"),
        },
        auditor: addresses(options.auditFor, "audit-for")[0],
        early: options.early ?? false,
        capacity: number(options.capacity, "capacity", 1, 1_024),
        engine: engineWish(options),
        maxBond: options.maxBond,
        ...WATCHER_LIMITS,
        maxDataBytes: maxDataBytes(options),
        cacheBytes: CACHE_MIB * MIB,
        finality: FINALITY,
        logger: createLogger({
          name: "watcher",
          level: options.verbose === true ? "debug" : "info",
          // Standard output is for the result alone where a program reads it.
          destination: output.json
            ? process.stderr
            : { write: (line) => output.line(readableLog(line, token)) },
        }),
      });
      const [free, wallet] = await Promise.all([
        session.reader.balance(account.address),
        session.reader.walletBalance(account.address),
      ]);
      output.step(`Watcher ${account.address}`);
      output.good(
        `${formatAmount(free, token)} in the market and ${formatAmount(wallet, token)} in the wallet for bonds`,
      );
      output.line(pc.dim(`state in ${stateDir}; in another terminal: assay dispute list`));
      output.line(pc.dim("Ctrl-C stops; a second one at once"));
      output.result({ watcher: account.address, free, wallet, stateDir });
      let signals = 0;
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.on(signal, () => {
          signals += 1;
          if (signals > 1) process.exit(130);
          void started.stop();
        });
      }
      await started.finished;
      output.good("stopped");
    });
};
