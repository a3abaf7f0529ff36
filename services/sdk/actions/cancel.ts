import { marketAbi } from "@assay/protocol/generated/abis";
import type { AssayContext } from "../context.ts";
import { write, type Mined } from "../chain/write.ts";

/** Makes every request of this account with the nonce void, at once. Jobs already agreed go on. */
export const cancel = async (context: AssayContext, nonce: bigint): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "cancelNonce",
    args: [nonce],
  });
};
