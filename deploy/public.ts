/** A deployment to a public network: everything checked before, kept in a folder to go on with, and read back after. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { JsonRpcProvider, computeAddress, getCreateAddress } from "ethers";

import type { Finding } from "./code.ts";
import { deployWith } from "./deploy.ts";
import { BEFORE_MARKET } from "./modules/assay.ts";
import { type ParameterFile, ZERO_ADDRESS, readParameters } from "./parameters.ts";
import { readPowers } from "./powers.ts";
import { requireChain, requireFunds, requireToken } from "./preflight.ts";
import { readSent } from "./sent.ts";
import { writeVerification } from "./verification.ts";

export interface PublicOptions {
  readonly rpcUrl: string;
  /** Private key that pays and that holds the probe amount of the token. */
  readonly deployer: string;
  /** Path of the parameters file. */
  readonly parameters: string;
  /** Folder for all that is written: one deployment's, and the same when it goes on. */
  readonly out: string;
  /** Told of each step. */
  readonly say?: (line: string) => void;
  /** Milliseconds between two looks for a receipt. */
  readonly pollingInterval?: number;
}

export interface PublicDeployment {
  readonly deployment: Deployment;
  readonly addresses: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

/** Contracts in the order in which they are made; the approval comes second. */
const CREATIONS = [
  "Timelock",
  "TestToken",
  "Parameters",
  "Staking",
  "Reputation",
  "Provenance",
  "SidePaths",
  "Market",
  "Referee",
  "ProgramFaults",
  "Proofs",
  "BlockBeacon",
  "Clerk",
  "Disputes",
  "StakeGovernor",
];

interface Network {
  readonly chainId: number;
  readonly token: string;
  readonly guardian: string;
  readonly treasury: string | undefined;
}

/** @throws `DEPLOY_PARAMETERS_INCOMPLETE`, `DEPLOY_POWER_FOR_DEPLOYER` */
const networkOf = (path: string, file: ParameterFile, deployer: string): Network => {
  const { chainId = null, token = null, guardian = null, treasury = null } = file.network ?? {};
  if (chainId === null || token === null) {
    throw new AssayError(
      "DEPLOY_PARAMETERS_INCOMPLETE",
      `${path} does not name the ${chainId === null ? "chain" : "token"} (network.${chainId === null ? "chainId" : "token"})`,
      { remedy: "copy deploy/parameters/public.json, and fill its `network` in" },
    );
  }
  for (const [role, address] of Object.entries({ guardian, treasury })) {
    if (address !== deployer) continue;
    throw new AssayError(
      "DEPLOY_POWER_FOR_DEPLOYER",
      `network.${role} is the deployer itself, which must keep no power`,
      { remedy: `name another address, best a multisig's, or null for none` },
    );
  }
  return { chainId, token, guardian: guardian ?? ZERO_ADDRESS, treasury: treasury ?? undefined };
};

const connected = async <T>(
  rpcUrl: string,
  work: (rpc: JsonRpcProvider) => Promise<T>,
): Promise<T> => {
  const rpc = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  try {
    return await work(rpc);
  } finally {
    rpc.destroy();
  }
};

/**
 * Deploys, or goes on deploying, writes what explorers need, and reads back who can do what.
 * @throws the refusals of `preflight.ts` and `plan.ts`, `DEPLOY_PARAMETERS_BAD`, `DEPLOY_PARAMETERS_INCOMPLETE`,
 * `DEPLOY_POWER_FOR_DEPLOYER`, `DEPLOY_FAILED`, and `DEPLOY_POWER_LEFT` where the chain does not say what it should
 */
export const deployPublic = (options: PublicOptions): Promise<PublicDeployment> =>
  connected(options.rpcUrl, async (rpc) => {
    const { out, say = () => undefined } = options;
    const file = readParameters(options.parameters);
    const deployer = computeAddress(options.deployer);
    const { chainId, token, guardian, treasury } = networkOf(options.parameters, file, deployer);
    await requireChain(rpc, options.rpcUrl, chainId);
    say(`chain ${chainId}, deployer ${deployer}`);
    const journal = join(out, "journal");
    const begun = readSent(journal).length;
    if (begun === 0) {
      const nonce = (await rpc.getTransactionCount(deployer)) + 1 + BEFORE_MARKET;
      const market = getCreateAddress({ from: deployer, nonce });
      const facts = await requireToken(rpc, token, deployer, market, BigInt(file.probe));
      say(`token ${facts.symbol} with ${facts.decimals} decimals moves what it is told to`);
    } else {
      say(`going on after ${begun} transactions`);
    }
    await requireFunds(rpc, deployer, CREATIONS.slice(begun));

    const made = await deployWith(rpc, file, {
      deployer: options.deployer,
      token,
      guardian,
      ...(treasury === undefined ? {} : { treasury }),
      journal,
      file: join(out, "deployment.json"),
      ...(options.pollingInterval === undefined
        ? {}
        : { pollingInterval: options.pollingInterval }),
    });
    write(out, "contracts.json", made.addresses);
    say(
      `deployed ${Object.keys(made.addresses).length} contracts, the market at ${made.deployment.contracts.market}`,
    );
    await writeVerification(join(out, "verification"), journal, made.addresses);
    say("wrote what explorers need for verification");
    const findings = await readPowers(rpc, { ...made, deployer, file, guardian, treasury });
    write(out, "powers.json", findings);
    requireNone(findings);
    return { ...made, findings };
  });

const write = (out: string, name: string, value: unknown): void => {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
};

/** @throws `DEPLOY_POWER_LEFT` with what is wrong */
const requireNone = (findings: readonly Finding[]): void => {
  const wrong = findings.filter(({ ok }) => !ok);
  if (wrong.length === 0) return;
  throw new AssayError(
    "DEPLOY_POWER_LEFT",
    `the chain does not say what it should: ${wrong.map(({ what, found }) => `${what} — ${found}`).join("; ")}`,
    { remedy: "do not use this deployment", details: { wrong } },
  );
};

export interface CheckOptions {
  readonly rpcUrl: string;
  readonly parameters: string;
  /** Address of the key that deployed. */
  readonly deployer: string;
  readonly deployment: Deployment;
  readonly addresses: Readonly<Record<string, string>>;
}

/** Reads who can do what in a deployment of anybody's. Findings that are not good are told, not thrown. */
export const checkPublic = (options: CheckOptions): Promise<readonly Finding[]> =>
  connected(options.rpcUrl, async (rpc) => {
    const file = readParameters(options.parameters);
    const { guardian, treasury } = networkOf(options.parameters, file, ZERO_ADDRESS);
    await requireChain(rpc, options.rpcUrl, options.deployment.chainId);
    return readPowers(rpc, { ...options, file, guardian, treasury });
  });
