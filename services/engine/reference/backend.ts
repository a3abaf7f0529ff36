/**
 * The norm: every other back end has to give the same bits as this one. Slow, obvious, and independent of any
 * compiler.
 */
import type { Backend, Execution, Inputs, Words } from "../backend.ts";
import { checkInputs, checkLoad, checkRun } from "../inputs.ts";
import { stageColumns } from "../columns/program.ts";
import { checkProgram } from "../ir/check.ts";
import { type Op, type OpList, type Program, type Source, UNCHANGED } from "../ir/types.ts";
import { type SeedWords, seedWords } from "./arithmetic.ts";
import { canonicalise } from "./bits.ts";
import { type BoundOp, bindOp } from "./interpret.ts";
import { Feeder } from "./feed.ts";
import { allocate, type Memory, memoryOf, operandMemory, scalarMemory } from "./memory.ts";

/** One op list over memory of its own. */
interface BoundList {
  readonly values: readonly Memory[];
  readonly ops: readonly BoundOp[];
}

class ReferenceExecution implements Execution {
  position = 0;
  readonly #program: Program;
  readonly #seed: SeedWords;
  readonly #data: readonly Memory[];
  readonly #parent: readonly Memory[];
  readonly #state: readonly Memory[];
  readonly #step = allocate({ dtype: "i32", shape: [] });
  readonly #lists = new Map<OpList, BoundList>();
  readonly #feeder: Feeder | undefined;

  constructor(original: Program, inputs: Inputs) {
    const staged = stageColumns(original, inputs.data);
    const program = staged?.program ?? original;
    this.#program = program;
    this.#seed = seedWords(inputs.seed);
    this.#data = program.data.map((tensor, i) => {
      const column = staged === undefined ? i : staged.inMemory[i];
      return column === undefined
        ? allocate(tensor)
        : memoryOf(tensor.dtype, inputs.data[column] as Words);
    });
    this.#parent = program.parent.map((tensor, i) =>
      memoryOf(tensor.dtype, inputs.parent[i] as Words),
    );
    this.#state = program.state.map(allocate);
    this.#feeder =
      staged &&
      new Feeder(staged, inputs, ({ kind, index }) => {
        const tensors = { data: this.#data, parent: this.#parent, state: this.#state }[kind];
        return (tensors[index] as Memory).words;
      });
  }

  init(): void {
    this.position = 0;
    const { values } = this.#run("init");
    this.#program.state.forEach((tensor, i) => this.#assign(i, values[tensor.initOp] as Memory));
  }

  load(state: readonly Words[], position: number): void {
    checkLoad(this.#program, state, position);
    this.#state.forEach((memory, i) => {
      memory.words.set(state[i] as Words);
      if (memory.dtype === "f32") canonicalise(memory.words);
    });
    this.position = position;
  }

  run(count: number): void {
    checkRun(this.#program, this.position, count);
    for (let i = 0; i < count; i++) {
      const { values } = this.#run("step");
      this.#program.state.forEach((tensor, s) => {
        if (tensor.stepOp !== UNCHANGED) this.#assign(s, values[tensor.stepOp] as Memory);
      });
      this.position++;
    }
  }

  state(): Words[] {
    return this.#state.map((memory) => memory.words.slice());
  }

  read(index: number): Words {
    const memory = this.#state[index];
    if (memory === undefined) throw new RangeError(`no state tensor ${index}`);
    return memory.words.slice();
  }

  evaluate(): Words[] {
    const { values } = this.#run("eval");
    return this.#program.outputs.map((output) => (values[output.op] as Memory).words.slice());
  }

  close(): void {
    this.#lists.clear();
    this.#feeder?.close();
  }

  #assign(index: number, value: Memory): void {
    this.#state[index]?.words.set(value.words);
  }

  #run(list: OpList): BoundList {
    this.#step.words[0] = this.position;
    const bound = this.#bound(list);
    this.#feeder?.feed(list, this.position);
    for (const op of bound.ops) op();
    return bound;
  }

  #bound(list: OpList): BoundList {
    const known = this.#lists.get(list);
    if (known !== undefined) return known;
    const values = this.#program[list].map((op) => allocate(op.out));
    const bound = { values, ops: this.#program[list].map((op, i) => this.#bind(op, values, i)) };
    this.#lists.set(list, bound);
    return bound;
  }

  #bind(op: Op, values: readonly Memory[], index: number): BoundOp {
    const memory = op.operands.map((operand) =>
      operandMemory(operand, (source) => this.#memory(source, values)),
    );
    return bindOp(op, memory, values[index] as Memory, this.#seed);
  }

  #memory(source: Source, values: readonly Memory[]): Memory | undefined {
    switch (source.kind) {
      case "value":
        return values[source.index];
      case "state":
        return this.#state[source.index];
      case "data":
        return this.#data[source.index];
      case "parent":
        return this.#parent[source.index];
      default:
        return scalarMemory(source, this.#step);
    }
  }
}

/** The reference back end. `prepare` throws what `checkProgram` and `checkInputs` throw. */
export const referenceBackend: Backend = {
  name: "reference",
  prepare: async (program, inputs) => {
    checkProgram(program);
    checkInputs(program, inputs);
    return new ReferenceExecution(program, inputs);
  },
};
