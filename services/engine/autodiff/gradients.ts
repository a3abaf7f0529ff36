/** Reverse-mode differentiation: a graph to a graph of the same two op forms. */
import { at } from "../builder/access.ts";
import { add, mul, neg, sub } from "../builder/elementwise.ts";
import {
  constant,
  type F32,
  graphError,
  type GraphNode,
  isContiguous,
  materialise,
  type OpNode,
  sameShape,
} from "../builder/graph.ts";
import { broadcastTo } from "../builder/views.ts";
import { contributions } from "./rules.ts";
import { transposeAccess } from "./transpose.ts";

/** Tensors that a node's gradient flows into. */
const inputs = (node: OpNode): readonly F32[] =>
  node.pullback?.inputs ?? node.operands.filter((x): x is F32 => x.dtype === "f32");

/** Op nodes that reach a wanted node, each after those it reads. */
const pathTo = (
  root: GraphNode,
  wanted: ReadonlySet<GraphNode>,
): { readonly order: OpNode[]; readonly needed: ReadonlySet<GraphNode> } => {
  const needed = new Set<GraphNode>(wanted);
  const order: OpNode[] = [];
  const seen = new Set<GraphNode>();
  const stack: { node: GraphNode; done: boolean }[] = [{ node: root, done: false }];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { node, done } = entry;
    if (node.kind !== "op") continue;
    if (done) {
      if (inputs(node).some((x) => needed.has(x.node))) needed.add(node);
      if (needed.has(node)) order.push(node);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, done: true });
    for (const x of inputs(node).toReversed()) stack.push({ node: x.node, done: false });
  }
  return { order, needed };
};

/** A gradient that later rules may guard further: at most two guards, no picked row. */
const simple = (x: F32): F32 => (x.bounds.length > 2 || x.picked ? materialise(x) : x);

/**
 * Gradients of the sum of `loss`'s elements with respect to each of `wanted` (a state, data or parent tensor, or an
 * op's output, each whole); zeros where `loss` does not depend on it.
 */
export const gradients = (loss: F32, wanted: readonly F32[]): F32[] => {
  for (const x of wanted)
    if (!isContiguous(x) || !sameShape(x.shape, x.node.shape))
      throw graphError("gradients are taken of whole tensors, not of views");
  const { order, needed } = pathTo(loss.node, new Set(wanted.map((x) => x.node)));
  const adjoints = new Map<GraphNode, F32>();
  const accumulate = (node: GraphNode, part: F32, negative = false): void => {
    const known = adjoints.get(node);
    if (known) adjoints.set(node, negative ? sub(known, part) : add(known, part));
    else adjoints.set(node, negative ? neg(part) : part);
  };
  if (needed.has(loss.node))
    accumulate(loss.node, transposeAccess(loss, [constant(1, loss.shape)]));
  for (const node of order.toReversed()) {
    const found = adjoints.get(node);
    if (!found) continue;
    const adjoint = simple(found);
    if (node.pullback) {
      const { inputs: read, pull } = node.pullback;
      pull(adjoint).forEach((part, k) => {
        const x = at(read, k);
        if (part && needed.has(x.node))
          accumulate(x.node, transposeAccess(x, [broadcastTo(part, x.shape)]));
      });
      continue;
    }
    for (const part of contributions(node, adjoint, needed))
      accumulate(part.operand.node, transposeAccess(part.operand, part.factors), part.negative);
  }
  return wanted.map((x) => adjoints.get(x.node) ?? mul(constant(0), constant(1, x.shape)));
};
