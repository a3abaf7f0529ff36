/** Deployments that clients know without asking anyone. */
import { AssayError } from "../errors.ts";
import { DEPLOYMENTS } from "../generated/deployments.ts";
import { deploymentSchema, type Deployment } from "../wire/api.ts";

/** Contracts on a chain, where clients know them. */
export const findDeployment = (chainId: number): Deployment | undefined => {
  const found = DEPLOYMENTS.find((deployment) => deployment.chainId === chainId);
  return found === undefined ? undefined : deploymentSchema.parse(found);
};

/** Contracts on a chain. @throws `DEPLOYMENT_UNKNOWN` */
export const knownDeployment = (chainId: number): Deployment => {
  const found = findDeployment(chainId);
  if (found === undefined) {
    throw new AssayError("DEPLOYMENT_UNKNOWN", `no Assay contracts are known on chain ${chainId}`, {
      remedy: "give the URL of a market on this chain: it tells the addresses",
    });
  }
  return found;
};
