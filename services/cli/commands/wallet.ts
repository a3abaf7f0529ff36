import type { Command } from "commander";
import pc from "picocolors";
import { formatEther } from "viem";
import type { Mined } from "@assay/sdk/chain/write";
import type { Session } from "../home/session.ts";
import { formatAmount, parseAmount, shortHex, type Token } from "../terminal/format.ts";
import { sessionOf, tokenOf } from "./common.ts";

const print = async (session: Session, token: Token, mined?: Mined): Promise<void> => {
  const { assay, output } = session;
  const { address } = session.account();
  const [free, wallet, gas] = await Promise.all([
    assay.balance(),
    assay.walletBalance(),
    assay.context.publicClient.getBalance({ address }),
  ]);
  output.line(
    `${formatAmount(free, token)} free in the market, ${formatAmount(wallet, token)} in the wallet, ${formatEther(gas)} for gas`,
  );
  output.result({ address, free, wallet, gas, transaction: mined?.hash ?? null });
};

const receiptNote = ({ hash, receipt }: Mined): string =>
  pc.dim(`  tx ${shortHex(hash)}, ${receipt.gasUsed.toLocaleString("en")} gas`);

export const registerWallet = (program: Command): void => {
  const wallet = program
    .command("wallet")
    .description("what this key holds, in the market and in its wallet")
    .addHelpText("after", "\nExample:\n  assay wallet\n  assay wallet withdraw 1.20")
    .action(async (_options: unknown, command: Command) => {
      const session = await sessionOf(command);
      session.output.step(`Wallet ${session.account().address}`);
      await print(session, await tokenOf(session));
    });
  wallet
    .command("deposit <amount>")
    .description("move tokens from the wallet into the market")
    .addHelpText("after", "\nExample:\n  assay wallet deposit 5")
    .action(async (text: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command);
      const token = await tokenOf(session);
      const amount = parseAmount(text, token);
      const mined = await session.assay.deposit(amount);
      session.output.good(`deposited ${formatAmount(amount, token)}${receiptNote(mined)}`);
      await print(session, token, mined);
    });
  wallet
    .command("withdraw [amount]")
    .description("move free balance out of the market; all of it where no amount is given")
    .addHelpText("after", "\nExample:\n  assay wallet withdraw 1.20")
    .action(async (text: string | undefined, _options: unknown, command: Command) => {
      const session = await sessionOf(command);
      const token = await tokenOf(session);
      const amount = text === undefined ? await session.assay.balance() : parseAmount(text, token);
      const mined = await session.assay.withdraw(amount);
      session.output.good(`withdrew ${formatAmount(amount, token)}${receiptNote(mined)}`);
      await print(session, token, mined);
    });
};
