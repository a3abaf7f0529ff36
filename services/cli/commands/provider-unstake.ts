import type { Command } from "commander";
import pc from "picocolors";
import { AssayError } from "@assay/protocol/errors";
import { confirm } from "../terminal/ask.ts";
import {
  formatAmount,
  formatSeconds,
  parseAmount,
  shortHex,
  type Token,
} from "../terminal/format.ts";
import type { Session } from "../home/session.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";

const when = (availableAt: number): string =>
  `${new Date(availableAt * 1_000).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** Moves out what is due. @throws `STAKE_NOT_LEAVING`, `STAKE_TOO_EARLY`, `STAKING_…` */
const withdraw = async (session: Session, token: Token): Promise<void> => {
  const { output, assay } = session;
  const { leaving, availableAt, locked, total } = await assay.stakeOf();
  if (leaving === 0n) {
    throw new AssayError("STAKE_NOT_LEAVING", "no stake is on its way out", {
      remedy: "ask first: assay provider unstake AMOUNT",
    });
  }
  const now = Number((await assay.context.publicClient.getBlock()).timestamp);
  if (now < availableAt) {
    throw new AssayError(
      "STAKE_TOO_EARLY",
      `${formatAmount(leaving, token)} can be taken out at ${when(availableAt)}, in ${formatSeconds(availableAt - now)}`,
      {
        retryable: true,
        remedy: "then: assay provider unstake --withdraw",
        details: { availableAt },
      },
    );
  }
  const { hash } = await assay.withdrawStake();
  const after = await assay.stakeOf();
  output.good(
    `${formatAmount(total - after.total, token)} moved to the free balance${pc.dim(`  tx ${shortHex(hash)}`)}`,
  );
  if (after.leaving > 0n)
    output.line(
      `${formatAmount(after.leaving, token)} wait for open jobs that lock ${formatAmount(locked, token)}`,
    );
  output.next("assay wallet withdraw");
  output.result({ provider: session.account().address, transaction: hash, ...after });
};

export const registerProviderUnstake = (provider: Command): void => {
  provider
    .command("unstake [amount]")
    .description("ask for stake back; take it out with --withdraw once the delay is over")
    .option("--withdraw", "take out what is due")
    .option("--yes", "do not ask")
    .addHelpText(
      "after",
      "\nStake that is leaving backs no new job, but answers for the open ones until it is withdrawn.\n\nExample:\n  assay provider unstake 200\n  assay provider unstake --withdraw",
    )
    .action(
      async (
        text: string | undefined,
        options: { withdraw?: boolean; yes?: boolean },
        command: Command,
      ) => {
        if ((text === undefined) === (options.withdraw !== true)) {
          throw new AssayError("USAGE_MISSING_ARGUMENT", "give an amount, or --withdraw", {
            remedy: "assay provider unstake 200, and later assay provider unstake --withdraw",
          });
        }
        const session = await sessionOf(command, asProvider);
        const { output, assay } = session;
        const token = await tokenOf(session);
        if (text === undefined) {
          await withdraw(session, token);
          return;
        }
        const amount = parseAmount(text, token);
        const before = await assay.stakeOf();
        if (amount === 0n || amount > before.total - before.leaving) {
          throw new AssayError(
            "STAKE_TOO_LOW",
            `${formatAmount(before.total - before.leaving, token)} are staked and not leaving`,
            { remedy: "ask for more than nothing and no more than that", details: { ...before } },
          );
        }
        const { unbonding } = await session.reader.parameters();
        output.line(
          `it can be taken out ${formatSeconds(unbonding)} from now, and not before open jobs are over`,
        );
        if (before.leaving > 0n)
          output.line(
            `the delay of the ${formatAmount(before.leaving, token)} that are leaving already starts anew`,
          );
        await confirm(`Ask for ${formatAmount(amount, token)} back?`, options.yes ?? false);
        const { hash } = await assay.requestUnstake(amount);
        const after = await assay.stakeOf();
        output.good(
          `${formatAmount(after.leaving, token)} are leaving, available at ${when(after.availableAt)}${pc.dim(`  tx ${shortHex(hash)}`)}`,
        );
        output.next("assay provider unstake --withdraw");
        output.result({ provider: session.account().address, transaction: hash, ...after });
      },
    );
};
