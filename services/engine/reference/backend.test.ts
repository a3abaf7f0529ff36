import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Words } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { OpList, Program } from "../ir/types.ts";
import { randomProgram } from "../testing/program.ts";
import { referenceBackend } from "./backend.ts";
import { canonicalise } from "./bits.ts";
import { evaluateScalar, type ScalarSources } from "./scalar.ts";

/** Runs a list one scalar at a time. */
function walk(
  program: Program,
  list: OpList,
  sources: Omit<ScalarSources, "typeOf" | "read">,
  memory: {
    state: readonly Words[];
    data: readonly Words[];
    parent: readonly Words[];
  },
): Uint32Array<ArrayBuffer>[] {
  const values: Uint32Array<ArrayBuffer>[] = [];
  const types = { ...program, value: program[list].map((op) => op.out) };
  const all: ScalarSources = {
    ...sources,
    typeOf: (source) => types[source.kind][source.index]!,
    read: (source, address) => {
      const tensor =
        source.kind === "value" ? values[source.index] : memory[source.kind][source.index];
      assert.ok(tensor !== undefined && address >= 0 && address < tensor.length);
      return tensor[address]!;
    },
  };
  for (const op of program[list]) {
    values.push(
      Uint32Array.from({ length: elements(op.out.shape) }, (_, i) => evaluateScalar(op, i, all)),
    );
  }
  return values;
}

describe("reference back end", () => {
  it("gives the same bits as the scalar walk on random programs", async () => {
    for (let number = 0; number < 150; number++) {
      const { program, inputs } = randomProgram(number);
      const execution = await referenceBackend.prepare(program, inputs);
      execution.init();
      const { seed, data, parent } = inputs;
      const initial = walk(program, "init", { step: 0, seed }, { state: [], data, parent });
      let state: Words[] = program.state.map((tensor) => initial[tensor.initOp]!);
      assert.deepEqual(execution.state(), state, `init of program ${number}`);
      for (let step = 0; step < Math.min(2, program.steps); step++) {
        const values = walk(program, "step", { step, seed }, { state, data, parent });
        state = program.state.map((tensor, i) => values[tensor.stepOp] ?? state[i]!);
        execution.run(1);
        assert.deepEqual(execution.state(), state, `step ${step} of program ${number}`);
      }
      const last = walk(
        program,
        "eval",
        { step: execution.position, seed },
        { state, data, parent },
      );
      assert.deepEqual(
        execution.evaluate(),
        program.outputs.map((output) => last[output.op]),
        `eval of ${number}`,
      );
    }
  });

  it("shows no NaN but the canonical one", async () => {
    for (let number = 500; number < 560; number++) {
      const { program, inputs } = randomProgram(number);
      const execution = await referenceBackend.prepare(program, inputs);
      execution.init();
      execution.run(program.steps);
      execution.state().forEach((words, i) => {
        if (program.state[i]?.dtype !== "f32") return;
        const canonical = words.slice();
        canonicalise(canonical);
        assert.deepEqual(words, canonical);
      });
    }
  });
});
