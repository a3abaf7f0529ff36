/** Puts a training job together: columns, state with first and next values, metrics; then the finished IR. */
import {
  type DType,
  type NamedTensor,
  type Program,
  type Shape,
  type StateTensor,
  UNCHANGED,
} from "../ir/types.ts";
import {
  graphError,
  isContiguous,
  materialise,
  type Named,
  sameShape,
  type Tensor,
  whole,
} from "./graph.ts";
import { OpList } from "./lower.ts";
import { Streams } from "./streams.ts";

interface Declared {
  readonly named: Named;
  readonly parameter: boolean;
  readonly first: Tensor;
  next: Tensor | null;
}

export interface ProgramOptions {
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps between two checkpoints. */
  readonly interval: number;
}

export interface StateOptions {
  /** Whether the tensor belongs to the model and its root. */
  readonly parameter?: boolean;
}

/**
 * Collects the parts of one program. Names are unique; they are also what random streams are numbered from.
 *
 * @example
 * const job = new ProgramBuilder({ steps: 100, interval: 10 });
 * const x = job.data("x", "f32", [8]);
 * const w = job.state("w", constant(0, [8]), { parameter: true });
 * job.update(w, sub(w, mul(0.1, sub(w, x))));
 * job.output("w", sum(w));
 * const program = job.build();
 */
export class ProgramBuilder {
  /** Random streams of this program, by name. */
  readonly streams = new Streams();
  readonly #options: ProgramOptions;
  readonly #data: Named[] = [];
  readonly #parent: Named[] = [];
  readonly #state: Declared[] = [];
  readonly #outputs = new Map<string, Tensor>();

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  /** A column of the data set. */
  data<D extends DType>(name: string, dtype: D, shape: Shape): Tensor<D> {
    return this.#name(this.#data, "data", name, dtype, shape);
  }

  /** A tensor of the parent model. */
  parent<D extends DType>(name: string, dtype: D, shape: Shape): Tensor<D> {
    return this.#name(this.#parent, "parent", name, dtype, shape);
  }

  #name<D extends DType>(
    list: Named[],
    kind: Named["kind"],
    name: string,
    dtype: D,
    shape: Shape,
  ): Tensor<D> {
    if (list.some((n) => n.name === name))
      throw graphError(`two ${kind} tensors are named "${name}"`);
    const named = { kind, name, dtype, shape };
    list.push(named);
    return whole(named);
  }

  /** A tensor that is carried from step to step, with its first value; unchanged unless {@link update} is called. */
  state<D extends DType>(name: string, first: Tensor<D>, options: StateOptions = {}): Tensor<D> {
    if (this.#state.some((s) => s.named.name === name))
      throw graphError(`two state tensors are named "${name}"`);
    const named = {
      kind: "state",
      name,
      dtype: first.dtype,
      shape: first.shape,
    } as const;
    this.#state.push({
      named,
      parameter: options.parameter ?? false,
      first,
      next: null,
    });
    return whole(named);
  }

  /** Sets the value that a state tensor has after a step. */
  update<D extends DType>(state: Tensor<D>, next: Tensor<D>): void {
    const declared = this.#state.find((s) => s.named === state.node);
    if (!declared) throw graphError("update of what is not a state tensor");
    const { name, shape } = declared.named;
    if (declared.next) throw graphError(`two updates of "${name}"`);
    if (!sameShape(shape, next.shape))
      throw graphError(`the next value of "${name}" has another shape`, {
        shape,
        next: next.shape,
      });
    declared.next = next;
  }

  /** A metric that `eval` computes. */
  output(name: string, value: Tensor): void {
    if (this.#outputs.has(name)) throw graphError(`two outputs are named "${name}"`);
    this.#outputs.set(name, value);
  }

  /** The finished program. */
  build(): Program {
    const place = (named: Named): number => {
      const list =
        named.kind === "data"
          ? this.#data
          : named.kind === "parent"
            ? this.#parent
            : this.#state.map((s) => s.named);
      const index = list.indexOf(named);
      if (index < 0) throw graphError(`"${named.name}" belongs to another program`);
      return index;
    };
    const init = new OpList((named) => {
      if (named.kind === "state")
        throw graphError(`the first value of a state reads "${named.name}"`);
      return place(named);
    });
    const step = new OpList(place);
    const evaluation = new OpList(place);
    const state = this.#state.map((s): StateTensor => ({
      ...tensorOf(s.named),
      parameter: s.parameter,
      initOp: emit(init, s.first),
      stepOp: s.next ? emit(step, s.next) : UNCHANGED,
    }));
    const outputs = [...this.#outputs].map(([name, value]) => ({
      name,
      op: emit(evaluation, value),
    }));
    return {
      numerics: "f32-1",
      ...this.#options,
      data: this.#data.map(tensorOf),
      parent: this.#parent.map(tensorOf),
      state,
      init: init.ops,
      step: step.ops,
      eval: evaluation.ops,
      outputs,
    };
  }
}

/** Adds `x` to a list as the output of one op: a copy where it is only a view. */
const emit = (list: OpList, x: Tensor): number =>
  list.add(
    x.node.kind === "op" && isContiguous(x) && sameShape(x.node.shape, x.shape)
      ? x
      : materialise(x),
  );

const tensorOf = (named: Named): NamedTensor => ({
  name: named.name,
  dtype: named.dtype,
  shape: named.shape,
});
