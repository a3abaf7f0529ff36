/** The static checker: a program that passes can be run by every back end and judged by the referee, operation by operation. */
import { checkOp, type Scope } from "./check-op.ts";
import { encodedOpBytes } from "./encode.ts";
import { programFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { elements, sameShape } from "./shape.ts";
import {
  type NamedTensor,
  type Op,
  type OpList,
  type Program,
  type TensorType,
  UNCHANGED,
} from "./types.ts";
import { workUnits } from "./units.ts";

/** Throws a `programFault` when `value` is not an integer of `[minimum, maximum]`. */
function within(place: string, value: number, minimum: number, maximum: number): void {
  if (!Number.isInteger(value))
    throw programFault("structure", place, `${value} is not an integer`);
  if (value < minimum || value > maximum) {
    throw programFault("limit", place, `${value} is outside ${minimum} to ${maximum}`);
  }
}

function checkType(place: string, type: TensorType, most: number = LIMITS.elements): void {
  within(`${place}.shape.length`, type.shape.length, 0, LIMITS.rank);
  type.shape.forEach((dimension, d) => within(`${place}.shape[${d}]`, dimension, 1, most));
  within(`${place}.shape`, elements(type.shape), 1, most);
}

function checkNames(place: string, items: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  items.forEach(({ name }, i) => {
    if (name.length === 0 || name.length > 256) {
      throw programFault("structure", `${place}[${i}].name`, "a name has 1 to 256 characters");
    }
    if (seen.has(name))
      throw programFault("structure", `${place}[${i}].name`, `"${name}" is taken`);
    seen.add(name);
  });
}

function checkTensors(
  place: string,
  tensors: readonly NamedTensor[],
  limit: number,
  most?: number,
): void {
  within(`${place}.length`, tensors.length, 0, limit);
  checkNames(place, tensors);
  tensors.forEach((tensor, i) => checkType(`${place}[${i}]`, tensor, most));
}

function checkResult(place: string, ops: readonly Op[], index: number, type: TensorType): void {
  const op = ops[index];
  if (op === undefined)
    throw programFault("source", place, `there is no op ${index}, the list has ${ops.length}`);
  if (op.out.dtype !== type.dtype || !sameShape(op.out.shape, type.shape)) {
    const [is, wants] = [op.out, type].map((t) => `${t.dtype}[${t.shape.join(",")}]`);
    throw programFault("type", place, `op ${index} gives ${is}, not ${wants}`);
  }
}

function checkState(program: Program): void {
  checkTensors("state", program.state, LIMITS.stateTensors);
  if (program.state.length === 0)
    throw programFault("structure", "state", "a program keeps at least one state tensor");
  if (!program.state.some(({ parameter }) => parameter))
    throw programFault("structure", "state", "a program gives a model: one parameter at least");
  const bytes = program.state.reduce((sum, tensor) => sum + 4 * elements(tensor.shape), 0);
  within("state", bytes, 1, LIMITS.stateBytes);
  program.state.forEach((tensor, i) => {
    checkResult(`state[${i}].initOp`, program.init, tensor.initOp, tensor);
    if (tensor.stepOp !== UNCHANGED)
      checkResult(`state[${i}].stepOp`, program.step, tensor.stepOp, tensor);
  });
}

function checkList(program: Program, list: OpList): void {
  const ops = program[list];
  within(`${list}.length`, ops.length, 0, LIMITS.ops);
  const types = ops.map((op) => op.out);
  ops.forEach((op, index) => {
    const place = `${list}[${index}]`;
    checkType(`${place}.out`, op.out);
    if (op.form === "fold") {
      within(`${place}.reduction.length`, op.reduction.length, 0, LIMITS.rank);
      op.reduction.forEach((size, d) =>
        within(`${place}.reduction[${d}]`, size, 1, LIMITS.foldTerms),
      );
      within(`${place}.reduction`, elements(op.reduction), 1, LIMITS.foldTerms);
      within(`${place}.initial`, op.initial, 0, 0xffffffff);
    }
    const scope: Scope = {
      value: types.slice(0, index),
      state: list === "init" ? [] : program.state,
      data: program.data,
      parent: program.parent,
    };
    checkOp(place, op, scope);
    within(`${place} encoding`, encodedOpBytes(op), 1, LIMITS.opBytes);
  });
}

function checkUnits(program: Program): void {
  const units = workUnits(program);
  const limit = BigInt(LIMITS.intervalUnits);
  const parts = { init: units.init, step: units.step * BigInt(program.interval), eval: units.eval };
  for (const [part, value] of Object.entries(parts)) {
    if (value <= limit) continue;
    throw programFault(
      "limit",
      part,
      `${value} work units${part === "step" ? " an interval" : ""}, at most ${limit}`,
    );
  }
}

/**
 * Checks shapes, types, sources, accesses and hard limits. Throws an AssayError whose code is `ENGINE_PROGRAM_STRUCTURE`,
 * `_LIMIT`, `_TYPE`, `_SOURCE` or `_ACCESS`, with the place (`step[12].operands[1]`) in message and details.
 */
export function checkProgram(program: Program): void {
  if (program.numerics !== "f32-1") {
    throw programFault(
      "structure",
      "numerics",
      `this engine computes "f32-1", not "${String(program.numerics)}"`,
    );
  }
  within("steps", program.steps, 1, LIMITS.steps);
  within("interval", program.interval, 1, LIMITS.steps);
  within("interval", Math.ceil(program.steps / program.interval), 1, LIMITS.checkpoints);
  checkTensors("data", program.data, LIMITS.dataTensors, LIMITS.dataElements);
  checkTensors("parent", program.parent, LIMITS.stateTensors);
  for (const list of ["init", "step", "eval"] as const) checkList(program, list);
  checkState(program);
  within("outputs.length", program.outputs.length, 0, LIMITS.outputs);
  checkNames("outputs", program.outputs);
  program.outputs.forEach((output, i) => {
    if (program.eval[output.op] === undefined) {
      throw programFault("source", `outputs[${i}].op`, `there is no eval op ${output.op}`);
    }
  });
  checkUnits(program);
}
