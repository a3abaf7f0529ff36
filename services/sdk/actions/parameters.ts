import { parametersAbi } from "@assay/protocol/generated/abis";
import { read } from "../chain/read.ts";
import type { AssayContext } from "../context.ts";

/** The newest version of the governed parameters and its number; fields as in `contracts/types/Params.sol`. */
export const parameters = async (context: AssayContext) => {
  const { contracts } = await context.deployment();
  const [version, params] = await read(context, {
    address: contracts.parameters,
    abi: parametersAbi,
    functionName: "current",
  });
  return { version, ...params };
};
