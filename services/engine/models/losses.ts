/** Losses, and the normalised exponential they share. */
import { at } from "../builder/access.ts";
import { add, mul, reciprocal, square, sub } from "../builder/elementwise.ts";
import { exp, log } from "../builder/functions.ts";
import { type F32, graphError, type I32, withPullback } from "../builder/graph.ts";
import { largest, mean, oneHot, sum } from "../builder/reduce.ts";
import { diagonal, gather, reshape, transpose } from "../builder/views.ts";

/** Exponentials along the last axis after the largest was taken off, and their sum (axis kept). */
const exponentials = (x: F32): { readonly top: F32; readonly e: F32; readonly total: F32 } => {
  const axes = [x.shape.length - 1];
  const top = largest(x, { axes, keep: true });
  const e = exp(sub(x, top));
  return { top, e, total: sum(e, { axes, keep: true }) };
};

/** eˣ / Σ eˣ along the last axis; invariant to a shift, so the largest element is taken off first. */
export const softmax = (x: F32): F32 => {
  const { e, total } = exponentials(x);
  const y = mul(e, reciprocal(total));
  const axes = [x.shape.length - 1];
  return withPullback(y, {
    inputs: [x],
    pull: (g) => [mul(y, sub(g, sum(mul(g, y), { axes, keep: true })))],
  });
};

/**
 * −ln softmax(logits)[label] for each row of `[n, classes]`, by the stable log-sum-exp:
 * ln Σ e^(x − max) + max − x[label]. Gradient: softmax − one-hot. A label outside the classes reads logit 0.
 */
export const crossEntropy = (logits: F32, labels: I32): F32 => {
  const [rows, classes] = [at(logits.shape, 0), at(logits.shape, 1)];
  if (logits.shape.length !== 2 || labels.shape.length !== 1)
    throw graphError("cross-entropy wants logits [n, classes], labels [n]");
  const { top, e, total } = exponentials(logits);
  const chosen = diagonal(gather(transpose(logits), labels));
  const y = sub(add(log(reshape(total, [rows])), reshape(top, [rows])), chosen);
  return withPullback(y, {
    inputs: [logits],
    pull: (g) => [
      mul(sub(mul(e, reciprocal(total)), oneHot(labels, classes)), reshape(g, [rows, 1])),
    ],
  });
};

/** Mean of (x − y)² over all elements. */
export const meanSquaredError = (x: F32, y: F32): F32 => mean(square(sub(x, y)));
