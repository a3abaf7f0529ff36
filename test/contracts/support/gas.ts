import assert from "node:assert/strict";
import hre from "hardhat";

/** Under `npm run coverage` the contracts count what runs, and use more gas than they are held to. */
export const IS_COUNTED = hre.globalOptions.coverage;

/** Holds gas that was used under its goal, where the code is what is deployed. */
export const assertGas = (used: bigint, goal: bigint, what = "gas"): void => {
  if (!IS_COUNTED) assert.ok(used < goal, `${what}: ${used}`);
};
