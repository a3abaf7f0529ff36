import type { Command } from "commander";
import pc from "picocolors";
import { AssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { openChallenge, type SingleChallenge } from "@assay/watcher/challenge";
import type { Session } from "../home/session.ts";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, formatSeconds, shortHex, type Token } from "../terminal/format.ts";
import { untilInterrupted } from "../terminal/interrupt.ts";
import { readableLog } from "../terminal/log-lines.ts";
import { EXIT } from "../terminal/output.ts";
import { asWatcher, sessionOf, tokenOf } from "./common.ts";
import {
  engineWish,
  lanesOption,
  maxDataBytes,
  maxDataOption,
  threadsOption,
} from "./engine-options.ts";
import { jobIdOf } from "./jobs.ts";
import { watcherFolder, WATCHER_LIMITS } from "./watcher.ts";

interface ChallengeOptions {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly threads: string;
  readonly lanes: string;
  readonly maxData: string;
  readonly content?: string;
  readonly state?: string;
}

const PARTS = {
  checkpoint: "a checkpoint on the way",
  lastState: "the last state",
  model: "the model's root",
  evaluation: "the evaluation's root",
} as const;

const equal = (): AssayError =>
  new AssayError("CHALLENGE_EQUAL", "your own run gives the same 32 bytes: the result is right", {
    remedy: "do not challenge it: you would lose the bond (--force does it all the same)",
  });

/** What is known, what a challenge costs and what can come of it; asks once. */
const proceed = async (
  session: Session,
  challenge: SingleChallenge,
  token: Token,
  options: ChallengeOptions,
): Promise<"play" | "provoke"> => {
  const { output } = session;
  const begun = performance.now();
  const { target, bond, windowEnd } = await challenge.examine();
  const took = formatSeconds((performance.now() - begun) / 1_000);
  if (target === undefined) {
    output.good(`run again in ${took}: every root is the same`);
    if (options.force !== true) throw equal();
  } else output.bad(`run again in ${took}: ${PARTS[target]} differs`);
  const left = windowEnd - Number((await session.reader.context.publicClient.getBlock()).timestamp);
  output.line(
    `bond ${formatAmount(bond, token)}; the window is open for ${formatSeconds(left)} more`,
  );
  output.line(
    target === undefined
      ? pc.yellow(
          "nothing can be pointed at: the game is left to its clock, and the provider gets the bond",
        )
      : "the provider has to open its run level by level; this machine points at the first difference until one scalar is left",
  );
  await confirm(`Challenge for a bond of ${formatAmount(bond, token)}?`, options.yes ?? false);
  return target === undefined ? "provoke" : "play";
};

export const registerChallenge = (program: Command): void => {
  program
    .command("challenge <job>")
    .description("run a submitted job again and, where it is wrong, play against it to the end")
    .option("--yes", "do not ask")
    .option("--force", "challenge even where your own run gives the same result")
    .option(
      "--content <source>",
      "folder or gateway URL for programs and data; default: the market's",
    )
    .addOption(threadsOption())
    .addOption(lanesOption())
    .addOption(maxDataOption())
    .option("--state <folder>", "journal and runs; default: those of `assay watcher start`")
    .addHelpText(
      "after",
      "\nTakes a bond, which goes to the provider if you lose. Ctrl-C leaves; `assay watcher start` or the same command goes on with the game.\n\nExample:\n  assay challenge 0x12ab34",
    )
    .action(async (text: string, options: ChallengeOptions, command: Command) => {
      const session = await sessionOf(command, asWatcher);
      const { output } = session;
      const account = session.account();
      const token = await tokenOf(session);
      const jobId = await jobIdOf(session, text);
      output.step(`Challenge of job ${shortHex(jobId)}`);
      const outcome = await untilInterrupted(
        async (signal) => {
          const challenge = await openChallenge(
            {
              account,
              rpcUrl: session.rpcUrl,
              apiUrl: session.apiUrl,
              deployment: await session.reader.context.deployment(),
              content: options.content,
              stateDir: watcherFolder(session, options.state),
              early: false,
              capacity: 1,
              engine: engineWish(options),
              ...WATCHER_LIMITS,
              maxDataBytes: maxDataBytes(options),
              logger: createLogger({
                name: "challenge",
                destination: output.json
                  ? process.stderr
                  : { write: (line) => output.line(readableLog(line, token)) },
              }),
            },
            jobId,
            signal,
          );
          try {
            const how = await proceed(session, challenge, token, options);
            if (how === "play") return await challenge.play();
            const hash = await challenge.provoke();
            output.line(`challenged  tx ${shortHex(hash)}`);
            return "provoked" as const;
          } finally {
            await challenge.close();
          }
        },
        () => output.line("left; the game goes on: run the same command to play on"),
      );
      if (outcome === undefined) return;
      if (outcome === "won")
        output.good("won: the provider was slashed, bond and reward are in your balance");
      else if (outcome !== "provoked") output.bad(`ended: ${outcome}`);
      output.result({ jobId, outcome });
      if (outcome === "lost" || outcome === "unknown") process.exitCode = EXIT.failure;
    });
};
