import type { Command } from "commander";
import { isAddress, type Address } from "viem";
import type { Earning } from "@assay/sdk/actions/earnings";
import { AssayError } from "@assay/protocol/errors";
import { readAccount } from "../home/keys.ts";
import type { Session } from "../home/session.ts";
import { formatAmount, shortHex, type Token } from "../terminal/format.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";

/** The staker that is meant: by its name here, its address, or this key. */
const stakerOf = (session: Session, name: string | undefined): Address => {
  if (name === undefined) return session.account().address;
  const known = session.local?.keys.providers.find((provider) => provider.name === name);
  if (known !== undefined) return readAccount(known.staker).address;
  if (isAddress(name, { strict: false })) return name;
  throw new AssayError(
    "USAGE_BAD_PROVIDER",
    `“${name}” is neither a provider of this machine nor an address`,
    {
      remedy: "give a staker's address, or a name that `assay up` prints",
    },
  );
};

const sum = (
  earnings: readonly Earning[],
  field: "paid" | "heldBack" | "notDone" | "lost",
): bigint => earnings.reduce((total, earning) => total + earning[field], 0n);

const row = (earning: Earning, token: Token): string[] => [
  shortHex(earning.jobId),
  earning.state,
  `${earning.checkpoint}/${earning.checkpoints}`,
  formatAmount(earning.price, token),
  formatAmount(earning.paid, token),
  formatAmount(earning.heldBack, token),
  formatAmount(earning.lost, token),
];

export const registerProviderEarnings = (provider: Command): void => {
  provider
    .command("earnings [name]")
    .description("what each job paid, from the chain alone")
    .option("--why", "with a reason for each: earned, held back, not done, lost")
    .option("--limit <jobs>", "how many of the latest jobs", "20")
    .addHelpText(
      "after",
      "\nNAME is one of the providers of `assay up`, or a staker's address; default: this key's.\n\nExample:\n  assay provider earnings harbor --why",
    )
    .action(
      async (
        name: string | undefined,
        options: { why?: boolean; limit: string },
        command: Command,
      ) => {
        const session = await sessionOf(command, asProvider);
        const { output, reader } = session;
        const token = await tokenOf(session);
        const staker = stakerOf(session, name);
        const limit = Math.min(500, Math.max(1, Math.trunc(Number(options.limit)) || 20));
        const earnings = await reader.earnings(staker, { limit });
        if (earnings.length === 0) output.line("no jobs yet");
        else
          output.table([
            ["job", "state", "checkpoint", "price", "paid", "held back", "collateral lost"],
            ...earnings.map((earning) => row(earning, token)),
          ]);
        if (options.why === true)
          for (const { jobId, why } of earnings) output.line(`${shortHex(jobId)}  ${why}`);
        const totals = {
          paid: sum(earnings, "paid"),
          heldBack: sum(earnings, "heldBack"),
          notDone: sum(earnings, "notDone"),
          lost: sum(earnings, "lost"),
        };
        output.line(
          `paid ${formatAmount(totals.paid, token)}, held back ${formatAmount(totals.heldBack, token)}, not done ${formatAmount(totals.notDone, token)}, collateral lost ${formatAmount(totals.lost, token)}`,
        );
        output.result({ provider: staker, ...totals, jobs: earnings });
      },
    );
};
