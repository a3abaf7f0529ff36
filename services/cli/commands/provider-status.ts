import type { Command } from "commander";
import { join } from "node:path";
import pc from "picocolors";
import type { Address } from "viem";
import { readStatus, type AgentStatus } from "@assay/provider/status/status";
import { isAlive } from "../home/network.ts";
import type { Session } from "../home/session.ts";
import {
  formatAmount,
  formatCount,
  formatSeconds,
  formatUnitPrice,
  shortHex,
  type Token,
} from "../terminal/format.ts";
import { asProvider, sessionOf, tokenOf } from "./common.ts";
import { agentFolder } from "./provider-start.ts";

/** Folder of a provider of `assay up` by its name, or of one's own by its key. */
export const providerFolder = (
  session: Session,
  name: string | undefined,
  chosen: string | undefined,
): string => {
  const local = session.local;
  if (
    name !== undefined &&
    local?.keys.providers.some((provider) => provider.name === name) === true
  ) {
    return join(local.stateDir, "providers", name);
  }
  return agentFolder(session.home, (name ?? session.account().address) as Address, chosen);
};

const print = (session: Session, status: AgentStatus, token: Token): void => {
  const { output } = session;
  const running = isAlive(status.pid);
  output.step(`Provider ${status.name ?? shortHex(status.provider)} ${pc.dim(status.provider)}`);
  if (running)
    output.good(
      `${status.state}, process ${status.pid}, ${formatCount(status.unitsPerSecond)}op/s at ${formatUnitPrice(status.unitPrice, token)}`,
    );
  else output.bad("not running: `assay provider start` goes on where it stopped");
  if (status.whyIdle !== null) output.line(`why idle: ${status.whyIdle}`);
  for (const job of status.jobs) {
    output.line(
      `job ${shortHex(job.jobId)}  ${job.phase}  step ${job.step}/${job.steps}  ${formatAmount(job.price, token)}  ETA ${formatSeconds(job.secondsLeft)}`,
    );
  }
  const now = Math.floor(Date.now() / 1_000);
  for (const dispute of status.disputes) {
    const clock =
      dispute.deadline === null
        ? "no clock"
        : `${formatSeconds(Math.max(0, dispute.deadline - now))} left`;
    const problem = dispute.problem === null ? "" : pc.red(`  ${dispute.problem}`);
    output.line(
      `dispute ${dispute.gameId} on ${shortHex(dispute.jobId)}  ${dispute.place}  ${clock}  at risk ${formatAmount(dispute.atRisk, token)}, bond ${formatAmount(dispute.bond, token)}${problem}`,
    );
  }
  output.line(
    `earned ${formatAmount(status.earned, token)}, pending ${formatAmount(status.pending, token)}`,
  );
  const { total, locked, leaving } = status.stake;
  output.line(
    `stake ${formatAmount(total, token)}: at risk ${formatAmount(locked, token)}, leaving ${formatAmount(leaving, token)}`,
  );
  if (status.lastError !== null) output.line(pc.yellow(`last error: ${status.lastError}`));
};

export const registerProviderStatus = (provider: Command): void => {
  provider
    .command("status [name]")
    .description("what a provider on this machine runs, why it is idle, what it earned")
    .option("--state <folder>", "state folder of the agent")
    .addHelpText(
      "after",
      "\nNAME is one of the providers of `assay up`, or a staker's address; default: this key's.\n\nExample:\n  assay provider status harbor",
    )
    .action(async (name: string | undefined, options: { state?: string }, command: Command) => {
      const session = await sessionOf(command, asProvider);
      const file = join(providerFolder(session, name, options.state), "status.json");
      const left = await readStatus(file);
      // The agent looks now and then; what is at risk is told as the chain has it.
      const { total, locked, leaving } = await session.reader
        .stakeOf(left.provider)
        .catch(() => left.stake);
      const status = { ...left, stake: { total, locked, leaving } };
      print(session, status, await tokenOf(session));
      session.output.result({ running: isAlive(status.pid), ...status });
    });
};
