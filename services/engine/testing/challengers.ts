/** Challengers of disputes. */
import { isAssayError } from "@assay/protocol/errors";
import { advance } from "../trace/descent/course.ts";
import type { Descent } from "../trace/descent/descent.ts";
import type { Pointing } from "../trace/descent/positions.ts";
import type { Challenger } from "./dispute.ts";
import type { Random } from "./random.ts";

/** Points at the first thing that differs from its own run. */
export const honestChallenger = (descent: Descent): Challenger => ({
  point: (position, theirs) => descent.firstDifference(position, theirs),
});

/** Points at random things that are there. */
export const spuriousChallenger = ({ course }: Descent, random: Random): Challenger => ({
  point: async (position) => {
    for (let tries = 0; tries < 1000; tries++) {
      const pointing = random.pick<Pointing>([
        { to: random.pick(["prefix", "final", "model", "evaluation"] as const) },
        { to: "child", index: random.integer(0, 15) },
        { to: "child", index: 0 },
        { to: "last" },
        { to: "element", index: random.integer(0, 255) },
        { to: "element", index: 0 },
        { to: "read", read: random.integer(0, 6) },
      ]);
      try {
        advance(course, position, pointing);
        return pointing;
      } catch (error) {
        if (!isAssayError(error, "ENGINE_DESCENT_POINT")) throw error;
      }
    }
    return undefined;
  },
});
