/** Deploys the market to any chain by URL, with the parameters of a network, and writes down where it is. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { deploymentSchema, type Deployment } from "@assay/protocol/wire/api";
import { Contract, JsonRpcProvider, computeAddress, getAddress, getCreateAddress } from "ethers";

import { loadArtifact } from "./artifacts.ts";
import { ignite, type IgniteOptions } from "./ignite.ts";
import {
  ASSAY_TRANSACTIONS,
  BEFORE_DISPUTES,
  BEFORE_MARKET,
  assayModule,
  localTokenModule,
  stakeGovernorModule,
  timelockModule,
} from "./modules/assay.ts";
import { type Numbers, ZERO_ADDRESS, paramsOf, readParameters } from "./parameters.ts";
import { signingProvider } from "./provider.ts";

export interface DeployOptions {
  readonly rpcUrl: string;
  /** Private key that pays, and that holds the probe amount of the token where the token is given. */
  readonly deployer: string;
  /** File of `deploy/parameters`, by name. */
  readonly parameters: "local" | "public";
  /** Numbers of its first version that shall be others, within the file's bounds. */
  readonly first?: Numbers;
  /** Token to use; a new open test token where absent. */
  readonly token?: string;
  /** Who adds parameter versions; a governor by stake behind a timelock is deployed where absent. */
  readonly governor?: string;
  /** Who can pause new agreements; nobody where absent. */
  readonly guardian?: string;
  /** Receives protocol fees; the governor where absent. */
  readonly treasury?: string;
  /** Where journals are kept, so that a broken deployment can go on; in memory where absent. */
  readonly journal?: string;
  /** File to write the deployment to. */
  readonly file?: string;
  /** Milliseconds between two looks for a receipt. */
  readonly pollingInterval?: number;
}

/** Addresses that contracts take before they exist. */
interface Plan {
  readonly market: string;
  readonly disputes: string;
  readonly stakeGovernor: string;
}

/**
 * Deploys with one key, transaction after transaction. The key must send nothing else meanwhile: the market's address is
 * computed from its nonce. The key keeps no power over what it deployed.
 * @throws Error that says what the deployer lacks, or with Ignition's account of what failed.
 */
export async function deploy(options: DeployOptions): Promise<Deployment> {
  const rpc = new JsonRpcProvider(options.rpcUrl, undefined, {
    staticNetwork: true,
    cacheTimeout: -1,
  });
  try {
    return await deployWith(rpc, options);
  } finally {
    rpc.destroy();
  }
}

/** A local chain: open test token, a challenge window of seconds, the deployer as guardian and treasury. */
export const deployLocal = async (
  options: Pick<DeployOptions, "rpcUrl" | "deployer" | "file" | "first">,
): Promise<Deployment> => {
  const address = computeAddress(options.deployer);
  return deploy({
    ...options,
    parameters: "local",
    guardian: address,
    treasury: address,
    pollingInterval: 20,
  });
};

async function deployWith(rpc: JsonRpcProvider, options: DeployOptions): Promise<Deployment> {
  const provider = signingProvider(rpc, options.deployer);
  const file = readParameters(options.parameters);
  const probe = BigInt(file.probe);
  const { pollingInterval = 1_000, journal } = options;
  const how: IgniteOptions = { provider, journal, pollingInterval };

  const startBlock = await rpc.getBlockNumber();
  const token =
    options.token === undefined
      ? (await ignite(localTokenModule, { probe }, how))["TestToken"]
      : getAddress(options.token);
  if (token === undefined) throw new Error("the token was not deployed");
  const { symbol, decimals, held } = await tokenFacts(token, provider.address, rpc);
  if (held < probe) {
    throw new Error(
      `${provider.address} holds ${held} of the ${probe} base units of ${symbol} that the market moves to and fro once: send it some`,
    );
  }

  const governed = options.governor === undefined;
  const { market, disputes, stakeGovernor } = await planOf(
    rpc,
    provider.address,
    governed,
    journal,
  );
  const { timelockDelay: delay, ...settings } = file.governance;
  const governor =
    options.governor ?? (await ignite(timelockModule, { delay, stakeGovernor }, how))["Timelock"];
  if (governor === undefined) throw new Error("the timelock was not deployed");
  const deployed = await ignite(
    assayModule,
    {
      market,
      token,
      decimals,
      probe,
      governor,
      guardian: options.guardian ?? ZERO_ADDRESS,
      min: paramsOf(file.min),
      max: paramsOf(file.max),
      first: paramsOf(
        { ...file.first, ...options.first },
        { treasury: options.treasury ?? governor, disputes },
      ),
      gasPrice: BigInt(file.game.gasPrice),
    },
    how,
  );
  const staking = deployed["Staking"] ?? ZERO_ADDRESS;
  // The first version of the parameters names this address: a game anywhere else would judge nothing.
  if (deployed["Disputes"] !== disputes) {
    throw new Error(`the dispute game is at ${deployed["Disputes"]}, not ${disputes}`);
  }
  if (governed) {
    const values = {
      staking,
      timelock: governor,
      settings: { ...settings, proposalThreshold: BigInt(settings.proposalThreshold) },
    };
    const made = (await ignite(stakeGovernorModule, values, how))["StakeGovernor"];
    // The timelock obeys this address alone: anywhere else the governor would have no say, and nobody could give it one.
    if (made !== stakeGovernor) throw new Error(`the governor is at ${made}, not ${stakeGovernor}`);
  }

  const { chainId } = await rpc.getNetwork();
  const deployment = deploymentSchema.parse({
    chainId: Number(chainId),
    startBlock,
    contracts: {
      market,
      staking,
      reputation: deployed["Reputation"],
      provenance: deployed["Provenance"],
      parameters: deployed["Parameters"],
      disputes,
      token,
      ...(governed ? { governor: stakeGovernor } : {}),
    },
    token: { symbol, decimals },
  });
  if (options.file !== undefined) {
    mkdirSync(dirname(options.file), { recursive: true });
    writeFileSync(options.file, `${JSON.stringify(deployment, null, 2)}\n`);
  }
  return deployment;
}

/** Follows from the deployer's nonce before the timelock; kept beside the journals, for a deployment that goes on later. */
async function planOf(
  rpc: JsonRpcProvider,
  from: string,
  governed: boolean,
  journal: string | undefined,
): Promise<Plan> {
  const kept = journal === undefined ? undefined : join(journal, "plan.json");
  if (kept !== undefined && existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8")) as Plan;
  const nonce = (await rpc.getTransactionCount(from)) + (governed ? 1 : 0);
  const plan = {
    market: getCreateAddress({ from, nonce: nonce + BEFORE_MARKET }),
    disputes: getCreateAddress({ from, nonce: nonce + BEFORE_DISPUTES }),
    stakeGovernor: getCreateAddress({ from, nonce: nonce + ASSAY_TRANSACTIONS }),
  };
  if (kept !== undefined) {
    mkdirSync(dirname(kept), { recursive: true });
    writeFileSync(kept, `${JSON.stringify(plan, null, 2)}\n`);
  }
  return plan;
}

async function tokenFacts(token: string, holder: string, rpc: JsonRpcProvider) {
  const contract = new Contract(token, loadArtifact("TestToken").abi, rpc);
  const symbol: unknown = await contract.getFunction("symbol")();
  const decimals: unknown = await contract.getFunction("decimals")();
  const held: unknown = await contract.getFunction("balanceOf")(holder);
  return { symbol: String(symbol), decimals: Number(decimals), held: BigInt(String(held)) };
}
