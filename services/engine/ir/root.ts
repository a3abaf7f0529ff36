/** The program root: what a request names and every dispute starts from. */
import { opListRoot, type ProgramParts, programRootOf } from "@assay/protocol/commitments/bindings";
import type { Hasher, Hex } from "@assay/protocol/commitments/hash";
import { encodeHeader, encodeOp } from "./encode.ts";
import type { Program } from "./types.ts";

/** Header bytes and op list roots of a program. */
export const programParts = (hasher: Hasher, program: Program): ProgramParts => ({
  header: encodeHeader(program),
  initRoot: opListRoot(hasher, "init", program.init.map(encodeOp)),
  stepRoot: opListRoot(hasher, "step", program.step.map(encodeOp)),
  evalRoot: opListRoot(hasher, "eval", program.eval.map(encodeOp)),
});

/** Root of a program that passes `checkProgram`. */
export const programRoot = (hasher: Hasher, program: Program): Hex =>
  programRootOf(hasher, programParts(hasher, program));
