import { parametersAbi } from "@assay/protocol/generated/abis";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";

/** The newest version of the governed parameters and its number; fields as in `contracts/types/Params.sol`. */
export const parameters = async (context: AssayContext) => {
  const { contracts } = await context.deployment();
  try {
    const [version, params] = await context.publicClient.readContract({
      address: contracts.parameters,
      abi: parametersAbi,
      functionName: "current",
    });
    return { version, ...params };
  } catch (error) {
    throw explainCall(error);
  }
};
