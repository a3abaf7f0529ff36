/** Which contracts the agent works with: the market says, and a copy is kept for when it cannot be asked. */
import { open, readFile, rename } from "node:fs/promises";
import { isAssayError } from "@assay/protocol/errors";
import { deploymentSchema, type Deployment } from "@assay/protocol/wire/api";

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
  const copy = parts.bound ? await copyAt(parts.path) : undefined;
  if (copy === undefined) return kept(parts.path, await parts.insist());
  try {
    return await kept(parts.path, await parts.ask());
  } catch (error) {
    if (isAssayError(error) && error.retryable) return copy;
    throw error;
  }
};

const copyAt = async (path: string): Promise<Deployment | undefined> => {
  try {
    return deploymentSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch {
    return undefined;
  }
};

const kept = async (path: string, deployment: Deployment): Promise<Deployment> => {
  const file = await open(`${path}.part`, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(deployment)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  return deployment;
};
