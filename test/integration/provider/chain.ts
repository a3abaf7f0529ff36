/** A real local chain with the contracts deployed, and funded actors on it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { createAssay, type Assay } from "@assay/sdk";
import { tokenAbi } from "@assay/protocol/generated/abis";
import type { Deployment } from "@assay/protocol/wire/api";
import { createPublicClient, createTestClient, createWalletClient, http, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { deployLocal } from "../../../deploy/deploy.ts";
import { LOCAL_DEPLOYER_KEY, localKey } from "../../../deploy/local-accounts.ts";

export interface LocalChain {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** An actor with native currency and tokens, by account place (1 to 19). */
  actor(place: number, apiUrl?: string): Promise<{ key: Hex; assay: Assay }>;
  /** Timestamp of the latest block. */
  now(): Promise<number>;
  /** Lets the chain's time pass. */
  skip(seconds: number): Promise<void>;
  /** Remembers this moment; the function returned takes back all blocks since. */
  snapshot(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const NODE = new URL("../../../services/cli/local/chain.ts", import.meta.url).pathname;

/** Nobody has to hurry on a machine that is busy, and nobody waits long for a window to end. */
const PARAMETERS = { challengeWindow: 2, receiptGrace: 3_600 };

/** `first`: governed numbers that differ from those of the provider's tests. */
export const startChain = async (
  first: Readonly<Record<string, number>> = {},
): Promise<LocalChain> => {
  const child = spawn(process.execPath, [NODE], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  const [line] = (await once(createInterface({ input: child.stdout as Readable }), "line")) as [
    string,
  ];
  const { rpcUrl } = JSON.parse(line) as { rpcUrl: string };
  const deployment = await deployLocal({
    rpcUrl,
    deployer: LOCAL_DEPLOYER_KEY,
    first: { ...PARAMETERS, ...first },
  }).catch((error: unknown) => {
    child.kill("SIGTERM");
    throw error;
  });
  const transport = http(rpcUrl);
  const reader = createPublicClient({ transport, pollingInterval: 50 });
  return {
    rpcUrl,
    deployment,
    actor: async (place, apiUrl) => {
      const key = localKey(place);
      const account = privateKeyToAccount(key);
      const wallet = createWalletClient({ account, transport });
      const hash = await wallet.writeContract({
        chain: null,
        address: deployment.contracts.token,
        abi: tokenAbi,
        functionName: "mint",
        args: [account.address, 10n ** 12n],
      });
      await reader.waitForTransactionReceipt({ hash });
      const assay = createAssay({
        rpcUrl,
        account,
        deployment,
        pollingInterval: 50,
        ...(apiUrl === undefined ? {} : { apiUrl }),
      });
      return { key, assay };
    },
    now: async () => Number((await reader.getBlock()).timestamp),
    skip: async (seconds) => {
      const client = createTestClient({ mode: "hardhat", transport });
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    snapshot: async () => {
      const client = createTestClient({ mode: "hardhat", transport });
      const id = await client.snapshot();
      return () => client.revert({ id });
    },
    close: async () => {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
};
