/** The whole state at a checkpoint as a safetensors file: what another provider goes on from, and the model in it. */
import type { Words } from "../backend.ts";
import { selectTensors } from "../data/dataset.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedWords,
  type TensorFile,
} from "../data/safetensors.ts";
import type { Program } from "../ir/types.ts";

const FORMAT = "assay-state/1";

/**
 * Parameters first, in declaration order, then the rest. The same program, state and metadata always give the same bytes,
 * and so the same CID.
 */
export const encodeStateFile = (
  program: Program,
  state: readonly Words[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array => {
  const tensors = program.state.map(({ name, dtype, shape, parameter }, i) => {
    const words = state[i];
    if (words === undefined) throw new RangeError(`no state tensor ${i}`);
    return { name, dtype, shape, words, parameter };
  });
  const parameters = tensors.filter(({ parameter }) => parameter);
  const rest = tensors.filter(({ parameter }) => !parameter);
  return encodeSafetensors([...parameters, ...rest], {
    ...metadata,
    format: FORMAT,
    parameters: String(parameters.length),
  });
};

/** The state tensors of a file in the program's order. Throws ENGINE_SAFETENSORS_INVALID, ENGINE_DATA_COLUMN. */
export const decodeStateFile = (bytes: Uint8Array, program: Program): Words[] =>
  selectTensors(decodeSafetensors(bytes).tensors, program.state).map(({ words }) => words);

/** The parameters in a model or state file, in declaration order: what the model root is over. */
export const parametersOf = ({ tensors, metadata }: TensorFile): readonly NamedWords[] => {
  const { format, parameters = "" } = metadata;
  return format === FORMAT && /^\d+$/.test(parameters)
    ? tensors.slice(0, Number(parameters))
    : tensors;
};
