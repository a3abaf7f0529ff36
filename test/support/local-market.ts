/** A whole market for one test file: real chain, market on an embedded database, three agents, each a process of its own. */
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { createTestClient, http, type Address } from "viem";
import { createAssay, type Assay } from "@assay/sdk";
import { LOCAL_DEPLOYER_KEY } from "../../deploy/local-accounts.ts";
import { readAccount } from "../../services/cli/home/keys.ts";
import { writeLocalNetwork, type LocalNetwork } from "../../services/cli/home/network.ts";
import { startLocalMarket } from "../../services/cli/local/up.ts";
import { commandLine, temporaryFolder, type CommandLine } from "./commands.ts";
import { freeze, until } from "./processes.ts";

/** Agents that stand still for a while, or are starved, do not lose what was proposed to them. */
const ANSWER_SECONDS = 300;

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
  /** Resolves once this provider's agent listens for proposals. */
  online(provider: Address): Promise<void>;
  /** Makes the market's own agents stand still; the function returned lets them go on. */
  freeze(): () => void;
  /** Lets the chain's time pass. */
  skip(seconds: number): Promise<void>;
  /** Free balances of everyone who can be paid, by address. */
  balances(): Promise<Map<Address, bigint>>;
  close(): Promise<void>;
}

/** Starts a market in a temporary folder, on free ports. `first`: governed numbers that differ from the local ones. */
export const startTestMarket = async (
  first: Readonly<Record<string, number>> = {},
): Promise<TestMarket> => {
  const { folder: home, remove } = temporaryFolder("e2e");
  const stateDir = join(home, "local");
  const agents: number[] = [];
  const market = await startLocalMarket({
    stateDir,
    first,
    answerSeconds: ANSWER_SECONDS,
    onEvent: (event) => {
      if (event.kind === "provider") agents.push(event.pid);
    },
  });
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
  const online = (provider: Address): Promise<void> =>
    until(`${provider} to listen`, async () => (await client.provider(provider)).online);
  await Promise.all([...providers.values()].map(online));
  return {
    ...network,
    assay: commandLine(home),
    requester: account.address,
    providers,
    client,
    content: join(stateDir, "market", "content"),
    online,
    freeze: () => freeze(agents),
    skip: async (seconds) => {
      const chain = createTestClient({ mode: "hardhat", transport: http(network.rpcUrl) });
      await chain.increaseTime({ seconds });
      await chain.mine({ blocks: 1 });
    },
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
