/** What `assay up` leaves for the other commands: where the market is and which keys it made. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { deploymentSchema } from "@assay/protocol/wire/api";
import { readEnvironment } from "../config.ts";

const localNetworkSchema = z.strictObject({
  pid: z.int(),
  stateDir: z.string(),
  rpcUrl: z.url(),
  apiUrl: z.url(),
  deployment: deploymentSchema,
  /** Key files, 0600. */
  keys: z.strictObject({
    requester: z.string(),
    /** Funded and not staked: for a provider that the user starts. */
    provider: z.string(),
    /** Funded: for a watcher that the user starts, and for challenges by hand. */
    watcher: z.string(),
    providers: z.array(
      z.strictObject({ name: z.string(), staker: z.string(), operator: z.string() }),
    ),
  }),
});
export type LocalNetwork = z.infer<typeof localNetworkSchema>;

export const assayHome = (): string => readEnvironment().ASSAY_HOME ?? join(homedir(), ".assay");

const networkFile = (home: string): string => join(home, "network.json");

/** The market that `assay up` runs on this machine, if one does. */
export const readLocalNetwork = (home = assayHome()): LocalNetwork | undefined => {
  const file = networkFile(home);
  if (!existsSync(file)) return undefined;
  const parsed = localNetworkSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : undefined;
};

export const writeLocalNetwork = (network: LocalNetwork, home = assayHome()): void =>
  writeFileSync(networkFile(home), `${JSON.stringify(network, null, 2)}\n`);

export const removeLocalNetwork = (home = assayHome()): void =>
  rmSync(networkFile(home), { force: true });

/** Whether a process with this id runs. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
