/** A program of forty steps in twenty intervals, run as it should be, and with one wrong bit after the sixth step. */
import { smallProgram } from "./programs.ts";
import { type Fault, Run } from "./run.ts";

export const { program, inputs } = smallProgram(40, 2);
export const honest = new Run(program, inputs);
const WRONG: Fault = { kind: "op", list: "step", step: 5, op: 0, element: 0, flip: 1 };
export const wrong = new Run(program, inputs, WRONG);
