/** A whole run with every value inside it, as a dispute needs it; honest, or with one fault whose consequences follow. */
import type { Hex } from "@assay/protocol/commitments/hash";
import { ABSENT, packRoots } from "@assay/protocol/commitments/hash";
import { chunkLeaves } from "@assay/protocol/commitments/tensor";
import { HashTree, nodeHash, treeRoot } from "@assay/protocol/commitments/tree";
import type { InputsInMemory, Words } from "@assay/engine/backend";
import { committed, wordsRoot } from "@assay/engine/data/dataset";
import { elements, terms } from "@assay/engine/ir/shape";
import {
  type Op,
  type OpList,
  type Program,
  type TensorType,
  UNCHANGED,
} from "@assay/engine/ir/types";
import {
  type MemorySource,
  type ScalarSources,
  evaluateScalar,
  operandAt,
  scalarStep,
} from "@assay/engine/reference/scalar";
import { nodeHasher } from "@assay/engine/trace/hasher";

/** What a dishonest provider changes; `flip` is xored into one element. */
export type Fault =
  /** An element of what an op gives, in the list at this step (0 for init, T for the evaluation). */
  | {
      readonly kind: "op";
      readonly list: OpList;
      readonly step: number;
      readonly op: number;
      readonly element: number;
      readonly flip: number;
    }
  /** An element of a tensor of the state after this step, whatever the op that feeds it gave. */
  | {
      readonly kind: "state";
      readonly step: number;
      readonly tensor: number;
      readonly element: number;
      readonly flip: number;
    }
  /** Training stops early: from this step on the state stays as it is. */
  | { readonly kind: "stop"; readonly step: number }
  /** Everything is computed by another program, of the same types, or from other inputs. */
  | {
      readonly kind: "other";
      readonly what: "batch" | "seed" | "opcode" | "swapped" | "skipped";
      readonly program: Program;
      readonly inputs: InputsInMemory;
    }
  /** A tensor of the state after this step has the header of another type. */
  | { readonly kind: "header"; readonly step: number; readonly tensor: number }
  /** Zero, which says that nothing is there, stands for a tensor's root or that of a whole state after this step. */
  | {
      readonly kind: "zero";
      readonly what: "tensor" | "state";
      readonly step: number;
      readonly tensor: number;
    }
  /** The same for a tensor of the model or an output of the evaluation, over a right state. */
  | { readonly kind: "zero"; readonly what: "model" | "eval"; readonly tensor: number }
  /** The tree over the checkpoints has something where nothing is. */
  | { readonly kind: "junk" }
  /** The last state is right, and another model or evaluation is shown. */
  | {
      readonly kind: "model" | "eval";
      readonly tensor: number;
      readonly element: number;
      readonly flip: number;
    };

export const LISTS = ["init", "step", "eval"] as const satisfies readonly OpList[];

/** The tree over a tensor's chunks. */
export const chunkTree = (type: TensorType, words: Words): HashTree =>
  new HashTree(nodeHasher, chunkLeaves(nodeHasher, committed(type, words)));

export const listTree = (roots: readonly Hex[]): HashTree =>
  new HashTree(nodeHasher, packRoots(roots));

export const rootOf = (type: TensorType, words: Words): Hex => wordsRoot(nodeHasher, type, words);

export class Run {
  readonly program: Program;
  readonly inputs: InputsInMemory;
  readonly fault: Fault | undefined;
  /** After each step, from the initial one on. */
  readonly states: (readonly Words[])[] = [];
  readonly #values = new Map<string, readonly Words[]>();
  readonly #roots = new Map<Words, Hex>();

  constructor(program: Program, inputs: InputsInMemory, fault?: Fault) {
    this.program = program;
    this.inputs = inputs;
    this.fault = fault;
    for (let step = 0; step <= program.steps; step++) this.states.push(this.#state(step));
  }

  /** Outputs of a list's ops when it makes the state after `step` (the evaluation: on the state after it). */
  values(list: OpList, step: number): readonly Words[] {
    const key = `${list} ${step}`;
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const values: Words[] = [];
    const sources = this.#sources(list, step, values);
    const { fault } = this;
    const { [list]: ops } = fault?.kind === "other" ? fault.program : this.program;
    ops.forEach((op, index) => {
      const words = new Uint32Array(elements(op.out.shape));
      for (let e = 0; e < words.length; e++) words[e] = evaluateScalar(op, e, sources);
      if (fault?.kind === "op" && fault.list === list && fault.step === step && fault.op === index)
        words[fault.element] = ((words[fault.element] as number) ^ fault.flip) >>> 0;
      values.push(words);
    });
    this.#values.set(key, values);
    return values;
  }

  sources(list: OpList, step: number): ScalarSources {
    return this.#sources(list, step, this.values(list, step));
  }

  op(list: OpList, index: number): Op {
    return this.program[list][index] as Op;
  }

  /** Every accumulator of one element of a fold. A fault in the element appears from the term on that it is told to. */
  accumulators(list: OpList, step: number, op: Op, element: number, last: number): Words {
    const sources = this.sources(list, step);
    const all = new Uint32Array(terms(op));
    let acc = evaluateScalar(op, element, sources, 0);
    all.forEach((_, term) => {
      const operands = op.operands.map((__, k) => operandAt(op, k, element, term, sources).bits);
      acc = scalarStep(op, acc, operands, sources.seed);
      all[term] = acc;
    });
    if (acc !== last) all.fill(last, element % all.length);
    return all;
  }

  rootOf(type: TensorType, words: Words): Hex {
    const known = this.#roots.get(words) ?? rootOf(type, words);
    this.#roots.set(words, known);
    return known;
  }

  tensorRoots(step: number): Hex[] {
    const { fault } = this;
    return this.program.state.map((type, i) => {
      const words = this.states[step]?.[i] as Words;
      if (fault?.kind === "zero" && fault.what === "tensor")
        return fault.step === step && fault.tensor === i ? ABSENT : this.rootOf(type, words);
      if (fault?.kind !== "header" || fault.step !== step || fault.tensor !== i)
        return this.rootOf(type, words);
      return rootOf({ ...type, dtype: type.dtype === "f32" ? "i32" : "f32" }, words);
    });
  }

  stateRoot(step: number): Hex {
    const { fault } = this;
    if (fault?.kind === "zero" && fault.what === "state" && fault.step === step) return ABSENT;
    return treeRoot(nodeHasher, this.tensorRoots(step));
  }

  valueRoots(list: OpList, step: number): Hex[] {
    return this.values(list, step).map((words, i) => this.rootOf(this.op(list, i).out, words));
  }

  /** Words of the model's tensors and of the evaluation's outputs, as shown. */
  modelTensors(): Words[] {
    const words = (this.states.at(-1) ?? []).filter((_, i) => this.program.state[i]?.parameter);
    return this.#forged("model", words);
  }

  evaluation(): Words[] {
    const values = this.values("eval", this.program.steps);
    return this.#forged(
      "eval",
      this.program.outputs.map(({ op }) => values[op] as Words),
    );
  }

  modelRoots(): Hex[] {
    const types = this.program.state.filter(({ parameter }) => parameter);
    return this.modelTensors().map((words, i) =>
      this.#isZero("model", i) ? ABSENT : this.rootOf(types[i] as TensorType, words),
    );
  }

  evaluationRoots(): Hex[] {
    return this.evaluation().map((words, i) => {
      const { op } = this.program.outputs[i] as { op: number };
      return this.#isZero("eval", i) ? ABSENT : this.rootOf(this.op("eval", op).out, words);
    });
  }

  #isZero(what: "model" | "eval", tensor: number): boolean {
    const { fault } = this;
    return fault?.kind === "zero" && fault.what === what && fault.tensor === tensor;
  }

  /** Step of the state that the run begins with: 0 where its own init ops make that. */
  get startStep(): number {
    return 0;
  }

  /** Step of checkpoint `k`. */
  stepAt(k: number): number {
    return Math.min(this.startStep + k * this.program.interval, this.program.steps);
  }

  get checkpoints(): number {
    return Math.ceil((this.program.steps - this.startStep) / this.program.interval);
  }

  /** `C_0 … C_{n−1}`. */
  prefix(): Hex[] {
    return Array.from({ length: this.checkpoints }, (_, k) => this.stateRoot(this.stepAt(k)));
  }

  /** `treeRoot(C_0 … C_{n−1})` as shown. */
  prefixRoot(): Hex {
    const tree = listTree(this.prefix());
    if (this.fault?.kind !== "junk") return tree.root;
    const children = tree.children([]);
    return nodeHash(nodeHasher, [...children.slice(0, -1), children[0] as Hex]);
  }

  #forged(kind: "model" | "eval", words: readonly Words[]): Words[] {
    const { fault } = this;
    if (fault?.kind !== kind) return [...words];
    return words.map((tensor, i) => {
      const copy = tensor.slice();
      if (i === fault.tensor)
        copy[fault.element] = ((copy[fault.element] as number) ^ fault.flip) >>> 0;
      return copy;
    });
  }

  #state(step: number): readonly Words[] {
    const { fault } = this;
    const before = this.states[step - 1];
    if (fault?.kind === "stop" && before !== undefined && step >= fault.step) return before;
    const made = this.program.state.map((tensor, i): Words => {
      const op = step === 0 ? tensor.initOp : tensor.stepOp;
      if (before !== undefined && op === UNCHANGED) return before[i] as Words;
      return this.values(step === 0 ? "init" : "step", step)[op] as Words;
    });
    if (fault?.kind !== "state" || fault.step !== step) return made;
    return made.map((words, i) => {
      if (i !== fault.tensor) return words;
      const copy = words.slice();
      copy[fault.element] = ((copy[fault.element] as number) ^ fault.flip) >>> 0;
      return copy;
    });
  }

  #sources(list: OpList, step: number, values: readonly Words[]): ScalarSources {
    const { program } = this;
    const inputs = this.fault?.kind === "other" ? this.fault.inputs : this.inputs;
    const typeOf = ({ kind, index }: MemorySource): TensorType =>
      kind === "value" ? this.op(list, index).out : (program[kind][index] as TensorType);
    const read = ({ kind, index }: MemorySource, address: number): number => {
      if (kind === "value") return values[index]?.[address] as number;
      if (kind === "state") return this.stateBefore(list, step)[index]?.[address] as number;
      return inputs[kind][index]?.[address] as number;
    };
    const number = list === "step" ? step - 1 : step;
    return { typeOf, read, step: number, seed: inputs.seed };
  }

  /** The state that a list's ops read. */
  stateBefore(list: OpList, step: number): readonly Words[] {
    return this.states[list === "step" ? step - 1 : step] ?? [];
  }
}
