/** Learning rates as functions of the step, computed in the graph from the step number. */
import {
  add,
  div,
  integerDiv,
  integerLess,
  maximum,
  minimum,
  mul,
  select,
  square,
  sub,
  toReal,
} from "../builder/elementwise.ts";
import { exp, sinPi } from "../builder/functions.ts";
import { constant, type F32, stepNumber } from "../builder/graph.ts";

export type Schedule =
  | { readonly kind: "constant" }
  /** Linear from 0 over `warmup` steps, then half a cosine down to `floor` (a fraction of the peak) at the last step. */
  | { readonly kind: "cosine"; readonly warmup?: number; readonly floor?: number }
  /** Times `factor` after every `every` steps. */
  | { readonly kind: "step"; readonly every: number; readonly factor: number };

/**
 * The learning rate of this step of `steps`, a scalar. Cosine: Loshchilov and Hutter, 2017, equation 5 without
 * restarts, as ½(1 + cos πp) = sin²(π(1 − p)/2); the first step of a warm-up has rate peak/warmup.
 */
export const learningRateAt = (peak: number, schedule: Schedule, steps: number): F32 => {
  if (schedule.kind === "constant") return constant(peak);
  const step = toReal(stepNumber());
  if (schedule.kind === "step") {
    const drops = toReal(integerDiv(stepNumber(), schedule.every));
    return mul(exp(mul(drops, Math.log(schedule.factor))), peak);
  }
  const { warmup = 0, floor = 0 } = schedule;
  const progress = div(sub(step, warmup), Math.max(1, steps - warmup));
  const left = sub(1, minimum(maximum(progress, 0), 1));
  const decayed = add(mul(square(sinPi(mul(left, 0.5))), peak * (1 - floor)), peak * floor);
  if (warmup === 0) return decayed;
  return select(integerLess(stepNumber(), warmup), mul(add(step, 1), peak / warmup), decayed);
};
