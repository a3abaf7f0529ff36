import assert from "node:assert/strict";
import type { Backend, Execution, Inputs, Words } from "../backend.ts";
import type { Program } from "../ir/types.ts";
import { referenceBackend } from "../reference/backend.ts";
import { randomProgram, type RandomProgramOptions } from "./program.ts";

/** Fails with the first tensor and element whose bits differ. */
export const assertSameWords = (
  actual: readonly Words[],
  expected: readonly Words[],
  what: string,
): void => {
  assert.equal(actual.length, expected.length, `${what}: number of tensors`);
  expected.forEach((words, tensor) => {
    const got = actual[tensor] as Words;
    const at = words.findIndex((word, i) => word !== got[i]);
    if (at < 0 && got.length === words.length) return;
    const bits = (from: Words): string => `0x${(from[at] ?? 0).toString(16).padStart(8, "0")}`;
    assert.fail(`${what}: tensor ${tensor}, element ${at}: ${bits(got)}, reference ${bits(words)}`);
  });
};

/**
 * Runs a program on a back end beside the reference: `init`, up to `steps` steps with every state compared, and the
 * evaluation after each; then from the middle again, loaded into a fresh execution.
 */
export const assertSameBits = async (
  backend: Backend,
  program: Program,
  inputs: Inputs,
  what: string,
  steps = 3,
): Promise<void> => {
  const reference = await referenceBackend.prepare(program, inputs);
  const execution = await backend.prepare(program, inputs);
  const compare = (of: Execution, place: string): void => {
    assertSameWords(of.state(), reference.state(), `${what}, ${place}`);
    assertSameWords(of.evaluate(), reference.evaluate(), `${what}, ${place}, evaluation`);
  };
  reference.init();
  execution.init();
  compare(execution, "init");
  const count = Math.min(steps, program.steps);
  for (let step = 0; step < count - 1; step++) {
    reference.run(1);
    execution.run(1);
    compare(execution, `step ${step}`);
  }
  const resumed = await backend.prepare(program, inputs);
  resumed.load(reference.state(), reference.position);
  reference.run(1);
  execution.run(1);
  resumed.run(1);
  compare(execution, `step ${count - 1}`);
  compare(resumed, `step ${count - 1}, resumed`);
  assert.equal(execution.position, count);
  assert.equal(resumed.position, count);
  for (const closing of [reference, execution, resumed]) closing.close();
};

/** Kinds of random programs that a back end has to agree on. */
export const PROGRAM_FAMILIES: readonly {
  readonly what: string;
  readonly options: RandomProgramOptions;
}[] = [
  { what: "hostile bits", options: {} },
  { what: "ordinary values", options: { tame: true } },
  { what: "long op lists", options: { ops: 40 } },
  { what: "wide tensors", options: { dimension: 40 } },
];

/** Compares `count` random programs of a family, starting with number `from`. */
export const compareRandomPrograms = async (
  backend: Backend,
  options: RandomProgramOptions,
  from: number,
  count: number,
): Promise<void> => {
  for (let number = from; number < from + count; number++) {
    const { program, inputs } = randomProgram(number, options);
    await assertSameBits(backend, program, inputs, `random program ${number}`);
  }
};
