/** Which contracts the agent works with: the market says, and a copy is kept for when it cannot be asked. */
import { isAssayError } from "@assay/protocol/errors";
import type { Deployment } from "@assay/protocol/wire/api";
import { deploymentCopy, keepDeployment } from "@assay/runtime/deployment-copy";

export interface DeploymentParts {
  /** Where the copy is. */
  readonly path: string;
  /** There are jobs to finish on these contracts, market or no market. */
  readonly bound: boolean;
  /** Asks the market once. */
  readonly ask: () => Promise<Deployment>;
  /** Asks the market until it answers or patience ends. */
  readonly insist: () => Promise<Deployment>;
}

/** Throws what asking throws where there is no job to finish, or no copy. */
export const knownDeployment = async (parts: DeploymentParts): Promise<Deployment> => {
  const copy = parts.bound ? await deploymentCopy(parts.path) : undefined;
  if (copy === undefined) return keepDeployment(parts.path, await parts.insist());
  try {
    return await keepDeployment(parts.path, await parts.ask());
  } catch (error) {
    if (isAssayError(error) && error.retryable) return copy;
    throw error;
  }
};
