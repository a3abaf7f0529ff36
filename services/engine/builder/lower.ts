/** From graph to op lists: only what the roots reach, equal ops once, each op right before what first needs it. */
import { LIMITS } from "../ir/limits.ts";
import { primitive } from "../ir/primitives.ts";
import type { FoldOp, Op, Operand, Shape, Source } from "../ir/types.ts";
import { at, type Form, rowMajor } from "./access.ts";
import {
  address,
  graphError,
  type GraphNode,
  type Named,
  type OpNode,
  type Tensor,
} from "./graph.ts";
import { afterDropping, mergeToRank } from "./rank.ts";

/** Where the tensors that ops only name live in the program. */
export type Place = (named: Named) => number;

interface Access {
  readonly source: Source;
  readonly form: Form;
  readonly guards: readonly { readonly form: Form; readonly limit: number }[];
  readonly row: {
    readonly source: Source;
    readonly form: Form;
    readonly rowStride: number;
    readonly limit: number;
  } | null;
}

const forms = (a: Access): Form[] => [
  a.form,
  ...a.guards.map((g) => g.form),
  ...(a.row ? [a.row.form] : []),
];

const mapForms = (a: Access, change: (f: Form) => Form): Access => ({
  ...a,
  form: change(a.form),
  guards: a.guards.map((g) => ({ ...g, form: change(g.form) })),
  row: a.row && { ...a.row, form: change(a.row.form) },
});

interface Compact {
  readonly sizes: Shape;
  readonly accesses: readonly Access[];
}

/** The part of the space that begins at `start`, with at most four coordinates. */
const compact = (sizes: Shape, start: number, accesses: readonly Access[]): Compact => {
  const merged = mergeToRank(sizes, start, accesses.flatMap(forms));
  if (!merged)
    throw graphError(
      `an op over [${sizes.join()}] needs more than ${LIMITS.rank} dimensions; materialise an operand first`,
      { sizes },
    );
  const { dropped } = merged;
  return {
    sizes: merged.sizes,
    accesses: accesses.map((a) => mapForms(a, (f) => afterDropping(f, dropped))),
  };
};

/** One op list under construction. */
export class OpList {
  readonly ops: Op[] = [];
  readonly #place: Place;
  readonly #numbers = new Map<GraphNode, number>();
  readonly #seen = new Map<string, number>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** Index of the op whose output is exactly `x`; adds what is missing. */
  add(x: Tensor): number {
    if (x.node.kind !== "op") throw graphError("not the output of an op");
    const pending: OpNode[] = [x.node];
    while (pending.length > 0) {
      const node = at(pending, pending.length - 1);
      if (this.#numbers.has(node)) {
        pending.pop();
        continue;
      }
      const missing = node.operands
        .flatMap((o) => (o.picked ? [o.node, o.picked.table] : [o.node]))
        .filter((n): n is OpNode => n.kind === "op" && !this.#numbers.has(n));
      if (missing.length > 0) {
        pending.push(...missing.toReversed());
        continue;
      }
      pending.pop();
      this.#numbers.set(node, this.#append(node));
    }
    return this.#numbers.get(x.node) as number;
  }

  #append(node: OpNode): number {
    const op = this.#lower(node);
    const key = JSON.stringify(op);
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const number = this.ops.push(op) - 1;
    this.#seen.set(key, number);
    return number;
  }

  #source(node: GraphNode): Source {
    switch (node.kind) {
      case "op":
        return { kind: "value", index: this.#numbers.get(node) as number };
      case "data":
      case "state":
      case "parent":
        return { kind: node.kind, index: this.#place(node) };
      case "immediate":
        return { kind: "immediate", bits: node.bits, dtype: node.dtype };
      default:
        return { kind: node.kind };
    }
  }

  #access(x: Tensor): Access {
    return {
      source: this.#source(x.node),
      form: address(x),
      guards: x.bounds,
      row: x.picked && {
        source: this.#source(x.picked.table),
        form: x.picked.at,
        rowStride: at(rowMajor(x.base), x.picked.dimension),
        limit: x.picked.limit,
      },
    };
  }

  #lower(node: OpNode): Op {
    const read = node.operands.map((x) => this.#access(x));
    const outer = compact(node.shape, 0, read);
    const inner = compact(node.reduction, outer.sizes.length, outer.accesses);
    const operands = inner.accesses.map((a): Operand => ({
      source: a.source,
      offset: a.form.offset,
      strides: a.form.strides,
      guards: a.guards.map((g) => ({ ...g.form, limit: g.limit })),
      indirection: a.row && {
        source: a.row.source as NonNullable<Operand["indirection"]>["source"],
        offset: a.row.form.offset,
        strides: a.row.form.strides,
        rowStride: a.row.rowStride,
        limit: a.row.limit,
      },
    }));
    const opcode = primitive(node.name).opcode;
    const out = { dtype: node.dtype, shape: outer.sizes };
    if (primitive(node.name).form === "map") return { form: "map", opcode, out, operands };
    const fold: FoldOp = {
      form: "fold",
      opcode,
      out,
      reduction: inner.sizes,
      initial: node.initial,
      operands,
    };
    return fold;
  }
}
