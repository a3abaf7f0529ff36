import { AssayError } from "@assay/protocol/errors";

/** What can be wrong with a program; the code of the error is `ENGINE_PROGRAM_` and the name in upper case. */
export type ProgramFault = "structure" | "limit" | "type" | "source" | "access";

const remedies: Record<ProgramFault, string> = {
  structure: "Correct the program at the place named, or build it again with the builder.",
  limit: "Make the program smaller: these limits are what the referee contract can judge.",
  type: "Give the operation operands and an output of the types that the primitive table lists.",
  source:
    "Let the operand name an earlier operation of the same list, a declared tensor, or a constant.",
  access:
    "Keep the access inside its tensor, or add a guard or an indirection where it may leave it.",
};

/** The error for a program that breaks a rule at `place` (`step[12].operands[1]`). */
export const programFault = (
  fault: ProgramFault,
  place: string,
  message: string,
  cause?: unknown,
): AssayError =>
  new AssayError(`ENGINE_PROGRAM_${fault.toUpperCase()}`, `${place}: ${message}`, {
    remedy: remedies[fault],
    details: { place },
    cause,
  });
