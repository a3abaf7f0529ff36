/** Whether an interval that is disputed can be run again here in time, as far as the clock of the game does not say it already. */
import { wordsRoot } from "@assay/engine/data/dataset";
import { elements } from "@assay/engine/ir/shape";
import { type Program, UNCHANGED } from "@assay/engine/ir/types";
import { nodeHasher } from "@assay/engine/trace/hasher";
import type { Refusal } from "@assay/protocol/wire/api";

/** Elements hashed for a measurement, and how often: the best counts. */
const SAMPLE_ELEMENTS = 2 ** 18;
const SAMPLES = 5;
/** How often the states inside a disputed interval are hashed: once for all of them, once more for those under a wrong node. */
const PASSES = 2;
/** Share of the parameter's clock that hashing may take: the rest is for the moves, and for other work on this machine. */
const CLOCK_SHARE = 0.5;

let measured: number | undefined;

/** Bytes of state that one core commits to in a second, measured once. */
export const hashSpeed = (): number => {
  if (measured !== undefined) return measured;
  const type = { dtype: "f32", shape: [SAMPLE_ELEMENTS] } as const;
  const words = new Uint32Array(SAMPLE_ELEMENTS);
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i++) {
    const begun = performance.now();
    wordsRoot(nodeHasher, type, words);
    best = Math.min(best, performance.now() - begun);
  }
  measured = (words.byteLength * 1000) / best;
  return measured;
};

/**
 * Why the states inside an interval cannot be hashed within a dispute, or undefined. Clocks hold the time of running an interval
 * again by its work units, which do not count this.
 * @param disputeClock seconds of the parameter
 * @param bytesPerSecond of {@link hashSpeed}
 */
export const replayTooLong = (
  program: Program,
  disputeClock: number,
  bytesPerSecond: number,
): Refusal | undefined => {
  const changed = program.state.reduce(
    (sum, { stepOp, shape }) => (stepOp === UNCHANGED ? sum : sum + 4 * elements(shape)),
    0,
  );
  const seconds = (PASSES * changed * Math.min(program.interval, program.steps)) / bytesPerSecond;
  const allowed = CLOCK_SHARE * disputeClock;
  return seconds <= allowed
    ? undefined
    : {
        code: "REPLAY_TOO_LONG",
        reason: `about ${Math.ceil(seconds)} s to hash the states of an interval again in a dispute, ${allowed} s to do it: take a shorter interval`,
      };
};
