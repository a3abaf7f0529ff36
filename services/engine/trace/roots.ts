/** Roots of a run's tensors: states, models and evaluations. */
import type { Hex } from "@assay/protocol/commitments/hash";
import { treeRoot } from "@assay/protocol/commitments/tree";
import type { Words } from "../backend.ts";
import { wordsRoot } from "../data/dataset.ts";
import type { NamedWords } from "../data/safetensors.ts";
import type { Program } from "../ir/types.ts";
import { nodeHasher } from "./hasher.ts";

export interface StateRoots {
  /** One per state tensor, in declaration order. */
  readonly tensorRoots: readonly Hex[];
  readonly stateRoot: Hex;
  /** Over the parameter tensors alone: the identity of the model. */
  readonly modelRoot: Hex;
}

/** All roots of one state; every tensor is hashed once. Words must have canonical NaN, as back ends give them. */
export function stateRoots(program: Program, state: readonly Words[]): StateRoots {
  const tensorRoots = program.state.map((tensor, i) =>
    wordsRoot(nodeHasher, tensor, state[i] as Words),
  );
  const parameters = tensorRoots.filter((_, i) => program.state[i]?.parameter);
  return {
    tensorRoots,
    stateRoot: treeRoot(nodeHasher, tensorRoots),
    modelRoot: treeRoot(nodeHasher, parameters),
  };
}

/** Root of all state tensors: a checkpoint of the trace. */
export const stateRoot = (program: Program, state: readonly Words[]): Hex =>
  stateRoots(program, state).stateRoot;

/** Root of the parameter tensors. */
export const modelRoot = (program: Program, state: readonly Words[]): Hex =>
  stateRoots(program, state).modelRoot;

/** Root of the eval outputs; 32 zero bytes for a program without any. */
export const evalRoot = (program: Program, evaluation: readonly Words[]): Hex =>
  treeRoot(
    nodeHasher,
    program.outputs.map(({ op }, i) => {
      const type = program.eval[op]?.out;
      if (type === undefined) throw new RangeError(`no eval op ${op}`);
      return wordsRoot(nodeHasher, type, evaluation[i] as Words);
    }),
  );

/** The parameter tensors of a state, in declaration order: the model. */
export const modelTensors = (program: Program, state: readonly Words[]): NamedWords[] =>
  program.state.flatMap(({ name, dtype, shape, parameter }, i) =>
    parameter ? [{ name, dtype, shape, words: state[i] as Words }] : [],
  );
