/** Runs one Ignition module with one key. */
import { join } from "node:path";

import {
  DeploymentResultType,
  deploy,
  type DeploymentParameters,
  type IgnitionModule,
} from "@nomicfoundation/ignition-core";

import { artifactResolver } from "./artifacts.ts";
import type { SigningProvider } from "./provider.ts";

export interface IgniteOptions {
  readonly provider: SigningProvider;
  /** Folder for the journals, one folder a module in it; in memory where absent. */
  readonly journal: string | undefined;
  /** Milliseconds between two looks for a receipt. */
  readonly pollingInterval: number;
}

/** Deploys what of the module is not deployed yet. Returns addresses by contract name. @throws Error with Ignition's account. */
export async function ignite(
  ignitionModule: IgnitionModule,
  values: DeploymentParameters[string],
  { provider, journal, pollingInterval }: IgniteOptions,
): Promise<Record<string, string>> {
  const result = await deploy({
    artifactResolver,
    provider,
    ignitionModule,
    deploymentParameters: { [ignitionModule.id]: values },
    accounts: [provider.address],
    defaultSender: provider.address,
    ...(journal === undefined ? {} : { deploymentDir: join(journal, ignitionModule.id) }),
    config: { requiredConfirmations: 1, blockPollingInterval: pollingInterval },
  });
  if (result.type !== DeploymentResultType.SUCCESSFUL_DEPLOYMENT) {
    throw new Error(
      `deployment of ${ignitionModule.id} failed: ${JSON.stringify(result, null, 2)}`,
    );
  }
  return Object.fromEntries(
    Object.values(result.contracts).map(({ contractName, address }) => [contractName, address]),
  );
}
