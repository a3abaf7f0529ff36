import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Program } from "../ir/types.ts";
import {
  assertSameBits,
  assertSameWords,
  compareRandomPrograms,
  PROGRAM_FAMILIES,
} from "../testing/compare.ts";
import { randomContraction } from "../testing/contractions.ts";
import { columnsOf, PRESETS } from "../testing/presets.ts";
import { createWasmBackend, wasmBackend } from "./backend.ts";

describe("several threads", () => {
  for (const threads of [2, 4]) {
    const backend = createWasmBackend({ lanes: "narrow", threads });

    for (const [name, program] of Object.entries(PRESETS))
      it(`${threads} give the bits of one, also after a resume: ${name}`, async () => {
        const inputs = { data: columnsOf(program), parent: [], seed: 3n };
        const one = await wasmBackend.prepare(program, inputs);
        const many = await backend.prepare(program, inputs);
        one.init();
        many.init();
        one.run(2);
        many.run(1);
        many.run(1);
        assertSameWords(many.state(), one.state(), "state");
        const resumed = await backend.prepare(program, inputs);
        resumed.load(one.state(), 2);
        one.run(1);
        resumed.run(1);
        assertSameWords(resumed.state(), one.state(), "resumed");
        assertSameWords(resumed.evaluate(), one.evaluate(), "evaluation");
        for (const closing of [one, many, resumed]) closing.close();
      });
  }

  it("give the reference's bits on random programs", async () => {
    const backend = createWasmBackend({ lanes: "narrow", threads: 3, leastWork: 1 });
    for (const [family, { options }] of PROGRAM_FAMILIES.entries())
      await compareRandomPrograms(backend, options, 900_000 + family * 1000, 6);
    for (let number = 900_000; number < 900_010; number++) {
      const { program, inputs } = randomContraction(number);
      await assertSameBits(backend, program, inputs, `random contraction ${number}`);
    }
  });

  it("share what is worth it", async () => {
    const program = PRESETS["mlp"] as Program;
    const backend = createWasmBackend({ lanes: "narrow", threads: 2 });
    const inputs = { data: columnsOf(program), parent: [], seed: 3n };
    const execution = await backend.prepare(program, inputs);
    const { kernels } = execution.report;
    execution.close();
    assert.ok(kernels.some(({ divided, path }) => divided && path === "contraction"));
    assert.ok(kernels.some(({ divided }) => !divided));
  });

  it("are a whole number", () => {
    for (const threads of [0, 1.5, 65])
      assert.throws(() => createWasmBackend({ lanes: "narrow", threads }), RangeError);
  });
});

describe("the kernel cache", () => {
  it("compiles a program once, and another one anew", async () => {
    const [first, second] = [PRESETS["mlp"], PRESETS["LeNet"]] as [Program, Program];
    const reportOf = async (program: Program) => {
      const inputs = { data: columnsOf(program), parent: [], seed: 1n };
      const execution = await wasmBackend.prepare(program, inputs);
      execution.close();
      return execution.report;
    };
    const report = await reportOf(first);
    assert.equal(await reportOf(structuredClone(first)), report);
    assert.notEqual(await reportOf(second), report);
    const longer = { ...first, steps: first.steps + 1 };
    assert.notEqual(await reportOf(longer), report);
  });
});
