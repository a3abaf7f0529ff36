import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { assertSameBits, compareRandomPrograms, PROGRAM_FAMILIES } from "../testing/compare.ts";
import { randomContraction } from "../testing/contractions.ts";
import { wasmBackend, wideWasmBackend } from "./backend.ts";

/** Per family and back end. */
const RANDOM_PROGRAMS = 40;

// V8 starts with unoptimised code; programs this short would never meet its optimising compiler.
setFlagsFromString("--no-liftoff");

describe("code of V8's optimising compiler", () => {
  // The wide back end turns on a flag for the whole process, so it comes last.
  for (const backend of [wasmBackend, wideWasmBackend]) {
    it(`gives the reference's bits on random programs: ${backend.name}`, async () => {
      for (const [family, { options }] of PROGRAM_FAMILIES.entries())
        await compareRandomPrograms(backend, options, 500_000 + family * 1000, RANDOM_PROGRAMS);
    });

    it(`gives the reference's bits on random contractions: ${backend.name}`, async () => {
      for (let number = 500_000; number < 500_000 + RANDOM_PROGRAMS; number++) {
        const { program, inputs } = randomContraction(number);
        await assertSameBits(backend, program, inputs, `random contraction ${number}`);
      }
    });
  }
});
