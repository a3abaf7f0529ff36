import { primitiveAt, type PrimitiveName } from "../ir/primitives.ts";
import {
  UNCHANGED,
  type DType,
  type Op,
  type OpList,
  type Program,
  type Shape,
} from "../ir/types.ts";
import { analyse, bufferKey, type Access, type TensorOf } from "./access.ts";
import { elements } from "../ir/shape.ts";
import { buffersOf } from "./reader.ts";

/** An op whose operands went through the analysis. */
export interface LoweredOp {
  /** Index in its list. */
  readonly index: number;
  readonly name: PrimitiveName;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Null for a map. */
  readonly reduction: Shape | null;
  readonly initial: number;
  readonly accesses: readonly Access[];
}

/** Tensor types that buffer sources of one list refer to. */
export const tensorsOf = (program: Program, list: readonly Op[]): TensorOf => {
  return ({ kind, index }) => {
    const type =
      kind === "value"
        ? list[index]?.out
        : kind === "state"
          ? program.state[index]
          : kind === "data"
            ? program.data[index]
            : program.parent[index];
    if (type === undefined) throw new Error(`no ${kind} tensor ${String(index)}`);
    return { elements: elements(type.shape), dtype: type.dtype };
  };
};

/** Ops of a list whose outputs outlive it: next states or evaluation outputs. */
export const resultsOf = (program: Program, list: OpList): number[] => {
  if (list === "init") return program.state.map((s) => s.initOp);
  if (list === "step") return program.state.map((s) => s.stepOp).filter((op) => op !== UNCHANGED);
  return program.outputs.map((o) => o.op);
};

/** Analyses a list's ops and leaves out those that nothing needs. */
export const lower = (program: Program, list: OpList): LoweredOp[] => {
  const ops = program[list];
  const tensorOf = tensorsOf(program, ops);
  const lowered = ops.map((op, index): LoweredOp => {
    const primitive = primitiveAt(op.opcode);
    if (primitive === undefined)
      throw new Error(`no primitive has the opcode ${String(op.opcode)}`);
    const extents = op.form === "fold" ? [...op.out.shape, ...op.reduction] : op.out.shape;
    return {
      index,
      name: primitive.name,
      dtype: op.out.dtype,
      shape: op.out.shape,
      reduction: op.form === "fold" ? op.reduction : null,
      initial: op.form === "fold" ? op.initial >>> 0 : 0,
      accesses: op.operands.map((operand) => analyse(operand, extents, tensorOf)),
    };
  });
  const live = new Set(resultsOf(program, list));
  for (const op of lowered.toReversed()) {
    if (live.has(op.index)) for (const dependency of dependenciesOf(op)) live.add(dependency);
  }
  return lowered.filter((op) => live.has(op.index));
};

/** Indices of the ops of the same list that an op reads. */
export const dependenciesOf = (op: LoweredOp): number[] => {
  const found = new Map<string, number>();
  for (const access of op.accesses) {
    for (const buffer of buffersOf(access))
      if (buffer.kind === "value") found.set(bufferKey(buffer), buffer.index);
  }
  return [...found.values()];
};
