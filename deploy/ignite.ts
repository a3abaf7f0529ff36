/** Runs one Ignition module with one key. */
import { join } from "node:path";

import {
  DeploymentResultType,
  deploy,
  type DeploymentParameters,
  type IgnitionModule,
} from "@nomicfoundation/ignition-core";

import { artifactResolver } from "./artifacts.ts";
import { AssayError } from "@assay/protocol/errors";
import type { JsonRpcProvider } from "ethers";

import { signingProvider } from "./provider.ts";
import { finishLast, recordSent } from "./sent.ts";

export interface IgniteOptions {
  readonly rpc: JsonRpcProvider;
  /** Private key. */
  readonly key: string;
  /** Folder for the journals, one folder a module in it; in memory where absent. */
  readonly journal: string | undefined;
  /** Milliseconds between two looks for a receipt. */
  readonly pollingInterval: number;
}

/** What Ignition says of a failed deployment, shortened to the reasons. */
const reasonsOf = (result: object): string =>
  JSON.stringify(result, (_key, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value,
  );

/**
 * Deploys what of the module is not deployed yet. Returns addresses by contract name.
 * @throws `DEPLOY_FAILED` with Ignition's account
 */
export async function ignite(
  ignitionModule: IgnitionModule,
  values: DeploymentParameters[string],
  { rpc, key, journal, pollingInterval }: IgniteOptions,
): Promise<Record<string, string>> {
  const provider = signingProvider(rpc, key, (raw) => {
    if (journal !== undefined) recordSent(journal, { module: ignitionModule.id, raw });
  });
  const failed = (why: string, cause?: unknown): AssayError =>
    new AssayError("DEPLOY_FAILED", `deployment of ${ignitionModule.id} stopped: ${why}`, {
      retryable: true,
      remedy:
        journal === undefined
          ? "see what the chain says, then begin anew"
          : "type the same command again: it goes on where it stopped",
      ...(cause === undefined ? {} : { cause }),
    });
  if (journal !== undefined) await finishLast(journal, rpc, provider);
  const result = await deploy({
    artifactResolver,
    provider,
    ignitionModule,
    deploymentParameters: { [ignitionModule.id]: values },
    accounts: [provider.address],
    defaultSender: provider.address,
    ...(journal === undefined ? {} : { deploymentDir: join(journal, ignitionModule.id) }),
    config: { requiredConfirmations: 1, blockPollingInterval: pollingInterval },
  }).catch((error: unknown) => {
    throw failed(error instanceof Error ? error.message : String(error), error);
  });
  if (result.type !== DeploymentResultType.SUCCESSFUL_DEPLOYMENT) throw failed(reasonsOf(result));
  return Object.fromEntries(
    Object.values(result.contracts).map(({ contractName, address }) => [contractName, address]),
  );
}
