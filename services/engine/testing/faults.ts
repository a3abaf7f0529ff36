/**
 * Dishonest providers that stay consistent with themselves: each runs the job with a fault in it and answers as if the
 * fault were the truth, so that only the place of the fault itself cannot be shown.
 */
import { assemblyChildren, assemblyNodes } from "@assay/protocol/commitments/assembly";
import { traceHeader, type TraceHeader } from "@assay/protocol/commitments/bindings";
import { ABSENT, type Hex, packRoots } from "@assay/protocol/commitments/hash";
import { HashTree, treeRoot } from "@assay/protocol/commitments/tree";
import type { Backend, Execution, Inputs, InputsInMemory, Words } from "../backend.ts";
import { wholeColumn } from "../columns/column.ts";
import { wordsRoot } from "../data/dataset.ts";
import { type OpList, type Program, type Source, UNCHANGED } from "../ir/types.ts";
import { seedWords } from "../reference/arithmetic.ts";
import { bindOp } from "../reference/interpret.ts";
import {
  allocate,
  type Memory,
  memoryOf,
  operandMemory,
  scalarMemory,
} from "../reference/memory.ts";
import { type OpWalker, referenceWalker } from "../reference/walk.ts";
import { opAt, type Course, evaluates, parameters, stepOf } from "../trace/descent/course.ts";
import { openDescent } from "../trace/descent/descent.ts";
import type { Opening } from "../trace/descent/openings.ts";
import type { Position, Section } from "../trace/descent/positions.ts";
import { intervalsOf, checkpointStep } from "../trace/recorder.ts";
import { nodeHasher as hasher } from "../trace/hasher.ts";
import { evalRoot, stateRoot, stateRoots } from "../trace/roots.ts";
import type { Provider } from "./dispute.ts";

/** One element of one output of one run of a list that is not what it should be. */
export interface Flip {
  readonly list: OpList;
  /** What the `step` source reads there. */
  readonly step: number;
  readonly op: number;
  readonly element: number;
  /** Of a fold: the first accumulator that is wrong. */
  readonly term: number;
}

export interface Fault {
  /** Another program or other inputs of the same shapes, run honestly. */
  readonly program?: Program;
  readonly inputs?: InputsInMemory;
  readonly flip?: Flip;
  /** What is passed off as a list's result: init and step give states, eval its outputs. */
  readonly pretend?: (
    list: OpList,
    step: number,
    before: readonly Words[],
    result: readonly Words[],
  ) => readonly Words[];
  /** A model root that is not that of the last state. */
  readonly model?: boolean;
}

/** Other bits than these, so far off that later ops notice, and never a NaN that is not the canonical one. */
export const otherBits = (bits: number): number => {
  const flipped = (bits ^ 0x00400000) >>> 0;
  if (bits !== 0 && (flipped & 0x7fffffff) <= 0x7f800000) return flipped;
  return bits === 0x3f800000 ? 0 : 0x3f800000;
};

const inMemory = (inputs: Inputs): InputsInMemory => ({
  ...inputs,
  data: inputs.data.map(wholeColumn),
});

/** All outputs of one run of a list, with the fault in them. */
function runList(
  program: Program,
  inputs: InputsInMemory,
  list: OpList,
  step: number,
  state: readonly Words[],
  flip: Flip | undefined,
): Words[] {
  const values: Memory[] = [];
  const memory = (source: Source): Memory | undefined => {
    if (source.kind === "value") return values[source.index];
    if (source.kind === "step" || source.kind === "immediate" || source.kind === "index")
      return scalarMemory(source, memoryOf("i32", Uint32Array.of(step)));
    const words = (source.kind === "state" ? state : inputs[source.kind])[source.index] as Words;
    return memoryOf(program[source.kind][source.index]?.dtype ?? "f32", words);
  };
  program[list].forEach((op, index) => {
    const operands = op.operands.map((operand) => operandMemory(operand, memory));
    const out = allocate(op.out);
    bindOp(op, operands, out, seedWords(inputs.seed))();
    if (flip?.list === list && flip.step === step && flip.op === index)
      out.words[flip.element] = otherBits(out.words[flip.element] as number);
    values.push(out);
  });
  return values.map(({ words }) => words);
}

/** The state or the outputs that a list's op outputs make up. */
function resultOf(
  program: Program,
  list: OpList,
  before: readonly Words[],
  values: Words[],
): Words[] {
  if (list === "eval") return program.outputs.map(({ op }) => values[op] as Words);
  return program.state.map(({ initOp, stepOp }, s) => {
    const op = list === "init" ? initOp : stepOp;
    return (op === UNCHANGED ? before[s] : values[op]) as Words;
  });
}

/** Runs with the fault; a back end so that intervals can be run again with it. */
class FaultyExecution implements Execution {
  position = 0;
  #state: readonly Words[] = [];
  readonly #program: Program;
  readonly #inputs: InputsInMemory;
  readonly #fault: Fault;

  constructor(program: Program, inputs: InputsInMemory, fault: Fault) {
    this.#program = program;
    this.#inputs = inputs;
    this.#fault = fault;
  }

  init(): void {
    this.position = 0;
    this.#state = this.#result("init", []);
  }

  load(state: readonly Words[], position: number): void {
    this.#state = state;
    this.position = position;
  }

  run(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#state = this.#result("step", this.#state);
      this.position++;
    }
  }

  state(): Words[] {
    return this.#state.map((words) => words.slice());
  }

  read(index: number): Words {
    return (this.#state[index] as Words).slice();
  }

  evaluate(): Words[] {
    return [...this.#result("eval", this.#state)];
  }

  close(): void {
    this.#state = [];
  }

  #result(list: OpList, before: readonly Words[]): readonly Words[] {
    const { flip, pretend } = this.#fault;
    const step = list === "init" ? 0 : this.position;
    const values = runList(this.#program, this.#inputs, list, step, before, flip);
    const result = resultOf(this.#program, list, before, values);
    return pretend?.(list, step, before, result) ?? result;
  }
}

const faultyBackend = (fault: Fault): Backend => ({
  name: "faulty",
  prepare: async (program, inputs) => new FaultyExecution(program, inMemory(inputs), fault),
});

const faultyWalker = (program: Program, { flip }: Fault): OpWalker => ({
  outputs: async function* ({ inputs, list, step, state }, wanted) {
    const values = runList(program, inMemory(inputs), list, step, state, flip);
    for (const [index, words] of values.entries()) if (wanted.has(index)) yield { index, words };
  },
  accumulators: function* (op, element, sources) {
    const here =
      flip !== undefined &&
      op === program[flip.list][flip.op] &&
      element === flip.element &&
      sources.step === flip.step;
    let term = 0;
    for (const bits of referenceWalker.accumulators(op, element, sources))
      yield here && term++ >= flip.term ? otherBits(bits) : bits;
  },
});

export interface DishonestRun extends Provider {
  readonly header: TraceHeader;
  close(): Promise<void>;
}

const treeOf = (leaves: readonly Hex[]): HashTree => new HashTree(hasher, packRoots(leaves));

/** Runs the first `intervals` of a job with a fault. */
export async function dishonestRun(
  job: { readonly program: Program; readonly inputs: InputsInMemory },
  fault: Fault,
  intervals = intervalsOf(job.program, 0),
): Promise<DishonestRun> {
  const program = fault.program ?? job.program;
  const inputs = fault.inputs ?? job.inputs;
  const course: Course = { program, start: null, intervals };
  const execution = new FaultyExecution(program, inputs, fault);
  execution.init();
  const states = [execution.state()];
  const last = checkpointStep(program, 0, intervals);
  while (execution.position < last) {
    execution.run(1);
    states.push(execution.state());
  }
  const outputs = evaluates(course) ? execution.evaluate() : [];
  const checkpoints = Array.from(
    { length: intervals + 1 },
    (_, i) => states[checkpointStep(program, 0, i)] as Words[],
  );
  const roots = checkpoints.map((state) => stateRoot(program, state));
  const final = stateRoots(program, states[last] as Words[]).tensorRoots;
  const model = parameters(course).map((s) => final[s] as Hex);
  if (fault.model === true && model.length > 0) model[0] = ABSENT.replace("00", "f0") as Hex;
  const header = traceHeader(hasher, {
    checkpoints: roots,
    modelRoot:
      fault.model === true && model.length === 0 ? (roots[0] as Hex) : treeRoot(hasher, model),
    evalRoot: evaluates(course) ? evalRoot(program, outputs) : ABSENT,
  });
  const descent = openDescent({
    program,
    inputs,
    checkpoints: { roots, load: async (index) => checkpoints[index] },
    backend: faultyBackend(fault),
    walker: faultyWalker(program, fault),
  });

  /** Roots of what a section's result is passed off as. */
  const resultRoots = (section: Section): readonly Hex[] => {
    if (section.list !== "eval") {
      const after = section.list === "init" ? 0 : stepOf(course, section) + 1;
      return stateRoots(program, states[after] as Words[]).tensorRoots;
    }
    return program.outputs.map(({ op }, i) =>
      wordsRoot(hasher, opAt(course, section, op).out, outputs[i] as Words),
    );
  };

  const leavesOf = (section: Section): Hex[] => {
    const step = stepOf(course, section);
    const before = section.list === "init" ? [] : (states[step] as Words[]);
    const values = runList(program, inputs, section.list, step, before, fault.flip);
    const outputRoots = values.map((words, i) =>
      wordsRoot(hasher, opAt(course, section, i).out, words),
    );
    return [...outputRoots, ...assemblyNodes(hasher, resultRoots(section))];
  };

  const childrenOf = (section: Section, node: number): Hex[] => {
    const leaves = leavesOf(section);
    const result = resultRoots(section);
    return assemblyChildren(result.length, node).map((child) => {
      if (child.kind === "absent") return ABSENT;
      if (child.kind === "leaf") return result[child.index] as Hex;
      return leaves[program[section.list].length + child.index] as Hex;
    });
  };

  const open = async (position: Position): Promise<Opening> => {
    if (position.kind === "model")
      return { kind: "node", children: treeOf(model).children(position.path) };
    if (position.kind === "assembly")
      return { kind: "node", children: childrenOf(position.section, position.node) };
    if (position.kind !== "ops") return descent.open(position);
    const leaves = leavesOf(position.section);
    const tree = treeOf(leaves.slice(0, -1));
    const children = tree.depth === 0 ? null : tree.children(position.path);
    if (position.path.length > 0 && children !== null) return { kind: "node", children };
    return {
      kind: "level",
      level: "ops",
      count: leaves.length,
      rest: tree.root,
      last: leaves.at(-1) as Hex,
      children,
    };
  };
  return { header, open, close: () => descent.close() };
}
