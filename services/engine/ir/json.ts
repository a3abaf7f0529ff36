/**
 * `program.json`: the file of a program that a requester uploads. It says the same as the canonical encoding, plus
 * the names; primitives go by name, and empty guards, absent indirections, zero offsets and zero strides are left out.
 */
import { z } from "zod";
import { checkProgram } from "./check.ts";
import { programFault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import { type Primitive, primitiveAt, PRIMITIVES } from "./primitives.ts";
import type { Affine, Op, Operand, Program, Source } from "./types.ts";

/** First member of the file: which format this is. */
export const PROGRAM_FORMAT = "assay-program/1";

const u32 = z.int().min(0).max(0xffffffff);
const u16 = z.int().min(0).max(0xffff);
const i32 = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);
const dtype = z.enum(["f32", "i32"]);
const shape = z.array(u32).max(LIMITS.rank);
const affine = {
  offset: i32.default(0),
  strides: z
    .array(i32)
    .max(2 * LIMITS.rank)
    .optional(),
};

const memory = z.strictObject({ kind: z.enum(["value", "state", "data", "parent"]), index: u16 });
const source = z.discriminatedUnion("kind", [
  memory,
  z.strictObject({ kind: z.literal("immediate"), bits: u32, dtype }),
  z.strictObject({ kind: z.enum(["step", "index"]) }),
]);
const guard = z.strictObject({ ...affine, limit: u32 });
const indirection = z.strictObject({ ...affine, source: memory, rowStride: i32, limit: u32 });
const operand = z.strictObject({
  ...affine,
  source,
  guards: z.array(guard).max(LIMITS.guards).optional(),
  indirection: indirection.optional(),
});
const op = z.strictObject({
  op: z.enum(PRIMITIVES.map((primitive) => primitive.name)),
  dtype,
  shape,
  /** Folds only. */
  reduction: shape.optional(),
  initial: u32.optional(),
  operands: z.array(operand).max(LIMITS.operands),
});
const ops = z.array(op).max(LIMITS.ops);
const tensor = { name: z.string(), dtype, shape };

/** The schema of the file. */
export const programSchema = z.strictObject({
  format: z.literal(PROGRAM_FORMAT),
  numerics: z.literal("f32-1"),
  steps: u32,
  interval: u32,
  data: z.array(z.strictObject(tensor)).max(LIMITS.dataTensors),
  parent: z.array(z.strictObject(tensor)).max(LIMITS.stateTensors),
  state: z
    .array(z.strictObject({ ...tensor, parameter: z.boolean(), initOp: u16, stepOp: u16 }))
    .max(LIMITS.stateTensors),
  init: ops,
  step: ops,
  eval: ops,
  outputs: z.array(z.strictObject({ name: z.string(), op: u16 })).max(LIMITS.outputs),
});

export type ProgramJson = z.input<typeof programSchema>;
type OpJson = ProgramJson["init"][number];
type OperandJson = OpJson["operands"][number];

const byName = new Map<string, Primitive>(
  PRIMITIVES.map((primitive) => [primitive.name, primitive]),
);

const affineJson = ({ offset, strides }: Affine) => ({
  ...(offset === 0 ? {} : { offset }),
  ...(strides.every((stride) => stride === 0) ? {} : { strides: [...strides] }),
});

function operandJson(from: Operand): OperandJson {
  const { source: reads, guards, indirection: rows } = from;
  return {
    source: reads,
    ...affineJson(from),
    ...(guards.length === 0
      ? {}
      : { guards: guards.map((g) => ({ ...affineJson(g), limit: g.limit })) }),
    ...(rows === null
      ? {}
      : {
          indirection: {
            source: rows.source,
            ...affineJson(rows),
            rowStride: rows.rowStride,
            limit: rows.limit,
          },
        }),
  };
}

const opJson = (from: Op): OpJson => ({
  op: (primitiveAt(from.opcode) as Primitive).name as OpJson["op"],
  dtype: from.out.dtype,
  shape: [...from.out.shape],
  ...(from.form === "fold" ? { reduction: [...from.reduction], initial: from.initial } : {}),
  operands: from.operands.map(operandJson),
});

/** The JSON value of a program that passes `checkProgram`. */
export function programToJson(program: Program): ProgramJson {
  const named = (tensors: Program["data"]) =>
    tensors.map(({ name, dtype: type, shape: sizes }) => ({
      name,
      dtype: type,
      shape: [...sizes],
    }));
  return {
    format: PROGRAM_FORMAT,
    numerics: program.numerics,
    steps: program.steps,
    interval: program.interval,
    data: named(program.data),
    parent: named(program.parent),
    state: program.state.map(({ name, dtype: type, shape: sizes, parameter, initOp, stepOp }) => ({
      name,
      dtype: type,
      shape: [...sizes],
      parameter,
      initOp,
      stepOp,
    })),
    init: program.init.map(opJson),
    step: program.step.map(opJson),
    eval: program.eval.map(opJson),
    outputs: program.outputs.map(({ name, op: index }) => ({ name, op: index })),
  };
}

interface ParsedAffine {
  readonly offset: number;
  readonly strides?: number[] | undefined;
}

function opFrom(place: string, json: z.output<typeof op>): Op {
  const primitive = byName.get(json.op) as Primitive;
  const rank = json.shape.length + (json.reduction?.length ?? 0);
  const affineFrom = (from: ParsedAffine): Affine => ({
    offset: from.offset,
    strides: from.strides ?? Array.from({ length: rank }, () => 0),
  });
  const operands = json.operands.map((from): Operand => ({
    source: from.source as Source,
    ...affineFrom(from),
    guards: (from.guards ?? []).map((g) => ({ ...affineFrom(g), limit: g.limit })),
    indirection:
      from.indirection === undefined
        ? null
        : {
            ...affineFrom(from.indirection),
            source: from.indirection.source,
            rowStride: from.indirection.rowStride,
            limit: from.indirection.limit,
          },
  }));
  const common = {
    opcode: primitive.opcode,
    out: { dtype: json.dtype, shape: json.shape },
    operands,
  };
  const isFold = json.reduction !== undefined && json.initial !== undefined;
  if (
    isFold !== (primitive.form === "fold") ||
    (json.reduction === undefined) !== (json.initial === undefined)
  ) {
    throw programFault(
      "structure",
      place,
      "reduction and initial belong to every fold, and to no map",
    );
  }
  if (json.reduction === undefined || json.initial === undefined) return { form: "map", ...common };
  return { form: "fold", ...common, reduction: json.reduction, initial: json.initial };
}

/** `step[12].operands[1]` from the path of a schema issue. */
const placeOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "") || "program";

/**
 * A checked program from a JSON value. Throws ENGINE_PROGRAM_STRUCTURE for what is not a program file, and all that
 * `checkProgram` throws, with the place.
 */
export function programFromJson(value: unknown): Program {
  const parsed = programSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw programFault(
      "structure",
      placeOf(issue?.path ?? []),
      issue?.message ?? "is not a program",
      parsed.error,
    );
  }
  const { format: _, ...json } = parsed.data;
  const list = (name: "init" | "step" | "eval") =>
    json[name].map((item, i) => opFrom(`${name}[${i}]`, item));
  const program: Program = { ...json, init: list("init"), step: list("step"), eval: list("eval") };
  checkProgram(program);
  return program;
}

/** A checked program from the text of `program.json`. Throws as {@link programFromJson}. */
export function parseProgram(text: string): Program {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw programFault("structure", "program", "is not JSON", cause);
  }
  return programFromJson(value);
}

/** The text of `program.json`. */
export const printProgram = (program: Program): string =>
  `${JSON.stringify(programToJson(program))}\n`;
