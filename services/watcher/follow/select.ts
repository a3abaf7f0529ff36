/** Which jobs a watcher runs again. Pure. */
import type { Terms } from "@assay/protocol/domain/messages";
import { totalUnits } from "@assay/protocol/domain/money";
import { concatHex, isAddressEqual, keccak256, type Address, type Hex } from "viem";

export interface Choice {
  /** Share of all jobs, 0 to 1; which ones nobody can foresee who does not know the salt. */
  readonly fraction: number;
  /** Jobs of more work units are left to others; undefined: no limit. */
  readonly maxUnits: bigint | undefined;
  /** Only jobs of which one of these is requester or provider; empty: all. */
  readonly only: readonly Address[];
}

export type Reason = "fraction" | "units" | "list" | "executor";

const DRAWS = 2n ** 32n;

/** Why a job is not run again; undefined for one that is. The same for the same job and salt, so that a restart keeps to it. */
export const leftOut = (choice: Choice, salt: Hex, terms: Terms): Reason | undefined => {
  const { only, maxUnits, fraction } = choice;
  if (terms.executor !== 0) return "executor";
  const parties = [terms.requester, terms.provider];
  if (only.length > 0 && !only.some((one) => parties.some((party) => isAddressEqual(one, party))))
    return "list";
  if (maxUnits !== undefined && totalUnits(terms) > maxUnits) return "units";
  const draw = BigInt(keccak256(concatHex([salt, terms.jobId]))) % DRAWS;
  return Number(draw) < fraction * Number(DRAWS) ? undefined : "fraction";
};
