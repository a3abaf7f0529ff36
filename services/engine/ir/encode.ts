/**
 * The canonical encoding: the bytes that a program's root commits to. All numbers are big-endian. Names are not
 * committed. `decode.ts` is its inverse.
 */
import { ByteWriter } from "./bytes.ts";
import {
  type Affine,
  DTYPE,
  type Op,
  type Operand,
  type Program,
  SOURCE,
  type Source,
  type TensorType,
} from "./types.ts";

/** Numerics version `f32-1` in the header. */
export const NUMERICS = 1;
export const FORM = { map: 0, fold: 1 } as const;
/** Bit 0 of a state tensor's flags. */
export const FLAG_PARAMETER = 1;

function writeShape(to: ByteWriter, shape: readonly number[]): void {
  to.u8(shape.length);
  for (const dimension of shape) to.u32(dimension);
}

function writeType(to: ByteWriter, type: TensorType): void {
  to.u8(DTYPE[type.dtype]);
  writeShape(to, type.shape);
}

function writeAffine(to: ByteWriter, affine: Affine): void {
  to.u32(affine.offset);
  for (const stride of affine.strides) to.u32(stride);
}

function writeSource(to: ByteWriter, source: Source): void {
  to.u8(SOURCE[source.kind]);
  if (source.kind === "immediate") to.u32(source.bits).u8(DTYPE[source.dtype]);
  else to.u32("index" in source ? source.index : 0);
}

function writeOperand(to: ByteWriter, operand: Operand): void {
  writeSource(to, operand.source);
  writeAffine(to, operand);
  to.u8(operand.guards.length);
  for (const guard of operand.guards) {
    writeAffine(to, guard);
    to.u32(guard.limit);
  }
  const { indirection } = operand;
  to.u8(indirection === null ? 0 : 1);
  if (indirection === null) return;
  writeSource(to, indirection.source);
  writeAffine(to, indirection);
  to.u32(indirection.rowStride).u32(indirection.limit);
}

/**
 * `form u8, opcode u8, dtype u8, shape; fold: shape of the reduction, initial u32; operand count u8, operands`. A shape is
 * `rank u8, dims u32…`; an affine is `offset i32, strides i32…`; an operand is `kind u8, index or bits u32, immediates:
 * dtype u8, affine, guard count u8, guards (affine, limit u32), has-indirection u8, indirection (kind u8, index u32,
 * affine, rowStride i32, limit u32)`.
 */
export function encodeOp(op: Op): Uint8Array {
  const to = new ByteWriter();
  to.u8(FORM[op.form]).u8(op.opcode);
  writeType(to, op.out);
  if (op.form === "fold") {
    writeShape(to, op.reduction);
    to.u32(op.initial);
  }
  to.u8(op.operands.length);
  for (const operand of op.operands) writeOperand(to, operand);
  return to.finish();
}

/** Length of {@link encodeOp} in bytes. */
export const encodedOpBytes = (op: Op): number => encodeOp(op).length;

/**
 * `numerics u16, steps u32, interval u32, nInit u16, nStep u16, nEval u16, nData u16, (dtype u8, shape) each, nParent
 * u16, the same, nState u16, (dtype u8, shape, flags u8, initOp u16, stepOp u16) each, nOutputs u16, op u16 each`.
 */
export function encodeHeader(program: Program): Uint8Array {
  const to = new ByteWriter();
  to.u16(NUMERICS).u32(program.steps).u32(program.interval);
  to.u16(program.init.length).u16(program.step.length).u16(program.eval.length);
  for (const tensors of [program.data, program.parent]) {
    to.u16(tensors.length);
    for (const tensor of tensors) writeType(to, tensor);
  }
  to.u16(program.state.length);
  for (const tensor of program.state) {
    writeType(to, tensor);
    to.u8(tensor.parameter ? FLAG_PARAMETER : 0)
      .u16(tensor.initOp)
      .u16(tensor.stepOp);
  }
  to.u16(program.outputs.length);
  for (const output of program.outputs) to.u16(output.op);
  return to.finish();
}
