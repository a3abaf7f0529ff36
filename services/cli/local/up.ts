/** Starts a whole market on one machine, each part a process of its own: chain, market, providers. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPublicClient, http, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { AssayError } from "@assay/protocol/errors";
import { tokenAbi } from "@assay/protocol/generated/abis";
import type { Deployment } from "@assay/protocol/wire/api";
import { createAssay } from "@assay/sdk";
import { write } from "@assay/sdk/chain/write";
import { deployLocal } from "../../../deploy/deploy.ts";
import { LOCAL_DEPLOYER_KEY, localKey } from "../../../deploy/local-accounts.ts";
import { writeKey } from "../home/keys.ts";
import type { LocalNetwork } from "../home/network.ts";
import { jsonField, startProcess, type RunningProcess } from "./processes.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const service = (file: string): string => join(ROOT, "services", file);

export interface LocalProvider {
  readonly name: string;
  /** Tokens per 10⁹ work units, decimal text. */
  readonly price: string;
  readonly region: string;
  /** Share of the time a job may keep a core busy: stands in for slower machines. */
  readonly dutyCycle: number;
}

/** Three machines that differ in what a requester would look at. */
export const LOCAL_PROVIDERS: readonly LocalProvider[] = [
  { name: "harbor", price: "0.0040", region: "eu-central", dutyCycle: 0.5 },
  { name: "meadow", price: "0.0025", region: "eu-west", dutyCycle: 0.25 },
  { name: "summit", price: "0.0080", region: "us-east", dutyCycle: 1 },
];

/** Whole tokens that each local account starts with, and that each local provider stakes. */
const GRANT = 10_000n;
const STAKE = 500n;

export type UpEvent =
  | { readonly kind: "chain"; readonly rpcUrl: string; readonly chainId: number }
  | {
      readonly kind: "deployed";
      readonly deployment: Deployment;
      readonly transactions: number;
      readonly gasUsed: bigint;
    }
  | { readonly kind: "market"; readonly apiUrl: string }
  | {
      readonly kind: "staked";
      readonly name: string;
      readonly amount: bigint;
      readonly hash: Hex;
      readonly gasUsed: bigint;
    }
  | {
      readonly kind: "provider";
      readonly provider: LocalProvider;
      readonly pid: number;
      readonly offer: Hex;
    }
  | { readonly kind: "watcher"; readonly address: Hex; readonly pid: number };

export interface UpOptions {
  /** Keys, logs, databases, journals: all of it in one folder. */
  readonly stateDir: string;
  readonly chainPort?: number;
  readonly apiPort?: number;
  /** Numbers of the local parameters to change. */
  readonly first?: Readonly<Record<string, number>>;
  /** Seconds that an agent has to answer a proposal; default: the market's. */
  readonly answerSeconds?: number;
  readonly onEvent: (event: UpEvent) => void;
}

export interface LocalMarket {
  readonly network: Omit<LocalNetwork, "pid">;
  /** Settles with what is to be told of the first part that ends by itself. */
  readonly failed: Promise<AssayError>;
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly failure: Promise<AssayError>;
  stop(graceMs?: number): Promise<void>;
}

/** Transactions and gas of all blocks so far: on a fresh chain, those of the deployment. */
const deploymentCost = async (
  rpcUrl: string,
): Promise<{ transactions: number; gasUsed: bigint }> => {
  const client = createPublicClient({ transport: http(rpcUrl) });
  const head = await client.getBlockNumber();
  const blocks = await Promise.all(
    Array.from({ length: Number(head) }, (_, at) =>
      client.getBlock({ blockNumber: BigInt(at + 1) }),
    ),
  );
  return {
    transactions: blocks.reduce((sum, { transactions }) => sum + transactions.length, 0),
    gasUsed: blocks.reduce((sum, { gasUsed }) => sum + gasUsed, 0n),
  };
};

/** Everybody gets test tokens; the deployer mints, one transaction after another. */
const grantTokens = async (
  rpcUrl: string,
  deployment: Deployment,
  keys: readonly Hex[],
): Promise<void> => {
  const deployer = createAssay({
    rpcUrl,
    deployment,
    account: privateKeyToAccount(LOCAL_DEPLOYER_KEY),
    pollingInterval: 50,
  });
  const amount = GRANT * 10n ** BigInt(deployment.token.decimals);
  for (const key of keys) {
    await write(deployer.context, {
      address: deployment.contracts.token,
      abi: tokenAbi,
      functionName: "mint",
      args: [privateKeyToAccount(key).address, amount],
    });
  }
};

const stakeProvider = async (
  rpcUrl: string,
  deployment: Deployment,
  staker: Hex,
  operator: Hex,
) => {
  const assay = createAssay({
    rpcUrl,
    deployment,
    account: privateKeyToAccount(staker),
    pollingInterval: 50,
  });
  const amount = STAKE * 10n ** BigInt(deployment.token.decimals);
  await assay.deposit(amount);
  const { hash, receipt } = await assay.stake(amount);
  await assay.setOperator(privateKeyToAccount(operator).address, true);
  return { amount, hash, gasUsed: receipt.gasUsed };
};

const startMarket = ({
  stateDir,
  rpcUrl,
  keyFile,
  deployment,
  port,
  answerSeconds,
}: {
  stateDir: string;
  rpcUrl: string;
  keyFile: string;
  deployment: Deployment;
  port: number;
  answerSeconds: number | undefined;
}): Promise<RunningProcess<string>> => {
  const deploymentFile = join(stateDir, "deployment.json");
  writeFileSync(deploymentFile, `${JSON.stringify(deployment, null, 2)}\n`);
  return startProcess({
    name: "market",
    script: service("market/main.ts"),
    directory: stateDir,
    logFile: join(stateDir, "logs", "market.log"),
    environment: {
      ASSAY_MARKET_RPC_URL: rpcUrl,
      ASSAY_MARKET_DEPLOYMENT_FILE: deploymentFile,
      ASSAY_MARKET_KEY_FILE: keyFile,
      ASSAY_MARKET_STATE_DIR: join(stateDir, "market"),
      ASSAY_MARKET_PORT: String(port),
      ASSAY_MARKET_POLL_MS: "200",
      // All of its agents are on this machine, which may be busy.
      ASSAY_MARKET_ANSWER_SECONDS: String(answerSeconds ?? 30),
    },
    ready: (line) => jsonField(line, "url") as string | undefined,
  });
};

const startAgent = (
  provider: LocalProvider,
  {
    stateDir,
    rpcUrl,
    apiUrl,
    keyFile,
    staker,
  }: { stateDir: string; rpcUrl: string; apiUrl: string; keyFile: string; staker: Hex },
): Promise<RunningProcess<Hex>> =>
  startProcess({
    name: provider.name,
    script: service("provider/main.ts"),
    directory: stateDir,
    logFile: join(stateDir, "logs", `${provider.name}.log`),
    environment: {
      ASSAY_PROVIDER_KEY_FILE: keyFile,
      ASSAY_PROVIDER_ADDRESS: privateKeyToAccount(staker).address,
      ASSAY_PROVIDER_RPC_URL: rpcUrl,
      ASSAY_PROVIDER_API_URL: apiUrl,
      ASSAY_PROVIDER_STATE_DIR: join(stateDir, "providers", provider.name),
      ASSAY_PROVIDER_PRICE: provider.price,
      ASSAY_PROVIDER_NAME: provider.name,
      ASSAY_PROVIDER_REGION: provider.region,
      ASSAY_PROVIDER_DUTY_CYCLE: String(provider.dutyCycle),
      // Several machines are played on one.
      ASSAY_PROVIDER_THREADS: "1",
      ASSAY_PROVIDER_POLL_MS: "200",
      ASSAY_PROVIDER_RECEIPT_SECONDS: "1",
    },
    ready: (line) =>
      jsonField(line, "ready") === true ? (jsonField(line, "offer") as Hex) : undefined,
  });

/** Runs every job beside its provider: local windows are too short to begin once something is submitted. */
const startWatcher = ({
  stateDir,
  rpcUrl,
  apiUrl,
  keyFile,
}: {
  stateDir: string;
  rpcUrl: string;
  apiUrl: string;
  keyFile: string;
}): Promise<RunningProcess<Hex>> =>
  startProcess({
    name: "watcher",
    script: service("watcher/main.ts"),
    directory: stateDir,
    logFile: join(stateDir, "logs", "watcher.log"),
    environment: {
      ASSAY_WATCHER_KEY_FILE: keyFile,
      ASSAY_WATCHER_RPC_URL: rpcUrl,
      ASSAY_WATCHER_API_URL: apiUrl,
      ASSAY_WATCHER_STATE_DIR: join(stateDir, "watcher"),
      ASSAY_WATCHER_START: "agreed",
      ASSAY_WATCHER_THREADS: "1",
      ASSAY_WATCHER_POLL_MS: "200",
    },
    ready: (line) =>
      jsonField(line, "ready") === true ? (jsonField(line, "watcher") as Hex) : undefined,
  });

/** Starts everything; what was started is stopped again when a part fails. */
export const startLocalMarket = async (options: UpOptions): Promise<LocalMarket> => {
  const { stateDir, onEvent } = options;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const parts: Part[] = [];
  const stop = async (): Promise<void> => {
    for (const part of [...parts].reverse()) await part.stop();
  };
  try {
    const chain = await startProcess({
      name: "chain",
      script: service("cli/local/chain.ts"),
      arguments: [String(options.chainPort ?? 0)],
      directory: ROOT,
      logFile: join(stateDir, "logs", "chain.log"),
      ready: (line) => jsonField(line, "rpcUrl") as string | undefined,
    });
    parts.push(chain);
    const rpcUrl = chain.value;
    const { first = {} } = options;
    const deployment = await deployLocal({ rpcUrl, deployer: LOCAL_DEPLOYER_KEY, first });
    onEvent({ kind: "chain", rpcUrl, chainId: deployment.chainId });
    onEvent({ kind: "deployed", deployment, ...(await deploymentCost(rpcUrl)) });

    const [matcher, requester, own] = [localKey(1), localKey(2), localKey(3)];
    const [watcher, ownWatcher] = [localKey(10), localKey(11)];
    const providers = LOCAL_PROVIDERS.map((provider, at) => ({
      provider,
      staker: localKey(4 + at),
      operator: localKey(4 + LOCAL_PROVIDERS.length + at),
    }));
    const keyFile = (name: string): string => join(stateDir, "keys", `${name}.key`);
    const keys: LocalNetwork["keys"] = {
      requester: keyFile("requester"),
      provider: keyFile("provider"),
      watcher: keyFile("own-watcher"),
      providers: providers.map(({ provider: { name } }) => ({
        name,
        staker: keyFile(`${name}-staker`),
        operator: keyFile(`${name}-operator`),
      })),
    };
    writeKey(keyFile("matcher"), matcher);
    writeKey(keys.requester, requester);
    writeKey(keys.provider, own);
    writeKey(keyFile("watcher"), watcher);
    writeKey(keys.watcher, ownWatcher);
    for (const { provider, staker, operator } of providers) {
      writeKey(keyFile(`${provider.name}-staker`), staker);
      writeKey(keyFile(`${provider.name}-operator`), operator);
    }

    // The market takes seconds to open its database: meanwhile the providers stake.
    const [market] = await Promise.all([
      startMarket({
        stateDir,
        rpcUrl,
        keyFile: keyFile("matcher"),
        deployment,
        port: options.apiPort ?? 0,
        answerSeconds: options.answerSeconds,
      }).then((started) => {
        parts.push(started);
        return started;
      }),
      (async () => {
        await grantTokens(rpcUrl, deployment, [
          requester,
          own,
          watcher,
          ownWatcher,
          ...providers.map(({ staker }) => staker),
        ]);
        await Promise.all(
          providers.map(async ({ provider, staker, operator }) => {
            const staked = await stakeProvider(rpcUrl, deployment, staker, operator);
            onEvent({ kind: "staked", name: provider.name, ...staked });
          }),
        );
      })(),
    ]);
    const apiUrl = market.value;
    onEvent({ kind: "market", apiUrl });
    const watch = async (): Promise<void> => {
      const started = await startWatcher({
        stateDir,
        rpcUrl,
        apiUrl,
        keyFile: keyFile("watcher"),
      });
      parts.push(started);
      onEvent({ kind: "watcher", address: started.value, pid: started.pid });
    };
    await Promise.all([
      watch(),
      ...providers.map(async ({ provider, staker }) => {
        const agent = await startAgent(provider, {
          stateDir,
          rpcUrl,
          apiUrl,
          keyFile: keyFile(`${provider.name}-operator`),
          staker,
        });
        parts.push(agent);
        onEvent({ kind: "provider", provider, pid: agent.pid, offer: agent.value });
      }),
    ]);
    return {
      network: { stateDir, rpcUrl, apiUrl, deployment, keys },
      failed: Promise.race(parts.map((part) => part.failure)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
