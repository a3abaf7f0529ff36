import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Words } from "../backend.ts";
import { elements, terms } from "../ir/shape.ts";
import { UNCHANGED } from "../ir/types.ts";
import { assertSameWords } from "../testing/compare.ts";
import { randomProgram } from "../testing/program.ts";
import { Random } from "../testing/random.ts";
import { referenceBackend } from "./backend.ts";
import { evaluateScalar, type ScalarSources } from "./scalar.ts";
import { type ListRun, referenceWalker, valuesRead } from "./walk.ts";

async function outputs(run: ListRun, wanted: Iterable<number>): Promise<Map<number, Words>> {
  const found = new Map<number, Words>();
  for await (const { index, words } of referenceWalker.outputs(run, new Set(wanted)))
    found.set(index, words.slice());
  return found;
}

describe("walking through an op list", () => {
  it("gives the states and evaluations of an execution", async () => {
    for (let number = 0; number < 60; number++) {
      const { program, inputs } = randomProgram(number);
      const execution = await referenceBackend.prepare(program, inputs);
      const run = (list: ListRun["list"], step: number, state: readonly Words[]): ListRun => ({
        program,
        inputs,
        list,
        step,
        state,
      });
      execution.init();
      let state = execution.state();
      const init = await outputs(run("init", 0, []), program.init.keys());
      const first = program.state.map(({ initOp }) => init.get(initOp) as Words);
      assertSameWords(first, state, `program ${number}, init`);
      for (let step = 0; step < Math.min(2, program.steps); step++) {
        const wanted = program.state.map(({ stepOp }) => stepOp).filter((op) => op !== UNCHANGED);
        const values = await outputs(run("step", step, state), wanted);
        const next = program.state.map(
          ({ stepOp }, s) => (stepOp === UNCHANGED ? state[s] : values.get(stepOp)) as Words,
        );
        execution.run(1);
        state = execution.state();
        assertSameWords(next, state, `program ${number}, step ${step}`);
      }
      const evaluated = program.outputs.map(({ op }) => op);
      const values = await outputs(run("eval", execution.position, state), evaluated);
      assertSameWords(
        evaluated.map((op) => values.get(op) as Words),
        execution.evaluate(),
        `program ${number}, eval`,
      );
      execution.close();
    }
  });

  it("gives the same outputs whichever are wanted, and nothing else", async () => {
    for (let number = 0; number < 30; number++) {
      const { program, inputs } = randomProgram(number, { ops: 20 });
      const run: ListRun = { program, inputs, list: "init", step: 0, state: [] };
      const all = await outputs(run, program.init.keys());
      const random = new Random(number);
      for (let draw = 0; draw < 5; draw++) {
        const op = random.integer(0, program.init.length - 1);
        const wanted = [op, ...valuesRead(program.init[op] as (typeof program.init)[number])];
        const some = await outputs(run, wanted);
        assert.deepEqual(new Set(some.keys()), new Set(wanted));
        for (const [index, words] of some) assert.deepEqual(words, all.get(index));
      }
    }
  });

  it("runs a fold term by term to the element that the loops give", async () => {
    for (let number = 0; number < 30; number++) {
      const { program, inputs } = randomProgram(number);
      const run: ListRun = { program, inputs, list: "init", step: 0, state: [] };
      const all = await outputs(run, program.init.keys());
      const sources: ScalarSources = {
        typeOf: ({ kind, index }) =>
          kind === "value" ? (program.init[index]?.out as never) : (program[kind][index] as never),
        read: ({ kind, index }, address) =>
          (kind === "value" ? all.get(index) : inputs[kind as "data"][index])?.[address] as number,
        step: 0,
        seed: inputs.seed,
      };
      program.init.forEach((op, index) => {
        const element = number % elements(op.out.shape);
        const accumulators = [...referenceWalker.accumulators(op, element, sources)];
        assert.equal(accumulators.length, terms(op));
        assert.equal(accumulators.at(-1), all.get(index)?.[element]);
        const middle = number % accumulators.length;
        assert.equal(accumulators[middle], evaluateScalar(op, element, sources, middle + 1));
      });
    }
  });
});
