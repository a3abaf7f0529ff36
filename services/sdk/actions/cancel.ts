import { marketAbi } from "@assay/protocol/generated/abis";
import type { Request } from "@assay/protocol/domain/messages";
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

/** Makes this request void, at once. Jobs already agreed go on. @throws `MARKET_NOT_REQUESTER` */
export const cancelRequest = async (context: AssayContext, request: Request): Promise<Mined> => {
  const { contracts } = await context.deployment();
  return write(context, {
    address: contracts.market,
    abi: marketAbi,
    functionName: "cancelRequest",
    args: [request],
  });
};
