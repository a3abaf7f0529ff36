import assert from "node:assert/strict";
import { it } from "node:test";
import { kneserNeyLoss } from "./kneser-ney.ts";

/** Counts of a text with rules: each token follows from the two before it, but for every seventh. */
const text = (length: number, shift: number): number[] => {
  const tokens = [0, 1];
  for (let k = 2; k < length; k++)
    tokens.push(((tokens[k - 1] ?? 0) + (tokens[k - 2] ?? 0) + (k % 7 === shift ? 1 : 0)) % 4);
  return tokens;
};

it("a longer context helps, an unseen one falls back, and probabilities sum to one", () => {
  const [train, heldOut] = [text(4000, 0), text(500, 3)];
  const losses = [0, 1, 2].map((order) => kneserNeyLoss(train, heldOut, 4, order));
  assert.ok((losses[2] ?? 9) < 0.9 * (losses[1] ?? 0), losses.join());
  const after = (last: number): number =>
    [0, 1, 2, 3].reduce(
      (sum, next) => sum + Math.exp(-kneserNeyLoss(train, [1, last, next], 4, 2)),
      0,
    );
  for (const last of [0, 1, 2, 3]) assert.ok(Math.abs(after(last) - 1) < 1e-12);
  assert.ok(
    kneserNeyLoss([0, 0, 0, 1, 0, 0, 0, 1], [0, 2], 3, 1) < 10,
    "never without probability",
  );
});
