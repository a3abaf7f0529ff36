/**
 * A character model with interpolated Kneser–Ney smoothing (Chen and Goodman, 1999, equation 23; one discount an order,
 * n₁/(n₁ + 2n₂)): the baseline that a language model has to beat.
 */

interface Context {
  /** Sum of the counts of what follows. */
  total: number;
  readonly counts: Map<number, number>;
}

/** Contexts of one length, by their tokens in a row as a number below `vocabulary^length`. */
type Level = Map<number, Context>;

const count = (level: Level, context: number, token: number): boolean => {
  let found = level.get(context);
  if (found === undefined) level.set(context, (found = { total: 0, counts: new Map() }));
  const before = found.counts.get(token) ?? 0;
  found.counts.set(token, before + 1);
  found.total++;
  return before === 0;
};

/** The share taken from every count of a level; a half where no count is one, so that nothing is impossible. */
const discountOf = (level: Level): number => {
  let [once, twice] = [0, 0];
  for (const { counts } of level.values())
    for (const value of counts.values()) {
      if (value === 1) once++;
      else if (value === 2) twice++;
    }
  return once === 0 ? 0.5 : once / (once + 2 * twice);
};

/**
 * Mean negative log-probability (nats) of each held-out token but the first `order`, after `order` tokens of context, by
 * the model of the training tokens.
 */
export const kneserNeyLoss = (
  train: ArrayLike<number>,
  heldOut: ArrayLike<number>,
  vocabulary: number,
  order: number,
): number => {
  const token = (list: ArrayLike<number>, at: number): number => list[at] ?? 0;
  const contextAt = (list: ArrayLike<number>, at: number, length: number): number => {
    let context = 0;
    for (let k = length; k > 0; k--) context = context * vocabulary + token(list, at - k);
    return context;
  };
  const levels: Level[] = Array.from({ length: order + 1 }, () => new Map());
  // Below the highest order a token counts once for each token that it was seen after.
  for (let at = order; at < train.length; at++)
    for (let length = order; length >= 0; length--) {
      const level = levels[length] as Level;
      if (!count(level, contextAt(train, at, length), token(train, at))) break;
    }
  const discounts = levels.map(discountOf);
  let loss = 0;
  for (let at = order; at < heldOut.length; at++) {
    let probability = 1 / vocabulary;
    for (let length = 0; length <= order; length++) {
      const context = levels[length]?.get(contextAt(heldOut, at, length));
      if (context === undefined) continue;
      const discount = discounts[length] ?? 0;
      const own = Math.max(0, (context.counts.get(token(heldOut, at)) ?? 0) - discount);
      const left = discount * context.counts.size;
      probability = (own + left * probability) / context.total;
    }
    loss -= Math.log(probability);
  }
  return loss / (heldOut.length - order);
};
