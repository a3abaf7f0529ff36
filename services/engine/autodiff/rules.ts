/** What each primitive passes back: for every operand, the factors that its gradient is the transposed sum of. */
import type { PrimitiveName } from "../ir/primitives.ts";
import { at, coordinate } from "../builder/access.ts";
import { div, equal, less, lessOrEqual, mul, select, toReal } from "../builder/elementwise.ts";
import {
  address,
  type F32,
  graphError,
  type GraphNode,
  type OpNode,
  review,
  type Tensor,
  whole,
} from "../builder/graph.ts";
import { integerSum } from "../builder/reduce.ts";
import { transpose } from "../builder/views.ts";

export interface Contribution {
  readonly operand: Tensor;
  /** One or two, over the op's output and reduction coordinates. */
  readonly factors: readonly F32[];
  /** The gradient is minus this. */
  readonly negative: boolean;
}

interface Context {
  /** The op's output. */
  readonly y: F32;
  /** Its adjoint, of the same shape. */
  readonly g: F32;
  readonly x: readonly F32[];
  /** A tensor of the output's shape, over output and reduction coordinates. */
  readonly widen: (t: F32) => F32;
}

interface Part {
  readonly factors: readonly F32[];
  readonly negative?: boolean;
}

type Rule = (context: Context) => readonly (() => Part)[];

const pass = (g: F32): Part => ({ factors: [g] });

/** Coordinates of `x` in the order of its memory: those that move most first. */
const memoryOrder = (x: F32): number[] => {
  const { strides } = address(x);
  const reach = (k: number): number => Math.abs(at(strides, k));
  return x.shape.map((_, k) => k).sort((a, b) => reach(b) - reach(a));
};

/**
 * Ties of a fold's extreme share the gradient evenly (any convex combination is a subgradient); of a map's extreme the
 * first operand takes it. Worked out in the order of the operand's memory, which kernels read fastest.
 */
const extremeFold: Rule = ({ x, y, g, widen }) => [
  () => {
    const operand = at(x, 0);
    const order = memoryOrder(operand);
    const hit = equal(transpose(operand, order), transpose(widen(y), order));
    const rank = y.shape.length;
    const axes = order.flatMap((k, d) => (k >= rank ? [d] : []));
    const kept = order.filter((k) => k < rank);
    const count = transpose(
      toReal(integerSum(hit, { axes })),
      y.shape.map((_, k) => kept.indexOf(k)),
    );
    const share = transpose(widen(div(g, count)), order);
    return pass(
      transpose(
        select(hit, share, 0),
        order.map((_, k) => order.indexOf(k)),
      ),
    );
  },
];

const rules: Partial<Record<PrimitiveName, Rule>> = {
  copy: ({ g }) => [() => pass(g)],
  add: ({ g }) => [() => pass(g), () => pass(g)],
  sub: ({ g }) => [() => pass(g), () => ({ factors: [g], negative: true })],
  mul: ({ x, g }) => [() => ({ factors: [g, at(x, 1)] }), () => ({ factors: [g, at(x, 0)] })],
  div: ({ x, y, g }) => [
    () => pass(div(g, at(x, 1))),
    () => ({ factors: [div(g, at(x, 1)), y], negative: true }),
  ],
  sqrt: ({ y, g }) => [() => pass(div(mul(g, 0.5), y))],
  neg: ({ g }) => [() => ({ factors: [g], negative: true })],
  abs: ({ x, g }) => [
    () => pass(select(less(0, at(x, 0)), g, select(less(at(x, 0), 0), mul(g, -1), 0))),
  ],
  min: ({ x, g }) => {
    const first = lessOrEqual(at(x, 0), at(x, 1));
    return [() => pass(select(first, g, 0)), () => pass(select(first, 0, g))];
  },
  max: ({ x, g }) => {
    const first = lessOrEqual(at(x, 1), at(x, 0));
    return [() => pass(select(first, g, 0)), () => pass(select(first, 0, g))];
  },
  mulAdd: ({ x, g, widen }) => [
    () => ({ factors: [widen(g), at(x, 1)] }),
    () => ({ factors: [widen(g), at(x, 0)] }),
  ],
  sum: ({ g, widen }) => [() => pass(widen(g))],
  maximum: extremeFold,
  minimum: extremeFold,
};

/** No gradient: the result is a step function or a reinterpretation of bits. */
const flat = new Set<PrimitiveName>(["fromBits", "i32ToF32"]);

/** Contributions of an op with adjoint `g` to those of its f32 operands whose node is `needed`. */
export const contributions = (
  node: OpNode,
  g: F32,
  needed: ReadonlySet<GraphNode>,
): Contribution[] => {
  if (flat.has(node.name)) return [];
  const y = whole(node) as F32;
  const wide = [...node.shape, ...node.reduction];
  const context: Context = {
    y,
    g,
    x: node.operands as readonly F32[],
    widen: (t) =>
      review(
        t,
        wide,
        t.shape.map((_, k) => coordinate(wide.length, k)),
      ),
  };
  if (node.name === "select") {
    const condition = at(node.operands, 0) as Tensor<"i32">;
    return [1, 2].flatMap((k) => {
      const operand = at(node.operands, k);
      const factors = [k === 1 ? select(condition, g, 0) : select(condition, 0, g)];
      return needed.has(operand.node) ? [{ operand, factors, negative: false }] : [];
    });
  }
  const rule = rules[node.name];
  if (!rule) throw graphError(`${node.name} has no gradient`);
  return rule(context).flatMap((part, k) => {
    const operand = at(node.operands, k);
    if (!needed.has(operand.node)) return [];
    return [{ operand, negative: false, ...part() }];
  });
};
