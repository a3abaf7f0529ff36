/** Gas limits: what an estimate can miss, and how a transaction that had too little is told from one that was refused. */

/**
 * What two storage slots cost that were not written when the gas was estimated: a second later, `stake` begins new
 * checkpoints of the staker's and of all votes where it would have changed the last ones (112,000 gas for 67,000).
 */
const NEW_SLOTS_GAS = 50_000n;

/** A limit for a call that was estimated at `estimate` gas. */
export const gasLimit = (estimate: bigint): bigint => (estimate * 5n) / 4n + NEW_SLOTS_GAS;

/** Times that a call is sent again with twice the gas after it ran out. */
export const MORE_GAS = 2;

/** A frame keeps a 64th of its gas from the calls it makes, so a transaction can run out with a little left (EIP-150). */
export const ranOut = ({ gasUsed }: { readonly gasUsed: bigint }, limit: bigint): boolean =>
  gasUsed * 10n >= limit * 9n;
