/** Errors of other contracts that an agreement may bubble up. */
import { provenanceAbi, stakingAbi } from "@assay/protocol/generated/abis";
import type { Abi } from "viem";

export const bubbledErrors: Abi = [...stakingAbi, ...provenanceAbi].filter(
  (item) => item.type === "error",
);
