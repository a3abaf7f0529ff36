/** Embedding and attention. */
import { at } from "../builder/access.ts";
import { integerLess, mul, select } from "../builder/elementwise.ts";
import { type F32, graphError, type I32, iota } from "../builder/graph.ts";
import { contract } from "../builder/reduce.ts";
import { broadcastTo, gather, reshape } from "../builder/views.ts";
import { type Initializer, uniformWith } from "./initial.ts";
import { dense, type Layer, type Model } from "./layers.ts";
import { softmax } from "./losses.ts";

/** Low enough that its exponential is +0 beside any score, and finite. */
const MASKED = -1e30;

/**
 * softmax(q·kᵀ/√d)·v for each head, on `[n, tokens, heads, d]` (Vaswani et al., 2017, equation 1). Causal: a token sees
 * itself and earlier ones.
 */
export const attend = (q: F32, k: F32, v: F32, causal: boolean): F32 => {
  const scores = mul(contract("nqhd,nkhd->nhqk", q, k), 1 / Math.sqrt(at(q.shape, 3)));
  const [queries, keys] = [at(q.shape, 1), at(k.shape, 1)];
  const later = integerLess(iota([queries, keys], 0), iota([queries, keys], 1));
  const seen = causal ? select(broadcastTo(later, scores.shape), MASKED, scores) : scores;
  return contract("nhqk,nkhd->nqhd", softmax(seen), v);
};

export interface AttentionOptions {
  readonly width: number;
  readonly heads: number;
  readonly causal?: boolean;
  readonly initializer?: Initializer;
  /** For the projection back to the residual stream. */
  readonly outputInitializer?: Initializer;
}

/** Multi-head self-attention on `[n, tokens, width]`, with projections `query`, `key`, `value`, `output`. */
export const selfAttention = (model: Model, name: string, options: AttentionOptions): Layer => {
  const { width, heads, causal = true, initializer = uniformWith(0.02) } = options;
  const { outputInitializer = initializer } = options;
  if (width % heads !== 0) throw graphError(`${width} channels for ${heads} heads`);
  const project = (part: string, drawn: Initializer): Layer =>
    dense(model, `${name}.${part}`, { inputs: width, outputs: width, initializer: drawn });
  const [query, key, value] = ["query", "key", "value"].map((p) => project(p, initializer)) as [
    Layer,
    Layer,
    Layer,
  ];
  const output = project("output", outputInitializer);
  return (x) => {
    const split = (y: F32): F32 => reshape(y, [...x.shape.slice(0, 2), heads, width / heads]);
    const mixed = attend(split(query(x)), split(key(x)), split(value(x)), causal);
    return output(reshape(mixed, x.shape));
  };
};

/** A learned row for each token: tokens of any shape to `tokens.shape ++ [width]`. */
export const embedding = (
  model: Model,
  name: string,
  vocabulary: number,
  width: number,
  initializer: Initializer = uniformWith(0.02),
): ((tokens: I32) => F32) => {
  const table = model.weight(
    `${name}.weight`,
    [vocabulary, width],
    { in: vocabulary, out: width },
    initializer,
  );
  return (tokens) => gather(table, tokens);
};
