/** Which contracts to watch: as given, as the market says or as clients know; a copy is kept for when nobody can be asked. */
import { knownDeployment } from "@assay/protocol/domain/deployments";
import { isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { deploymentCopy, keepDeployment } from "@assay/runtime/deployment-copy";
import { createAssay } from "@assay/sdk";
import { explainCall } from "@assay/sdk/chain/write";

interface Client {
  readonly rpcUrl: string;
  readonly apiUrl?: string | undefined;
}

/** Throws DEPLOYMENT_UNKNOWN, DEPLOYMENT_MISMATCH, and API_UNREACHABLE or CHAIN_UNREACHABLE where there is no copy. */
export const deploymentOf = async (
  client: Client,
  copy: string,
  given: Deployment | undefined,
): Promise<Deployment> => {
  if (given !== undefined) return given;
  try {
    return await keepDeployment(copy, await ask(client));
  } catch (error) {
    const kept = isAssayError(error) && error.retryable ? await deploymentCopy(copy) : undefined;
    if (kept !== undefined) return kept;
    throw error;
  }
};

const ask = async ({ rpcUrl, apiUrl }: Client): Promise<Deployment> => {
  if (apiUrl !== undefined) return createAssay({ rpcUrl, apiUrl }).context.deployment();
  const { publicClient } = createAssay({ rpcUrl }).context;
  const chainId = await publicClient.getChainId().catch((error: unknown) => {
    throw explainCall(error);
  });
  return knownDeployment(chainId);
};
