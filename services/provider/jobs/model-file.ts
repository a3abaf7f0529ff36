/** The model as a file: safetensors of the parameters, with where it came from. */
import { encodeSafetensors } from "@assay/engine/data/safetensors";
import type { Program } from "@assay/engine/ir/types";
import { modelTensors } from "@assay/engine/trace/roots";
import type { Request } from "@assay/protocol/domain/messages";
import type { Words } from "@assay/engine/backend";
import type { Hex } from "viem";

export interface ModelFileParts {
  readonly request: Pick<Request, "programRoot" | "dataRoot" | "seed">;
  readonly program: Program;
  readonly step: number;
  readonly modelRoot: Hex;
  readonly state: readonly Words[];
  /** One per output of the program; none for a prefix. */
  readonly evaluation: readonly Words[];
}

/**
 * The same job always gives the same bytes, whenever and wherever it ran: two different submissions signed for one
 * checkpoint would be slashable, and the file's CID is part of a submission.
 */
export const modelFile = (parts: ModelFileParts): Uint8Array => {
  const { request, program, step, modelRoot, state, evaluation } = parts;
  const metrics = program.outputs.flatMap(({ name, op }, i) => {
    const words = evaluation[i];
    const dtype = program.eval[op]?.out.dtype;
    if (words?.length !== 1 || dtype === undefined) return [];
    const values =
      dtype === "f32"
        ? new Float32Array(words.buffer, words.byteOffset, 1)
        : new Int32Array(words.buffer, words.byteOffset, 1);
    return [[`eval.${name}`, String(values[0])] as const];
  });
  return encodeSafetensors(modelTensors(program, state), {
    format: "assay-model/1",
    modelRoot,
    programRoot: request.programRoot,
    dataRoot: request.dataRoot,
    seed: request.seed.toString(),
    numerics: program.numerics,
    step: String(step),
    ...Object.fromEntries(metrics),
  });
};
