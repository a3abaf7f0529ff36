/** Random programs for property tests: every primitive, every kind of access, hostile data. */
import type { InputsInMemory } from "../backend.ts";
import { type Primitive, PRIMITIVES } from "../ir/primitives.ts";
import { sameShape } from "../ir/shape.ts";
import type {
  DType,
  NamedTensor,
  Op,
  OpList,
  Program,
  Shape,
  Source,
  StateTensor,
  TensorType,
} from "../ir/types.ts";
import { UNCHANGED } from "../ir/types.ts";
import { type Candidate, fixedOperand, memoryOperand } from "./accesses.ts";
import { elementBits, randomWords } from "./bits.ts";
import { Random } from "./random.ts";

export interface RandomProgramOptions {
  /** Ops of each list beyond those that feed the state; 12 unless told. */
  readonly ops?: number;
  /** Only these primitives. */
  readonly primitives?: readonly Primitive[];
  /** Ordinary finite values and indices in range instead of hostile bits. */
  readonly tame?: boolean;
  /** Greatest size of a dimension; 9 unless told. */
  readonly dimension?: number;
}

export interface RandomCase {
  readonly program: Program;
  readonly inputs: InputsInMemory;
}

/** One shape in three has a long last dimension, so that vector loops and their remainders both run. */
function randomShape(random: Random, largest: number, ranks = 4): Shape {
  const rank = random.integer(0, ranks);
  const small = rank > 2 ? Math.min(4, largest) : largest;
  return random.list(rank, (d) =>
    random.integer(1, d === rank - 1 && random.oneIn(3) ? 3 * largest : small),
  );
}

const randomType = (random: Random, largest: number): TensorType => ({
  dtype: random.oneIn(3) ? "i32" : "f32",
  shape: randomShape(random, largest),
});

class ProgramMaker {
  readonly random: Random;
  readonly options: RandomProgramOptions;
  readonly largest: number;
  readonly primitives: readonly Primitive[];
  readonly data: readonly NamedTensor[];
  readonly parent: readonly NamedTensor[];
  readonly stateTypes: readonly TensorType[];

  constructor(random: Random, options: RandomProgramOptions) {
    this.random = random;
    this.options = options;
    this.largest = options.dimension ?? 9;
    this.primitives = options.primitives ?? PRIMITIVES;
    this.data = this.#named("column", [
      { dtype: "i32", shape: [random.integer(4, 20)] },
      ...this.#types(1, 3),
    ]);
    this.parent = this.#named("parent", this.#types(0, 2));
    this.stateTypes = this.#types(1, 4);
  }

  #types(least: number, most: number): TensorType[] {
    return this.random.list(this.random.integer(least, most), () =>
      randomType(this.random, this.largest),
    );
  }

  #named(name: string, types: readonly TensorType[]): NamedTensor[] {
    return types.map((type, i) => ({ ...type, name: `${name} ${i}` }));
  }

  /** All tensors that the next op of a list may read. */
  #candidates(list: OpList, ops: readonly Op[]): Candidate[] {
    const groups: [Candidate["source"]["kind"], readonly TensorType[]][] = [
      ["value", ops.map((op) => op.out)],
      ["state", list === "init" ? [] : this.stateTypes],
      ["data", this.data],
      ["parent", this.parent],
    ];
    return groups.flatMap(([kind, types]) =>
      types.map((type, index) => ({ source: { kind, index }, type })),
    );
  }

  #source(dtype: DType, candidates: readonly Candidate[]): Candidate | Source {
    const { random } = this;
    const fitting = candidates.filter(({ type }) => type.dtype === dtype);
    if (fitting.length > 0 && !random.oneIn(5)) {
      return random.oneIn(2) ? random.pick(fitting) : (fitting.at(-1) as Candidate);
    }
    if (dtype === "i32" && random.oneIn(2)) return { kind: random.oneIn(3) ? "step" : "index" };
    return { kind: "immediate", dtype, bits: elementBits(random, dtype) };
  }

  /** A random op over what the list has so far, with this output when one is wanted. */
  op(list: OpList, ops: readonly Op[], wanted?: TensorType): Op {
    const { random } = this;
    const fitting = this.primitives.filter(
      ({ result }) => wanted === undefined || result === "any" || result === wanted.dtype,
    );
    const copy = PRIMITIVES[0];
    const primitive = fitting.length > 0 ? random.pick(fitting) : copy;
    const dtype =
      primitive.result === "any"
        ? (wanted?.dtype ?? random.pick(["f32", "i32"]))
        : primitive.result;
    const out: TensorType = wanted ?? { dtype, shape: randomShape(random, this.largest) };
    const reduction = primitive.form === "fold" ? randomShape(random, 6, 3) : [];
    const sizes = [...out.shape, ...reduction];
    const candidates = this.#candidates(list, ops);
    const tables = candidates.filter(({ type }) => type.dtype === "i32");
    const operands = primitive.operands.map((declared) => {
      const source = this.#source(declared === "any" ? dtype : declared, candidates);
      return "type" in source
        ? memoryOperand(random, sizes, source, tables)
        : fixedOperand(random, sizes, source);
    });
    if (primitive.form === "map") return { form: "map", opcode: primitive.opcode, out, operands };
    const initial = random.oneIn(2) ? 0 : elementBits(random, dtype);
    return { form: "fold", opcode: primitive.opcode, out, reduction, initial, operands };
  }

  list(list: OpList, wanted: readonly TensorType[]): Op[] {
    const ops: Op[] = [];
    const count = this.options.ops ?? 12;
    for (let i = 0; i < count; i++) ops.push(this.op(list, ops));
    for (const type of wanted) ops.push(this.op(list, ops, type));
    return ops;
  }
}

/** Index of an op that gives this type; the last `wanted` ones always do. */
function producer(random: Random, ops: readonly Op[], type: TensorType): number {
  const fitting = [...ops.keys()].filter((i) => {
    const out = ops[i]?.out;
    return out !== undefined && out.dtype === type.dtype && sameShape(out.shape, type.shape);
  });
  return random.pick(fitting);
}

/** The random program of this number, with inputs. It always passes `checkProgram`. */
export function randomProgram(number: number, options: RandomProgramOptions = {}): RandomCase {
  const random = new Random(number);
  const maker = new ProgramMaker(random, options);
  const init = maker.list("init", maker.stateTypes);
  const step = maker.list("step", maker.stateTypes);
  const evaluation = random.oneIn(4) ? [] : maker.list("eval", []);
  const drawn = maker.stateTypes.map((type, i): StateTensor => ({
    ...type,
    name: `state ${i}`,
    parameter: random.oneIn(2),
    initOp: producer(random, init, type),
    stepOp: random.oneIn(8) ? UNCHANGED : producer(random, step, type),
  }));
  const modelled = drawn.some(({ parameter }) => parameter);
  const state = modelled ? drawn : drawn.map((tensor) => ({ ...tensor, parameter: true }));
  const steps = random.integer(1, 6);
  const outputs = evaluation.length === 0 ? 0 : random.integer(1, 3);
  const program: Program = {
    numerics: "f32-1",
    steps,
    interval: random.integer(1, 3),
    data: maker.data,
    parent: maker.parent,
    state,
    init,
    step,
    eval: evaluation,
    outputs: random.list(outputs, (i) => ({
      name: `output ${i}`,
      op: random.integer(0, evaluation.length - 1),
    })),
  };
  const words = (types: readonly TensorType[]) =>
    types.map((type) => randomWords(random, type, options.tame));
  return {
    program,
    inputs: {
      data: words(program.data),
      parent: words(program.parent),
      seed: BigInt(random.bits()) * 2n ** 32n + BigInt(random.bits()),
    },
  };
}
