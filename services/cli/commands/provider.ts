import type { Command } from "commander";
import pc from "picocolors";
import { AssayError } from "@assay/protocol/errors";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, parseAmount, shortHex } from "../terminal/format.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";
import { registerProviderBonds } from "./provider-bonds.ts";
import { registerProviderDrain } from "./provider-drain.ts";
import { registerProviderEarnings } from "./provider-earnings.ts";
import { registerProviderReserve } from "./provider-reserve.ts";
import { registerProviderStart } from "./provider-start.ts";
import { registerProviderStatus } from "./provider-status.ts";
import { registerProviderUnstake } from "./provider-unstake.ts";

const days = (seconds: number): string =>
  seconds >= 86_400 ? `${(seconds / 86_400).toFixed(1)} days` : `${seconds} s`;

export const registerProvider = (program: Command): void => {
  const provider = program
    .command("provider")
    .description("stake, and run jobs for pay")
    .addHelpText("after", "\nExample:\n  assay provider stake 500\n  assay provider start");
  provider
    .command("stake <amount>")
    .description(
      "lock tokens as stake; slashed for wrong results, free again after the unbonding delay",
    )
    .option("--yes", "do not ask")
    .option("--operator <address>", "another key that may sign and submit for this provider")
    .addHelpText("after", "\nExample:\n  assay provider stake 500")
    .action(
      async (text: string, options: { yes?: boolean; operator?: string }, command: Command) => {
        const session = await sessionOf(command, asProvider);
        const { output, assay } = session;
        const token = await tokenOf(session);
        const amount = parseAmount(text, token);
        const { unbonding, collateralBps, expiryPenaltyBps } = await session.reader.parameters();
        output.step("Stake");
        output.line(`a job locks at least ${collateralBps / 100} % of its price as collateral`);
        output.line("two conflicting signed results lose the whole collateral of that job");
        output.line("so does a result proven wrong in a dispute");
        output.line(
          `a job not delivered in time costs ${expiryPenaltyBps / 100} % of its collateral`,
        );
        output.line(`stake can be taken out ${days(unbonding)} after asking`);
        await confirm(
          `Stake ${formatAmount(amount, token)} with ${session.account().address}?`,
          options.yes ?? false,
        );
        const free = await assay.balance();
        if (free < amount) {
          const wallet = await assay.walletBalance();
          if (wallet < amount - free) {
            throw new AssayError(
              "BALANCE_TOO_LOW",
              `the wallet holds ${formatAmount(wallet, token)}`,
              {
                remedy: `send ${formatAmount(amount - free - wallet, token)} more to ${session.account().address}`,
              },
            );
          }
          const { hash } = await assay.deposit(amount - free);
          output.good(
            `deposited ${formatAmount(amount - free, token)}${pc.dim(`  tx ${shortHex(hash)}`)}`,
          );
        }
        const { hash, receipt } = await assay.stake(amount);
        output.good(
          `staked ${formatAmount(amount, token)}${pc.dim(`  tx ${shortHex(hash)}, ${receipt.gasUsed.toLocaleString("en")} gas`)}`,
        );
        if (options.operator !== undefined) {
          const set = await assay.setOperator(options.operator as `0x${string}`, true);
          output.good(
            `operator ${options.operator} may sign and submit${pc.dim(`  tx ${shortHex(set.hash)}`)}`,
          );
        }
        const view = await assay.stakeOf();
        output.next("assay provider start --price 0.02");
        output.result({ provider: session.account().address, ...view });
      },
    );
  registerProviderStart(provider);
  registerProviderStatus(provider);
  registerProviderEarnings(provider);
  registerProviderDrain(provider);
  registerProviderReserve(provider);
  registerProviderBonds(provider);
  registerProviderUnstake(provider);
};
