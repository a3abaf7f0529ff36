/** Runs a graph on the reference back end: what tests and explorations look at. */
import type { Words } from "../backend.ts";
import { referenceBackend } from "../reference/backend.ts";
import { at, elements } from "./access.ts";
import { constant, type Tensor } from "./graph.ts";
import { ProgramBuilder } from "./program.ts";

const wordsOf = (dtype: "f32" | "i32", values: ArrayLike<number>): Words =>
  new Uint32Array(
    dtype === "f32" ? Float32Array.from(values).buffer : Int32Array.from(values).buffer,
  );

const numbersOf = (dtype: "f32" | "i32", words: Words): number[] => [
  ...(dtype === "f32" ? new Float32Array(words.buffer) : new Int32Array(words.buffer)),
];

export interface Column {
  readonly tensor: Tensor;
  readonly values: ArrayLike<number>;
}

/** A graph with named columns whose values can change between runs. */
export class Sketch {
  readonly #job = new ProgramBuilder({ steps: 1, interval: 1 });
  readonly #columns: Column[] = [];

  /** A column of this shape and type, with its values. */
  column<D extends "f32" | "i32">(
    dtype: D,
    shape: readonly number[],
    values: ArrayLike<number>,
  ): Tensor<D> {
    if (values.length !== elements(shape))
      throw new RangeError(`${values.length} values for [${shape.join()}]`);
    const tensor = this.#job.data(`column${this.#columns.length}`, dtype, shape);
    this.#columns.push({ tensor, values });
    return tensor;
  }

  /** A function from values of some columns (the others keep theirs) to the elements of `outputs`. */
  compile(
    outputs: readonly Tensor[],
    seed = 0n,
  ): (changed?: ReadonlyMap<Tensor, ArrayLike<number>>) => Promise<number[][]> {
    this.#job.state("unused", constant(0), { parameter: true });
    outputs.forEach((x, k) => this.#job.output(`output${k}`, x));
    const program = this.#job.build();
    return async (changed) => {
      const execution = await referenceBackend.prepare(program, {
        data: this.#columns.map(({ tensor, values }) =>
          wordsOf(tensor.dtype, changed?.get(tensor) ?? values),
        ),
        parent: [],
        seed,
      });
      execution.init();
      const results = execution.evaluate();
      execution.close();
      return results.map((words, k) => numbersOf(at(outputs, k).dtype, words));
    };
  }

  /** The elements of `outputs` for the columns as given. */
  run(outputs: readonly Tensor[], seed = 0n): Promise<number[][]> {
    return this.compile(outputs, seed)();
  }
}
