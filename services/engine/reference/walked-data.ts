/** The data set as a walk reads it: of columns in files, what the op that runs next needs, and nothing longer than that. */
import type { Column, Inputs, Words } from "../backend.ts";
import { type ColumnReader, openColumn } from "../columns/column.ts";
import { stageColumns, type StagedProgram } from "../columns/program.ts";
import { fillStage } from "../columns/stage.ts";
import type { NamedTensor, Op, Program } from "../ir/types.ts";
import { allocate, type Memory, memoryOf, type MemoryOf } from "./memory.ts";

export class WalkedData {
  /** What the walk runs. */
  readonly program: Program;
  readonly #inputs: Inputs;
  readonly #staged: StagedProgram | undefined;
  readonly #readers = new Map<number, ColumnReader>();
  readonly #stages = new Map<number, Memory>();

  constructor(program: Program, inputs: Inputs) {
    this.#inputs = inputs;
    this.#staged = stageColumns(program, inputs.data);
    this.program = this.#staged?.program ?? program;
  }

  /** Reads what `op` needs; what the op before needed is gone. `tables` has them in memory. Throws ENGINE_COLUMN_UNREADABLE. */
  prepare(op: Op, tables: MemoryOf): void {
    if (this.#staged === undefined) return;
    this.#stages.clear();
    for (const { source, indirection } of op.operands) {
      if (indirection?.source.kind === "data") this.#fill(indirection.source.index, tables);
      if (source.kind === "data") this.#fill(source.index, tables);
    }
  }

  /** A data tensor of the program. */
  memory(index: number): Memory | undefined {
    const stage = this.#stages.get(index);
    if (stage !== undefined) return stage;
    const column = this.#staged === undefined ? index : this.#staged.inMemory[index];
    const words = column === undefined ? undefined : (this.#inputs.data[column] as Words);
    return words && memoryOf((this.program.data[index] as NamedTensor).dtype, words);
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    this.#stages.clear();
  }

  #fill(index: number, tables: MemoryOf): void {
    const stage = this.#staged?.stages[index - this.#staged.inMemory.length];
    if (stage === undefined || this.#stages.has(index)) return;
    const { column, part, table } = stage;
    if (table?.source.kind === "data") this.#fill(table.source.index, tables);
    const memory = allocate(this.program.data[index] as NamedTensor);
    fillStage(
      part,
      this.#reader(column),
      table === null ? undefined : tables(table.source)?.words,
      memory.words,
    );
    this.#stages.set(index, memory);
  }

  #reader(column: number): ColumnReader {
    const known = this.#readers.get(column);
    if (known !== undefined) return known;
    const reader = openColumn(this.#inputs.data[column] as Column);
    this.#readers.set(column, reader);
    return reader;
  }
}
