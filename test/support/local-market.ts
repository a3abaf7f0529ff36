/** A whole market for one test file: real chain, market on an embedded database, three agents, each a process of its own. */
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import type { Address } from "viem";
import { createAssay, type Assay } from "@assay/sdk";
import { LOCAL_DEPLOYER_KEY } from "../../deploy/local-accounts.ts";
import { readAccount } from "../../services/cli/home/keys.ts";
import { writeLocalNetwork, type LocalNetwork } from "../../services/cli/home/network.ts";
import { startLocalMarket } from "../../services/cli/local/up.ts";
import { commandLine, temporaryFolder, type CommandLine } from "./commands.ts";

export interface TestMarket extends Omit<LocalNetwork, "pid"> {
  /** Commands of the requester, in a home that knows this market. */
  readonly assay: CommandLine;
  readonly requester: Address;
  /** Stakers by the name of their agent. */
  readonly providers: ReadonlyMap<string, Address>;
  /** Reads chain and market; signs with the requester's key. */
  readonly client: Assay;
  /** Folder in which the market keeps content by hash. */
  readonly content: string;
  /** Free balances of everyone who can be paid, by address. */
  balances(): Promise<Map<Address, bigint>>;
  close(): Promise<void>;
}

/** Starts a market in a temporary folder, on free ports. */
export const startTestMarket = async (): Promise<TestMarket> => {
  const { folder: home, remove } = temporaryFolder("e2e");
  const stateDir = join(home, "local");
  const market = await startLocalMarket({ stateDir, onEvent: () => undefined });
  const { network } = market;
  writeLocalNetwork({ pid: process.pid, ...network }, home);
  const account = readAccount(network.keys.requester);
  const client = createAssay({
    rpcUrl: network.rpcUrl,
    apiUrl: network.apiUrl,
    account,
    pollingInterval: 50,
  });
  const providers = new Map(
    network.keys.providers.map(({ name, staker }) => [name, readAccount(staker).address]),
  );
  const treasury = privateKeyToAccount(LOCAL_DEPLOYER_KEY).address;
  return {
    ...network,
    assay: commandLine(home),
    requester: account.address,
    providers,
    client,
    content: join(stateDir, "market", "content"),
    balances: async () => {
      const everyone = [account.address, treasury, ...providers.values()];
      return new Map(
        await Promise.all(
          everyone.map(async (address) => [address, await client.balance(address)] as const),
        ),
      );
    },
    close: async () => {
      await market.stop();
      remove();
    },
  };
};
