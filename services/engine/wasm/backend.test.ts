import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAssayError } from "@assay/protocol/errors";
import { assertSameBits, compareRandomPrograms, PROGRAM_FAMILIES } from "../testing/compare.ts";
import { randomContraction } from "../testing/contractions.ts";
import { randomProgram } from "../testing/program.ts";
import { wasmBackend } from "./backend.ts";

/** Per family; `npm run test:deep` takes more. */
const RANDOM_PROGRAMS = 120;

describe("wasm back end", () => {
  for (const [family, { what, options }] of PROGRAM_FAMILIES.entries()) {
    it(`gives the reference's bits on random programs with ${what}`, async () => {
      await compareRandomPrograms(wasmBackend, options, family * 1_000_000, RANDOM_PROGRAMS);
    });
  }

  it("gives the reference's bits on random contractions, and compiles them as such", async () => {
    let contractions = 0;
    for (let number = 0; number < RANDOM_PROGRAMS; number++) {
      const { program, inputs } = randomContraction(number);
      await assertSameBits(wasmBackend, program, inputs, `random contraction ${number}`);
      const { report } = await wasmBackend.prepare(program, inputs);
      contractions += report.kernels.filter(({ path }) => path === "contraction").length;
    }
    assert.ok(contractions > RANDOM_PROGRAMS, `${contractions} kernels were contractions`);
  });

  it("refuses inputs of the wrong shape and steps beyond the run", async () => {
    const { program, inputs } = randomProgram(1);
    const [first, ...rest] = inputs.data;
    assert.ok(first !== undefined);
    await assert.rejects(
      wasmBackend.prepare(program, { ...inputs, data: [first.subarray(1), ...rest] }),
      (error) => isAssayError(error, "ENGINE_INPUT_SHAPE"),
    );
    const execution = await wasmBackend.prepare(program, inputs);
    execution.init();
    assert.throws(
      () => execution.run(program.steps + 1),
      (error) => isAssayError(error, "ENGINE_INPUT_POSITION"),
    );
  });
});
