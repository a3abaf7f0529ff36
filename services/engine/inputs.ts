/** Checks of what a back end is given, the same for all of them. */
import { AssayError } from "@assay/protocol/errors";
import type { Column, Inputs, Words } from "./backend.ts";
import { elements } from "./ir/shape.ts";
import type { NamedTensor, Program } from "./ir/types.ts";

function checkWords(what: string, tensors: readonly NamedTensor[], words: readonly Column[]): void {
  tensors.forEach((tensor, i) => {
    const wants = elements(tensor.shape);
    const has = words[i]?.length ?? 0;
    if (has === wants) return;
    throw new AssayError(
      "ENGINE_INPUT_SHAPE",
      `${what} "${tensor.name}" has ${has} elements, the program declares ${wants}`,
      {
        remedy: `Give ${what} tensors of the declared shapes, in the declared order.`,
        details: { what, index: i, has, wants },
      },
    );
  });
  if (words.length <= tensors.length) return;
  throw new AssayError(
    "ENGINE_INPUT_SHAPE",
    `${words.length} ${what} tensors given, the program declares ${tensors.length}`,
    {
      remedy: `Give exactly the declared ${what} tensors.`,
      details: { what, has: words.length, wants: tensors.length },
    },
  );
}

/** Throws ENGINE_INPUT_SHAPE or ENGINE_INPUT_SEED unless the inputs are those the program declares. */
export function checkInputs(program: Program, inputs: Inputs): void {
  checkWords("data", program.data, inputs.data);
  checkWords("parent", program.parent, inputs.parent);
  if (inputs.seed >= 0n && inputs.seed < 1n << 64n) return;
  throw new AssayError("ENGINE_INPUT_SEED", `the seed ${inputs.seed} is not 64 bits`, {
    remedy: "Give a seed from 0 to 2^64 − 1.",
  });
}

/** Throws ENGINE_INPUT_SHAPE or ENGINE_INPUT_POSITION unless `state` can be due at step `position`. */
export function checkLoad(program: Program, state: readonly Words[], position: number): void {
  checkWords("state", program.state, state);
  if (Number.isInteger(position) && position >= 0 && position <= program.steps) return;
  throw new AssayError(
    "ENGINE_INPUT_POSITION",
    `step ${position} is outside 0 to ${program.steps}`,
    {
      remedy: "Load a state that is due at a step of this program.",
    },
  );
}

/** Throws ENGINE_INPUT_POSITION unless `count` more steps from `position` stay inside the run. */
export function checkRun(program: Program, position: number, count: number): void {
  if (Number.isInteger(count) && count >= 0 && position + count <= program.steps) return;
  throw new AssayError(
    "ENGINE_INPUT_POSITION",
    `${count} steps from step ${position} go beyond the ${program.steps} of the program`,
    {
      remedy: "Run no more steps than the program has left.",
    },
  );
}
