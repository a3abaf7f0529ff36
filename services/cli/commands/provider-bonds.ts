import type { Command } from "commander";
import pc from "picocolors";
import { bringPayment } from "@assay/sdk/disputes/act";
import { confirm } from "../terminal/ask.ts";
import { formatAmount, parseAmount, shortHex } from "../terminal/format.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";

export const registerProviderBonds = (provider: Command): void => {
  provider
    .command("bonds <amount>")
    .description("let the dispute game take bonds out of this provider's balance, up to an amount")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nFor a provider whose agent signs with an operator's key: where another replica's result differs, the agent has to begin a game,\nand an operator's key cannot pay its bond. With the provider's own key the agent does this by itself (--max-bond).\n\nExample:\n  assay provider bonds 20",
    )
    .action(async (text: string, { yes = false }: { yes?: boolean }, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const { output, assay } = session;
      const token = await tokenOf(session);
      const amount = parseAmount(text, token);
      const { address } = session.account();
      const { contracts } = await session.reader.context.deployment();
      output.step("Bonds");
      output.line("a game that is won gives its bond back; one that is lost gives it to the other");
      await confirm(`Let the game take up to ${formatAmount(amount, token)} of ${address}?`, yes);
      const sent = await bringPayment(assay.context, contracts.disputes, amount);
      for (const { name, hash } of sent) output.line(`${name}${pc.dim(`  tx ${shortHex(hash)}`)}`);
      output.good(`bonds of up to ${formatAmount(amount, token)} can be taken`);
      output.result({ provider: address, disputes: contracts.disputes, allowed: amount });
    });
};
