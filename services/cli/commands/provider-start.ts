import type { Command } from "commander";
import { join } from "node:path";
import pc from "picocolors";
import type { Address } from "viem";
import { createAgent } from "@assay/provider/agent/agent";
import { AssayError } from "@assay/protocol/errors";
import { createLogger } from "@assay/runtime/logger";
import { formatCount, formatUnitPrice, parseAmount, type Token } from "../terminal/format.ts";
import { readableLog } from "../terminal/log-lines.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";
import {
  engineWish,
  lanesOption,
  maxDataBytes,
  maxDataOption,
  threadsOption,
} from "./engine-options.ts";
import { reserveStake } from "./provider-reserve.ts";

interface StartOptions {
  readonly price: string;
  readonly floor: string;
  readonly name?: string;
  readonly region: string;
  readonly capacity: string;
  readonly dutyCycle: string;
  readonly threads: string;
  readonly lanes: string;
  readonly maxData: string;
  readonly maxStatedLoss: string;
  readonly maxBond?: string;
  readonly reserve?: string;
  readonly provider?: string;
  readonly state?: string;
  readonly gpu?: string | boolean;
  readonly verbose?: boolean;
}

const MIB = 2 ** 20;
const CHECKPOINT_MIB = 2048;

const number = (text: string, name: string, least: number, most: number): number => {
  const value = Number(text);
  if (!(value >= least && value <= most)) {
    throw new AssayError(
      "USAGE_BAD_NUMBER",
      `--${name} ${text} is not between ${least} and ${most}`,
      {
        remedy: `give a number from ${least} to ${most}`,
      },
    );
  }
  return value;
};

const checkPrice = (text: string): string => {
  if (text === "auto" || /^[0-9]+(\.[0-9]+)?$/.test(text)) return text;
  throw new AssayError("USAGE_BAD_PRICE", `--price ${text} is neither a number nor \`auto\``, {
    remedy: "give tokens per giga-operation, such as 0.004, or `auto` to follow the market",
  });
};

/** @throws `USAGE_BAD_PRICE` */
const checkFloor = (text: string): string => {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text) && Number(text) > 0) return text;
  throw new AssayError("USAGE_BAD_PRICE", `--floor ${text} is not a price`, {
    remedy: "give tokens per giga-operation above 0, such as 0.001",
  });
};

/** A decimal amount of tokens, as the agent takes it. @throws `USAGE_BAD_AMOUNT` */
const checkAmount = (text: string, token: Token): string => {
  parseAmount(text, token);
  return text;
};

/** Folder of the agent's journal, checkpoints and status, one per provider. */
export const agentFolder = (home: string, provider: Address, chosen: string | undefined): string =>
  chosen ?? join(home, "providers", provider.toLowerCase());

export const registerProviderStart = (provider: Command): void => {
  provider
    .command("start")
    .description("offer this machine and run the jobs it wins")
    .option("--price <amount>", "tokens per giga-operation, or `auto` to follow the market", "auto")
    .option("--floor <amount>", "least that `auto` may ask", "0.001")
    .option("--name <name>", "name shown in the market")
    .option("--region <region>", "where this machine is", "unknown")
    .option("--capacity <jobs>", "jobs at a time", "1")
    .option("--duty-cycle <share>", "share of the time a job may compute", "1")
    .addOption(threadsOption())
    .addOption(lanesOption())
    .addOption(maxDataOption())
    .option("--max-stated-loss <amount>", "largest damage stated by a requester to answer for", "0")
    .option(
      "--max-bond <amount>",
      "most to bring for a game against a replica that differs; default: what the contract asks",
    )
    .option("--reserve <amount>", "part of the stake that is kept out of every new job")
    .option("--provider <address>", "staker that this key works for as an operator")
    .option("--state <folder>", "journal, checkpoints and status")
    .option("--gpu [index]", "run on a GPU")
    .option("--verbose", "log every event")
    .addHelpText(
      "after",
      "\nCtrl-C withdraws the offer and stops; the next start goes on from the last checkpoints.\n\nExample:\n  assay provider start --price 0.004 --name my-pc",
    )
    .action(async (options: StartOptions, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const { output } = session;
      if (session.apiUrl === undefined) {
        throw new AssayError("USAGE_NO_MARKET", "no market was named", {
          remedy: "give --api URL or set ASSAY_API_URL",
        });
      }
      const account = session.account();
      const staker = (options.provider ?? account.address) as Address;
      const stateDir = agentFolder(session.home, staker, options.state);
      const token = await tokenOf(session);
      if (options.reserve !== undefined)
        await reserveStake(session, staker, parseAmount(options.reserve, token), token);
      const agent = await createAgent({
        account,
        provider: staker,
        rpcUrl: session.rpcUrl,
        apiUrl: session.apiUrl,
        stateDir,
        price: checkPrice(options.price),
        priceFloor: checkFloor(options.floor),
        capacity: number(options.capacity, "capacity", 1, 1024),
        dutyCycle: number(options.dutyCycle, "duty-cycle", 0.01, 1),
        engine: engineWish(options),
        hardware: options.gpu === undefined ? "cpu" : "gpu",
        maxDataBytes: maxDataBytes(options),
        checkpointBytes: CHECKPOINT_MIB * MIB,
        maxStatedLoss: checkAmount(options.maxStatedLoss, token),
        maxBond: options.maxBond && checkAmount(options.maxBond, token),
        about: {
          name: options.name,
          region: options.region,
          jurisdiction: undefined,
          carbonGramsPerKwh: undefined,
        },
        logger: createLogger({
          name: "provider",
          level: options.verbose === true ? "debug" : "info",
          // Standard output is for the result alone where a program reads it.
          destination: output.json
            ? process.stderr
            : { write: (line) => output.line(readableLog(line, token)) },
        }),
      }).start();
      output.step(`Provider ${staker}`);
      output.good(
        `${formatCount(agent.unitsPerSecond)}op/s, asking ${formatUnitPrice(agent.unitPrice, token)}`,
      );
      output.line(pc.dim(`state in ${stateDir}; in another terminal: assay provider status`));
      output.line(pc.dim("Ctrl-C stops; a second one at once"));
      output.result({
        provider: staker,
        offer: agent.offer,
        unitsPerSecond: agent.unitsPerSecond,
        unitPrice: agent.unitPrice,
        stateDir,
      });
      let signals = 0;
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.on(signal, () => {
          signals += 1;
          if (signals > 1) process.exit(130);
          void agent.stop();
        });
      }
      process.on("SIGUSR1", () => void agent.drain());
      await agent.finished;
      output.good("stopped");
    });
};
