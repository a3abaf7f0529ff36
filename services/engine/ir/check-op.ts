/** Checks of one op: its primitive, the types and sources of its operands, and where their accesses can go. */
import { programFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { primitiveAt } from "./primitives.ts";
import { coordinates, elements } from "./shape.ts";
import type { Affine, DType, Op, Operand, Shape, TensorType } from "./types.ts";

const I32_MIN = -(2 ** 31);
const I32_MAX = 2 ** 31 - 1;

/** The tensors an op may read, per kind of source. */
export type Scope = Readonly<Record<"value" | "state" | "data" | "parent", readonly TensorType[]>>;

interface Range {
  readonly low: number;
  readonly high: number;
}

const isI32 = (value: number): boolean =>
  Number.isInteger(value) && value >= I32_MIN && value <= I32_MAX;

/** Least and greatest value over all coordinates; throws unless both are i32 and there is a stride per coordinate. */
function affineRange(place: string, affine: Affine, sizes: Shape): Range {
  if (affine.strides.length !== sizes.length) {
    throw programFault(
      "structure",
      place,
      `${affine.strides.length} strides for ${sizes.length} coordinates`,
    );
  }
  if (![affine.offset, ...affine.strides].every(isI32)) {
    throw programFault("structure", place, "offset and strides are 32-bit integers");
  }
  let low = affine.offset;
  let high = affine.offset;
  affine.strides.forEach((stride, d) => {
    const reach = stride * ((sizes[d] as number) - 1);
    if (reach < 0) low += reach;
    else high += reach;
  });
  if (low < I32_MIN || high > I32_MAX) {
    throw programFault("access", place, `runs from ${low} to ${high}, beyond 32 bits`);
  }
  return { low, high };
}

function checkLimit(place: string, limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > I32_MAX) {
    throw programFault(
      "structure",
      `${place}.limit`,
      `${limit} is not an integer from 1 to ${I32_MAX}`,
    );
  }
}

/** The tensor a memory source names; throws when there is none. */
function lookUp(
  place: string,
  source: { kind: keyof Scope; index: number },
  scope: Scope,
): TensorType {
  const tensor = scope[source.kind][source.index];
  if (tensor !== undefined) return tensor;
  const count = scope[source.kind].length;
  const what = source.kind === "value" ? `${count} earlier ops` : `${count} ${source.kind} tensors`;
  throw programFault(
    "source",
    `${place}.source`,
    `${source.kind} ${source.index} is not there: ${what} to choose from`,
  );
}

/** Range of the address that the indirection adds, and whether it can fail and so guards the access. */
function checkIndirection(
  place: string,
  operand: Operand,
  sizes: Shape,
  scope: Scope,
  guarded: boolean,
): Range {
  const { indirection } = operand;
  if (indirection === null) return { low: 0, high: 0 };
  const here = `${place}.indirection`;
  const table = lookUp(here, indirection.source, scope);
  if (table.dtype !== "i32")
    throw programFault("type", `${here}.source`, "rows are picked by an i32 tensor");
  checkLimit(here, indirection.limit);
  if (!isI32(indirection.rowStride))
    throw programFault("structure", `${here}.rowStride`, "is a 32-bit integer");
  const range = affineRange(here, indirection, sizes);
  const size = elements(table.shape);
  if (!guarded && (range.low < 0 || range.high >= size)) {
    throw programFault(
      "access",
      here,
      `reads ${range.low} to ${range.high} of ${size} elements without a guard`,
    );
  }
  const reach = indirection.rowStride * (indirection.limit - 1);
  return { low: Math.min(0, reach), high: Math.max(0, reach) };
}

function checkOperand(place: string, operand: Operand, sizes: Shape, scope: Scope): DType {
  const { source } = operand;
  const range = affineRange(place, operand, sizes);
  if (operand.guards.length > LIMITS.guards) {
    throw programFault(
      "limit",
      `${place}.guards`,
      `${operand.guards.length} guards, at most ${LIMITS.guards}`,
    );
  }
  operand.guards.forEach((guard, g) => {
    checkLimit(`${place}.guards[${g}]`, guard.limit);
    affineRange(`${place}.guards[${g}]`, guard, sizes);
  });
  if (source.kind === "immediate" || source.kind === "step" || source.kind === "index") {
    if (operand.indirection !== null) {
      throw programFault(
        "access",
        `${place}.indirection`,
        `a source of kind ${source.kind} has no rows to pick`,
      );
    }
    if (source.kind === "index") return "i32";
    if (operand.offset !== 0 || operand.strides.some((stride) => stride !== 0)) {
      throw programFault(
        "access",
        place,
        `a source of kind ${source.kind} has offset 0 and strides 0`,
      );
    }
    if (source.kind === "step") return "i32";
    if (!Number.isInteger(source.bits) || source.bits < 0 || source.bits > 0xffffffff) {
      throw programFault("structure", `${place}.source.bits`, `${source.bits} is not 32 bits`);
    }
    return source.dtype;
  }
  const tensor = lookUp(place, source, scope);
  const rows = checkIndirection(place, operand, sizes, scope, operand.guards.length > 0);
  const [low, high] = [range.low + rows.low, range.high + rows.high];
  if (low < I32_MIN || high > I32_MAX) {
    throw programFault("access", place, `runs from ${low} to ${high}, beyond 32 bits`);
  }
  const size = elements(tensor.shape);
  const free = operand.guards.length > 0 || operand.indirection !== null;
  if (!free && (low < 0 || high >= size)) {
    throw programFault(
      "access",
      place,
      `reads ${low} to ${high} of ${size} elements without a guard`,
    );
  }
  return tensor.dtype;
}

/** Checks one op whose own shapes are already within the limits. Throws as `checkProgram` does. */
export function checkOp(place: string, op: Op, scope: Scope): void {
  const primitive = primitiveAt(op.opcode);
  if (primitive === undefined || primitive.form !== op.form) {
    throw programFault("type", `${place}.opcode`, `there is no ${op.form} primitive ${op.opcode}`);
  }
  const { dtype } = op.out;
  if (primitive.result !== "any" && primitive.result !== dtype) {
    throw programFault(
      "type",
      `${place}.out`,
      `${primitive.name} gives ${primitive.result}, not ${dtype}`,
    );
  }
  if (op.operands.length !== primitive.operands.length) {
    const wants = primitive.operands.length;
    throw programFault(
      "type",
      `${place}.operands`,
      `${primitive.name} takes ${wants}, not ${op.operands.length}`,
    );
  }
  const sizes = coordinates(op);
  op.operands.forEach((operand, k) => {
    const here = `${place}.operands[${k}]`;
    const declared = primitive.operands[k] as DType | "any";
    const wants = declared === "any" ? dtype : declared;
    const is = checkOperand(here, operand, sizes, scope);
    if (is !== wants)
      throw programFault("type", here, `operand ${k} of ${primitive.name} is ${wants}, not ${is}`);
  });
}
