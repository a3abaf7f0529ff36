/**
 * Fills the stages of a program whose columns lie in files, before each run of a list. Which rows a run reads says a table that
 * the program computes itself, so the few ops that the table depends on are run here first.
 */
import { openColumn, type ColumnReader } from "../columns/column.ts";
import type { Stage, StagedProgram } from "../columns/program.ts";
import { fillStage } from "../columns/stage.ts";
import type { Column, Inputs, Words } from "../backend.ts";
import type { Op, OpList, Source } from "../ir/types.ts";
import { seedWords } from "./arithmetic.ts";
import { bindOp } from "./interpret.ts";
import {
  allocate,
  type Memory,
  type MemoryOf,
  memoryOf,
  operandMemory,
  scalarMemory,
} from "./memory.ts";

/** Where a back end has a tensor of the staged program. */
export type TensorWords = (tensor: {
  readonly kind: "data" | "parent" | "state";
  readonly index: number;
}) => Words;

const tensorsRead = (op: Op): Source[] =>
  op.operands.flatMap(({ source, indirection }) =>
    indirection === null ? [source] : [source, indirection.source],
  );

const indicesRead = (op: Op, kind: "value" | "data"): number[] =>
  tensorsRead(op).flatMap((source) => (source.kind === kind ? [source.index] : []));

export class Feeder {
  readonly #staged: StagedProgram;
  readonly #inputs: Inputs;
  readonly #words: TensorWords;
  readonly #readers = new Map<number, ColumnReader>();
  readonly #step = allocate({ dtype: "i32", shape: [] });
  readonly #lists = new Map<OpList, readonly (() => void)[]>();
  /** Stages that hold what they will always hold. */
  readonly #filled = new Set<number>();

  /** Opens the columns. Throws ENGINE_COLUMN_UNREADABLE. */
  constructor(staged: StagedProgram, inputs: Inputs, words: TensorWords) {
    this.#staged = staged;
    this.#inputs = inputs;
    this.#words = words;
    try {
      for (const { column } of staged.stages)
        if (!this.#readers.has(column))
          this.#readers.set(column, openColumn(inputs.data[column] as Column));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Fills what a list reads at a step, before it runs. Throws ENGINE_COLUMN_UNREADABLE. */
  feed(list: OpList, step: number): void {
    this.#step.words[0] = step;
    let work = this.#lists.get(list);
    if (work === undefined) this.#lists.set(list, (work = this.#plan(list)));
    for (const piece of work) piece();
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  /** What has to be done before a list runs: ops that tables depend on, and stages as soon as their tables are there. */
  #plan(list: OpList): (() => void)[] {
    const ops = this.#staged.program[list];
    const values = new Map<number, Memory>();
    const memory = this.#memory(values);
    const seed = seedWords(this.#inputs.seed);
    const work: (() => void)[] = [];
    const planned = new Set<number>();
    const stage = (data: number): void => {
      const one = this.#staged.stages[data - this.#staged.inMemory.length];
      if (one === undefined || planned.has(data)) return;
      planned.add(data);
      const source = one.table?.source;
      if (source?.kind === "data") stage(source.index);
      if (source?.kind === "value") value(source.index);
      work.push(this.#filling(data, one, () => source && memory(source)?.words));
    };
    const value = (index: number): void => {
      if (values.has(index)) return;
      const op = ops[index];
      if (op === undefined) throw new RangeError(`no op ${index} in ${list}`);
      indicesRead(op, "value").forEach(value);
      indicesRead(op, "data").forEach(stage);
      const out = allocate(op.out);
      values.set(index, out);
      work.push(
        bindOp(
          op,
          op.operands.map((operand) => operandMemory(operand, memory)),
          out,
          seed,
        ),
      );
    };
    for (const op of ops) indicesRead(op, "data").forEach(stage);
    return work;
  }

  #filling(data: number, { column, part }: Stage, table: () => Words | undefined): () => void {
    return () => {
      if (this.#filled.has(data)) return;
      const reader = this.#readers.get(column) as ColumnReader;
      fillStage(part, reader, table(), this.#words({ kind: "data", index: data }));
      if (part.kind === "fixed") this.#filled.add(data);
    };
  }

  #memory(values: ReadonlyMap<number, Memory>): MemoryOf {
    return (source) => {
      switch (source.kind) {
        case "value":
          return values.get(source.index);
        case "state":
        case "data":
        case "parent": {
          const { kind, index } = source;
          const type = this.#staged.program[kind][index];
          return type && memoryOf(type.dtype, this.#words({ kind, index }));
        }
        default:
          return scalarMemory(source, this.#step);
      }
    };
  }
}
