import type { Command } from "commander";
import pc from "picocolors";
import type { Address } from "viem";
import { AssayError } from "@assay/protocol/errors";
import type { Session } from "../home/session.ts";
import { formatAmount, parseAmount, shortHex, type Token } from "../terminal/format.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";

/**
 * Keeps `amount` base units of the caller's stake out of new jobs; sends nothing where that is so already.
 * @throws `RESERVE_NOT_OWNER` for a key that is only the staker's operator
 */
export const reserveStake = async (
  session: Session,
  staker: Address,
  amount: bigint,
  token: Token,
): Promise<void> => {
  const { output, assay } = session;
  const { reserved } = await assay.stakeOf(staker);
  if (reserved === amount) {
    output.good(`${formatAmount(amount, token)} of the stake are reserved already`);
    return;
  }
  if (staker.toLowerCase() !== session.account().address.toLowerCase())
    throw new AssayError("RESERVE_NOT_OWNER", `only ${staker} itself reserves its stake`, {
      remedy: "with that key: assay provider reserve AMOUNT",
      details: { staker, reserved },
    });
  const { hash } = await assay.reserveStake(amount);
  output.good(
    `${formatAmount(amount, token)} of the stake are kept out of new jobs${pc.dim(`  tx ${shortHex(hash)}`)}`,
  );
};

export const registerProviderReserve = (provider: Command): void => {
  provider
    .command("reserve <amount>")
    .description("keep a part of the stake out of new jobs, whoever signs for them; 0 for none")
    .addHelpText(
      "after",
      "\nWhat is reserved cannot be lost by an operator key that is stolen. Open jobs keep their collateral.\n\nExample:\n  assay provider reserve 400",
    )
    .action(async (text: string, _options: unknown, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const token = await tokenOf(session);
      const { address } = session.account();
      await reserveStake(session, address, parseAmount(text, token), token);
      session.output.result({ provider: address, ...(await session.assay.stakeOf()) });
    });
};
