/**
 * One op list run op by op with every output in sight, and one fold run term by term: what a dispute looks into. The
 * ordinary executions keep their intermediate values to themselves.
 */
import { setImmediate } from "node:timers/promises";
import type { Inputs, Words } from "../backend.ts";
import { elements, terms } from "../ir/shape.ts";
import type { Op, OpList, Program, Source } from "../ir/types.ts";
import { seedWords } from "./arithmetic.ts";
import { decodeBits, encodeBits } from "./bits.ts";
import { bindOp } from "./interpret.ts";
import { type Memory, memoryOf, operandMemory, scalarMemory } from "./memory.ts";
import { operandAt, type ScalarSources, scalarStep } from "./scalar.ts";
import { WalkedData } from "./walked-data.ts";

/** One run of one list. */
export interface ListRun {
  readonly program: Program;
  readonly inputs: Inputs;
  readonly list: OpList;
  /** What the `step` source reads. */
  readonly step: number;
  /** State tensors before the run, with canonical NaN; none for `init`. */
  readonly state: readonly Words[];
}

export interface OpOutput {
  readonly index: number;
  /** Valid until the next output is asked for; every NaN canonical. */
  readonly words: Words;
}

/** How a list is looked into. All implementations give the same bits. */
export interface OpWalker {
  /** Outputs of the wanted ops in list order; runs what these depend on, and nothing else. */
  outputs(run: ListRun, wanted: ReadonlySet<number>): AsyncIterable<OpOutput>;
  /** Bits (u32) of the accumulators of one output element of a fold, after the first, second, … last term. */
  accumulators(op: Op, element: number, sources: ScalarSources): Iterable<number>;
}

/** Ops of the same list that an op reads. */
export function valuesRead(op: Op): number[] {
  const sources = op.operands.flatMap(({ source, indirection }): Source[] =>
    indirection === null ? [source] : [source, indirection.source],
  );
  return [...new Set(sources.flatMap((source) => (source.kind === "value" ? [source.index] : [])))];
}

/** For each op that has to run, the last one that reads it, or itself. */
function lastUses(ops: readonly Op[], wanted: ReadonlySet<number>): Map<number, number> {
  const last = new Map<number, number>([...wanted].map((index) => [index, index]));
  for (let index = ops.length - 1; index >= 0; index--) {
    if (!last.has(index)) continue;
    for (const read of valuesRead(ops[index] as Op))
      last.set(read, Math.max(index, last.get(read) ?? 0));
  }
  return last;
}

/** Memory of outputs, taken back after the last use: a walk holds no more than what is still to be read. */
class Buffers {
  readonly #free = new Map<number, Words[]>();

  take(op: Op): Memory {
    const size = elements(op.out.shape);
    return memoryOf(op.out.dtype, this.#free.get(size)?.pop() ?? new Uint32Array(size));
  }

  give({ words }: Memory): void {
    const same = this.#free.get(words.length);
    if (same === undefined) this.#free.set(words.length, [words]);
    else same.push(words);
  }
}

const SLICE_MS = 20;

async function* outputs(run: ListRun, wanted: ReadonlySet<number>): AsyncGenerator<OpOutput> {
  const { inputs, list, state } = run;
  const step = memoryOf("i32", Uint32Array.of(run.step));
  const ops = run.program[list];
  const last = lastUses(ops, wanted);
  const values = new Map<number, Memory>();
  const buffers = new Buffers();
  const seed = seedWords(inputs.seed);
  const data = new WalkedData(run.program, inputs);
  const { program } = data;
  const memory = (source: Source): Memory | undefined => {
    switch (source.kind) {
      case "value":
        return values.get(source.index);
      case "data":
        return data.memory(source.index);
      case "state":
      case "parent": {
        const words = source.kind === "state" ? state : inputs.parent;
        const type = program[source.kind][source.index];
        return type && memoryOf(type.dtype, words[source.index] as Words);
      }
      default:
        return scalarMemory(source, step);
    }
  };
  let slice = performance.now();
  try {
    for (const [index, op] of ops.entries()) {
      if (!last.has(index)) continue;
      const staged = program[list][index] as Op;
      data.prepare(staged, memory);
      const operands = staged.operands.map((operand) => operandMemory(operand, memory));
      const out = buffers.take(op);
      bindOp(staged, operands, out, seed)();
      values.set(index, out);
      if (wanted.has(index)) yield { index, words: out.words };
      for (const used of new Set([index, ...valuesRead(op)])) {
        const value = values.get(used);
        if (value === undefined || last.get(used) !== index) continue;
        values.delete(used);
        buffers.give(value);
      }
      if (performance.now() - slice > SLICE_MS) {
        await setImmediate();
        slice = performance.now();
      }
    }
  } finally {
    data.close();
  }
}

function* accumulators(op: Op, element: number, sources: ScalarSources): Generator<number> {
  const { dtype } = op.out;
  let acc = encodeBits(decodeBits(op.form === "fold" ? op.initial : 0, dtype), dtype);
  const count = terms(op);
  for (let term = 0; term < count; term++) {
    const operands = op.operands.map((_, k) => operandAt(op, k, element, term, sources).bits);
    acc = scalarStep(op, acc, operands, sources.seed);
    yield acc;
  }
}

/** The reference's walker; gives the event loop a turn now and then. */
export const referenceWalker: OpWalker = { outputs, accumulators };
