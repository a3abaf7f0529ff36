/** How long a watcher lets a job be before it looks again. Pure; milliseconds. */

/** Before a game's end or a turn nothing is asked for longer. */
const LONGEST_WAIT_MS = 15_000;
/** Between two looks, of the time that is left; in a game the provider may move at any moment, and a game has dozens of moves. */
const WAIT_SHARE = 1 / 10;
const MOVE_SHARE = 1 / 1_000;
/** Where less is left the share of it is nothing. */
const SOON_MS = 60_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/**
 * Until the next look, `leftMs` before something falls due: the chain's clock and this machine's differ, so what is far off is looked at
 * now and then.
 */
export const nextLook = (leftMs: number, playing: boolean, pollMs: number): number => {
  const share = leftMs > SOON_MS ? leftMs * (playing ? MOVE_SHARE : WAIT_SHARE) : 0;
  return Math.min(LONGEST_WAIT_MS, Math.max(pollMs, share));
};

/** Before what failed is tried again, after so many `failures` in a row before. */
export const nextTry = (failures: number): number =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
