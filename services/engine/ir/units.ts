/**
 * Work units: the market's measure of a program, computed from the program alone and the same for everyone.
 * One op costs `weight · elements · terms`, the evaluations of its primitive, plus `WORD_WEIGHT` for every 4-byte word
 * moved: its output once, and of each tensor it reads (rows tables too) what it touches,
 * at most the whole tensor and at most one word an evaluation.
 */
import { primitiveAt, WORD_WEIGHT } from "./primitives.ts";
import { elements, terms } from "./shape.ts";
import type { Op, Operand, OpList, Program, Source, TensorType } from "./types.ts";

export interface WorkUnits {
  readonly init: bigint;
  /** One step. */
  readonly step: bigint;
  readonly eval: bigint;
}

/** The tensor a source reads, or undefined for a source without memory. */
function sourceType(program: Program, list: OpList, source: Source): TensorType | undefined {
  if (source.kind === "value") return program[list][source.index]?.out;
  if (source.kind === "state" || source.kind === "data" || source.kind === "parent") {
    return program[source.kind][source.index];
  }
  return undefined;
}

function operandWords(
  program: Program,
  list: OpList,
  operand: Operand,
  evaluations: bigint,
): bigint {
  const sources =
    operand.indirection === null ? [operand.source] : [operand.source, operand.indirection.source];
  let words = 0n;
  for (const source of sources) {
    const tensor = sourceType(program, list, source);
    if (tensor === undefined) continue;
    const size = BigInt(elements(tensor.shape));
    words += size < evaluations ? size : evaluations;
  }
  return words;
}

function opUnits(program: Program, list: OpList, op: Op): bigint {
  const weight = BigInt(primitiveAt(op.opcode)?.weight ?? 0);
  const outputs = BigInt(elements(op.out.shape));
  const evaluations = outputs * BigInt(terms(op));
  const words = op.operands.reduce(
    (sum, operand) => sum + operandWords(program, list, operand, evaluations),
    outputs,
  );
  return weight * evaluations + BigInt(WORD_WEIGHT) * words;
}

const listUnits = (program: Program, list: OpList): bigint =>
  program[list].reduce((sum, op) => sum + opUnits(program, list, op), 0n);

/** Work units of each op list, exactly. */
export const workUnits = (program: Program): WorkUnits => ({
  init: listUnits(program, "init"),
  step: listUnits(program, "step"),
  eval: listUnits(program, "eval"),
});

/**
 * Units of a run from `startStep` up to `step`: init when it starts at 0, every step between, and `eval` when it
 * reaches the last step.
 */
export function unitsUpTo(program: Program, startStep: number, step: number): bigint {
  const units = workUnits(program);
  const first = startStep === 0 ? units.init : 0n;
  const last = step >= program.steps ? units.eval : 0n;
  return first + units.step * BigInt(step - startStep) + last;
}
