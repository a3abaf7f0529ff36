/** Deploys the market to any chain by URL, with the parameters of a network, and writes down where it is. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { deploymentSchema, type Deployment } from "@assay/protocol/wire/api";
import { AssayError } from "@assay/protocol/errors";
import { Contract, JsonRpcProvider, computeAddress, getAddress, id } from "ethers";

import { loadArtifact } from "./artifacts.ts";
import { ignite, type IgniteOptions } from "./ignite.ts";
import {
  assayModule,
  localTokenModule,
  stakeGovernorModule,
  timelockModule,
} from "./modules/assay.ts";
import {
  type Numbers,
  type ParameterFile,
  ZERO_ADDRESS,
  paramsOf,
  readParameters,
} from "./parameters.ts";
import { planOf } from "./plan.ts";

export interface DeployOptions {
  readonly rpcUrl: string;
  /** Private key that pays, and that holds the probe amount of the token where the token is given. */
  readonly deployer: string;
  /** File of `deploy/parameters`, by name. */
  readonly parameters: "local" | "public";
  /** Numbers of its first version that shall be others, within the file's bounds. */
  readonly first?: Partial<Numbers>;
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

/** Everything that was made, by contract name, and what clients know of it. */
export interface Deployed {
  readonly deployment: Deployment;
  readonly addresses: Readonly<Record<string, string>>;
}

/**
 * Deploys with one key, transaction after transaction. The key must send nothing else meanwhile: the market's address is
 * computed from its nonce. The key keeps no power over what it deployed.
 * @throws `DEPLOY_TOKEN_SHORT`, `DEPLOY_FAILED`, and what `planOf` throws
 */
export async function deploy(options: DeployOptions): Promise<Deployment> {
  const rpc = new JsonRpcProvider(options.rpcUrl, undefined, {
    staticNetwork: true,
    cacheTimeout: -1,
  });
  try {
    return (await deployWith(rpc, readParameters(options.parameters), options)).deployment;
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

/** {@link deploy} over an open connection. */
export async function deployWith(
  rpc: JsonRpcProvider,
  file: ParameterFile,
  options: Omit<DeployOptions, "rpcUrl" | "parameters">,
): Promise<Deployed> {
  const deployer = computeAddress(options.deployer);
  const probe = BigInt(file.probe);
  const { pollingInterval = 1_000, journal } = options;
  const how: IgniteOptions = { rpc, key: options.deployer, journal, pollingInterval };

  const latest = await rpc.getBlockNumber();
  const token = getAddress(
    options.token ?? (await ignite(localTokenModule, { probe }, how))["TestToken"] ?? "",
  );
  const { symbol, decimals, held } = await tokenFacts(token, deployer, rpc);
  if (held < probe) {
    throw new AssayError(
      "DEPLOY_TOKEN_SHORT",
      `${deployer} holds ${held} of the ${probe} base units of ${symbol} that the market moves to and fro once`,
      { remedy: `send it ${probe - held} more; they stay its own` },
    );
  }

  const governed = options.governor === undefined;
  const chainId = Number((await rpc.getNetwork()).chainId);
  const { guardian = ZERO_ADDRESS, treasury } = options;
  const first = { ...file.first, ...options.first };
  const given = id(
    JSON.stringify({ ...file, first, token, guardian, treasury, governor: options.governor }),
  );
  const { market, disputes, stakeGovernor, startBlock } = await planOf(
    rpc,
    { chainId, deployer, given },
    governed,
    latest,
    journal,
  );
  const { timelockDelay: delay, ...settings } = file.governance;
  const governor =
    options.governor ?? (await ignite(timelockModule, { delay, stakeGovernor }, how))["Timelock"];
  if (governor === undefined) throw new Error("the timelock was not deployed");
  const made = await ignite(
    assayModule,
    {
      market,
      token,
      decimals,
      probe,
      governor,
      guardian,
      min: paramsOf(file.min),
      max: paramsOf(file.max),
      first: paramsOf(first, { treasury: treasury ?? governor, disputes }),
      gasPrice: BigInt(file.game.gasPrice),
    },
    how,
  );
  // The first version of the parameters names this address: a game anywhere else would judge nothing.
  requirePlace("the dispute game", made["Disputes"], disputes);
  const staking = made["Staking"] ?? ZERO_ADDRESS;
  if (governed) {
    const values = {
      staking,
      timelock: governor,
      settings: { ...settings, proposalThreshold: BigInt(settings.proposalThreshold) },
    };
    // The timelock obeys this address alone: anywhere else the governor would have no say, and nobody could give it one.
    const standing = (await ignite(stakeGovernorModule, values, how))["StakeGovernor"];
    requirePlace("the governor", standing, stakeGovernor);
  }

  const deployment = deploymentSchema.parse({
    chainId,
    startBlock,
    contracts: {
      market,
      staking,
      reputation: made["Reputation"],
      provenance: made["Provenance"],
      parameters: made["Parameters"],
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
  const { IERC20: _, ...contracts } = made;
  const addresses = {
    ...contracts,
    ...(governed ? { Timelock: governor, StakeGovernor: stakeGovernor } : {}),
  };
  return { deployment, addresses };
}

const requirePlace = (what: string, found: string | undefined, planned: string): void => {
  if (found === planned) return;
  throw new AssayError("DEPLOY_FAILED", `${what} is at ${found}, not at ${planned}`, {
    remedy: "begin anew in another folder, and send nothing else with the key meanwhile",
  });
};

async function tokenFacts(token: string, holder: string, rpc: JsonRpcProvider) {
  const contract = new Contract(token, loadArtifact("TestToken").abi, rpc);
  const symbol: unknown = await contract.getFunction("symbol")();
  const decimals: unknown = await contract.getFunction("decimals")();
  const held: unknown = await contract.getFunction("balanceOf")(holder);
  return { symbol: String(symbol), decimals: Number(decimals), held: BigInt(String(held)) };
}
