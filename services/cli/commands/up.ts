import type { Command } from "commander";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import pc from "picocolors";
import { AssayError } from "@assay/protocol/errors";
import {
  assayHome,
  readLocalNetwork,
  removeLocalNetwork,
  writeLocalNetwork,
} from "../home/network.ts";
import type { GlobalOptions } from "../home/session.ts";
import { startLocalMarket, type UpEvent } from "../local/up.ts";
import { formatAmount, shortHex } from "../terminal/format.ts";
import { createOutput, type Output } from "../terminal/output.ts";

const port = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new AssayError("USAGE_BAD_PORT", `“${text}” is not a port`, {
      remedy: "a number from 0 (any free one) to 65535",
    });
  }
  return value;
};

/** Says what came up, as it does. */
export const printUpEvent = (output: Output, event: UpEvent): void => {
  switch (event.kind) {
    case "chain":
      return output.good(`chain ${event.chainId} at ${event.rpcUrl}`);
    case "deployed":
      return output.good(
        `contracts deployed: market ${event.deployment.contracts.market}, staking ${event.deployment.contracts.staking}${pc.dim(`  ${event.transactions} transactions, ${event.gasUsed.toLocaleString("en")} gas`)}`,
      );
    case "market":
      return output.good(`market at ${event.apiUrl}: matcher, indexer, API (${event.apiUrl}/docs)`);
    case "staked":
      return output.good(
        `${event.name} staked ${formatAmount(event.amount, { symbol: "tUSD", decimals: 6 })}${pc.dim(`  tx ${shortHex(event.hash)}, ${event.gasUsed.toLocaleString("en")} gas`)}`,
      );
    case "watcher":
      return output.good(
        `watcher ${event.address} (process ${event.pid}): runs every job again, challenges what is wrong`,
      );
    case "provider": {
      const { name, price, region, dutyCycle } = event.provider;
      return output.good(
        `provider ${name} (process ${event.pid}): ${price} tUSD/Gop, ${region}, ${Math.round(dutyCycle * 100)} % of a core, offer ${shortHex(event.offer)} signed`,
      );
    }
  }
};

export const registerUp = (program: Command): void => {
  program
    .command("up")
    .description(
      "start a whole market on this machine: chain, matcher, indexer, API, three providers, a watcher",
    )
    .option("--port <port>", "port of the market's API", "7300")
    .option("--chain-port <port>", "port of the chain", "8545")
    .addHelpText(
      "after",
      "\nStarts clean each time; state, keys and logs live in ~/.assay/local (ASSAY_HOME).\n\nExample:\n  assay up            # leave it running, then in another terminal:\n  assay init my-job && assay run my-job/job.yaml",
    )
    .action(async (options: { port: string; chainPort: string }, command: Command) => {
      const output = createOutput(command.optsWithGlobals<GlobalOptions>().json ?? false);
      const home = assayHome();
      mkdirSync(home, { recursive: true, mode: 0o700 });
      const running = readLocalNetwork(home);
      if (running !== undefined) {
        throw new AssayError(
          "UP_ALREADY_RUNNING",
          `a market runs already (process ${running.pid}, ${running.apiUrl})`,
          {
            remedy: "use it, or stop it with `assay down`",
          },
        );
      }
      const stateDir = join(home, "local");
      if (existsSync(stateDir)) rmSync(stateDir, { recursive: true });
      output.step("A market on this machine");
      const market = await startLocalMarket({
        stateDir,
        apiPort: port(options.port),
        chainPort: port(options.chainPort),
        onEvent: (event) => printUpEvent(output, event),
      });
      writeLocalNetwork({ pid: process.pid, ...market.network }, home);
      output.line(pc.dim(`state and logs in ${stateDir}`));
      output.line(
        pc.dim("next, in another terminal: assay init my-job && assay run my-job/job.yaml"),
      );
      output.line(pc.dim("Ctrl-C stops it"));
      output.result(market.network);
      const asked = new Promise<undefined>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM"] as const)
          process.once(signal, () => resolve(undefined));
      });
      const failed = await Promise.race([asked, market.failed]);
      removeLocalNetwork(home);
      await market.stop();
      if (failed !== undefined) throw failed;
      output.good("stopped");
    });
};
