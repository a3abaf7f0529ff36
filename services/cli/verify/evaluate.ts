/** Runs a program's evaluation on a fetched model, without training it again. */
import { evalRoot } from "@assay/engine/trace/roots";
import type { NamedWords } from "@assay/engine/data/safetensors";
import type { Inputs, Words } from "@assay/engine/backend";
import { elements } from "@assay/engine/ir/shape";
import type { Program } from "@assay/engine/ir/types";
import { wasmBackend } from "@assay/engine/wasm/backend";

export interface Evaluation {
  /** One per program output, by its name; only scalars. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly evalRoot: string;
}

const scalar = (words: Words, dtype: "f32" | "i32"): number =>
  dtype === "f32"
    ? (new Float32Array(words.buffer, words.byteOffset, 1)[0] ?? Number.NaN)
    : (new Int32Array(words.buffer, words.byteOffset, 1)[0] ?? 0);

/** The scalar outputs of an evaluation by name. */
export const metricsOf = (program: Program, evaluation: readonly Words[]): Record<string, number> =>
  Object.fromEntries(
    program.outputs.flatMap(({ name, op }, at) => {
      const type = program.eval[op]?.out;
      const words = evaluation[at];
      return type === undefined || words === undefined || type.shape.length > 0
        ? []
        : [[name, scalar(words, type.dtype)]];
    }),
  );

/** Evaluates the parameters of a model. State that is not part of the model (optimizer moments) reads as zero. */
export const evaluateModel = async (
  program: Program,
  inputs: Inputs,
  model: readonly NamedWords[],
): Promise<Evaluation> => {
  const execution = await wasmBackend.prepare(program, inputs);
  try {
    const state = program.state.map(
      ({ name, shape }) =>
        model.find((tensor) => tensor.name === name)?.words ?? new Uint32Array(elements(shape)),
    );
    execution.load(state, program.steps);
    const evaluation = execution.evaluate();
    return { metrics: metricsOf(program, evaluation), evalRoot: evalRoot(program, evaluation) };
  } finally {
    execution.close();
  }
};
