/** A program whose columns lie in files, as one that reads stages instead: see `stage.ts`. */
import type { Column } from "../backend.ts";
import { coordinates, elements } from "../ir/shape.ts";
import type { Guard, NamedTensor, Op, OpList, Operand, Program, Source } from "../ir/types.ts";
import { rangeOf } from "../ir/interval.ts";
import { isInFile } from "./column.ts";
import { partElements, stageFixed, stagePicked, type Part } from "./stage.ts";

type TensorSource = Extract<Source, { readonly index: number }>;

/** A data tensor of a staged program that is filled from a column of the original one. */
export interface Stage {
  /** Index in the original program's data. */
  readonly column: number;
  readonly part: Part;
  /** Of a picked part: the table, as the staged program names it, and the list that it is a value of. */
  readonly table: { readonly list: OpList; readonly source: TensorSource } | null;
}

export interface StagedProgram {
  /** Its data tensors are the original's columns in memory, then the stages. */
  readonly program: Program;
  /** The columns in memory, as indices in the original program's data. */
  readonly inMemory: readonly number[];
  /** Data tensor `inMemory.length + i` of the staged program. */
  readonly stages: readonly Stage[];
}

/** Collects the stages of a program, each once. */
class Stager {
  readonly stages: Stage[] = [];
  readonly tensors: NamedTensor[] = [];
  readonly inMemory: readonly number[];
  readonly #program: Program;
  readonly #known = new Map<string, number>();

  constructor(program: Program, inFile: (column: number) => boolean) {
    this.#program = program;
    this.inMemory = [...program.data.keys()].filter((column) => !inFile(column));
  }

  list(list: OpList): Op[] {
    return this.#program[list].map((op) => {
      const extents = coordinates(op);
      return {
        ...op,
        operands: op.operands.map((operand) => this.#operand(list, operand, extents)),
      };
    });
  }

  #isInFile(source: Source): source is TensorSource {
    return source.kind === "data" && !this.inMemory.includes(source.index);
  }

  /** A tensor that stays in memory, as the staged program names it. */
  #kept<S extends Source>(source: S): S {
    return source.kind === "data"
      ? { ...source, index: this.inMemory.indexOf(source.index) }
      : source;
  }

  #operand(list: OpList, whole: Operand, extents: readonly number[]): Operand {
    const operand = this.#withTable(whole, extents);
    const { source, guards, indirection } = operand;
    if (!this.#isInFile(source)) return { ...operand, source: this.#kept(source) };
    const { index: column } = source;
    const loops = { extents, guards };
    const length = elements((this.#program.data[column] as NamedTensor).shape);
    if (indirection === null) {
      const { part, address } = stageFixed(operand, loops, length);
      return {
        ...operand,
        ...address,
        source: { kind: "data", index: this.#stage({ column, part, table: null }) },
      };
    }
    const table = indirection.source;
    const { part, address, guard } = stagePicked(
      operand,
      indirection,
      loops,
      this.#elementsOf(list, table),
    );
    return {
      ...address,
      guards: guard === null ? guards : [...guards, guard],
      indirection: null,
      source: {
        kind: "data",
        index: this.#stage({ column, part, table: { list, source: table } }),
      },
    };
  }

  /** The operand with a table that is in memory, or in a stage. */
  #withTable(operand: Operand, extents: readonly number[]): Operand {
    const { indirection, guards } = operand;
    if (indirection === null) return operand;
    const { source } = indirection;
    if (!this.#isInFile(source))
      return { ...operand, indirection: { ...indirection, source: this.#kept(source) } };
    const { index: column } = source;
    const length = elements((this.#program.data[column] as NamedTensor).shape);
    const { part, address } = stageFixed(indirection, { extents, guards }, length);
    const index = this.#stage({ column, part, table: null });
    const { low, high } = rangeOf(indirection, extents);
    const { offset, strides } = indirection;
    // What a table does not have makes an operand read 0, where an element of 0 would be its first row.
    const inside: Guard[] = low < 0 || high >= length ? [{ offset, strides, limit: length }] : [];
    return {
      ...operand,
      guards: [...guards, ...inside],
      indirection: { ...indirection, ...address, source: { kind: "data", index } },
    };
  }

  /** Of a tensor as the staged program names it. */
  #elementsOf(list: OpList, { kind, index }: TensorSource): number {
    const program = this.#program;
    if (kind === "value") return elements((program[list][index] as Op).out.shape);
    if (kind !== "data") return elements((program[kind][index] as NamedTensor).shape);
    const column = this.inMemory[index];
    const tensor =
      column === undefined ? this.tensors[index - this.inMemory.length] : program.data[column];
    return elements((tensor as NamedTensor).shape);
  }

  /** Index of a stage among the staged program's data. */
  #stage(stage: Stage): number {
    const key = JSON.stringify(stage);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { name, dtype } = this.#program.data[stage.column] as NamedTensor;
    const index = this.inMemory.length + this.stages.length;
    this.#known.set(key, index);
    this.stages.push(stage);
    this.tensors.push({ name: `${name}#${index}`, dtype, shape: [partElements(stage.part)] });
    return index;
  }
}

/** The program with what it reads of the columns in files staged. Its memory is what a run takes. */
export const stageProgram = (
  program: Program,
  inFile: (column: number) => boolean,
): StagedProgram => {
  const stager = new Stager(program, inFile);
  const [init, step, evaluation] = [stager.list("init"), stager.list("step"), stager.list("eval")];
  const { inMemory, stages, tensors } = stager;
  const kept = inMemory.map((column) => program.data[column] as NamedTensor);
  return {
    program: { ...program, data: [...kept, ...tensors], init, step, eval: evaluation },
    inMemory,
    stages,
  };
};

/** As {@link stageProgram} for these columns; undefined where all are in memory. */
export const stageColumns = (
  program: Program,
  columns: readonly Column[],
): StagedProgram | undefined =>
  columns.some(isInFile)
    ? stageProgram(program, (column) => isInFile(columns[column] as Column))
    : undefined;
