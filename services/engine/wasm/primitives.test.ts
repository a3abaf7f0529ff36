import { describe, it } from "node:test";
import { type Primitive, primitive, PRIMITIVES } from "../ir/primitives.ts";
import type { DType, NamedTensor, Op, Operand, Program } from "../ir/types.ts";
import { UNCHANGED } from "../ir/types.ts";
import { assertSameBits } from "../testing/compare.ts";
import { wasmBackend } from "./backend.ts";

/** Zeros, subnormals, neighbours of one, ties, limits of i32, extremes, infinities, NaN with signs and payloads. */
const FLOATS = [
  0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x80800000, 0x3f800000,
  0xbf800000, 0x3f7fffff, 0x3f800001, 0x33800000, 0x4b000001, 0x4effffff, 0x4f000000, 0xcf000000,
  0xcf000001, 0x1fb504f3, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
  0x7f800001, 0xffabcdef,
];
const INTEGERS = [
  0, 1, 2, 3, 5, 31, 32, 33, 100, 0xffff, 0x10000, 0x00ffffff, 0x01000001, 0x7ffffffe, 0x7fffffff,
  0x80000000, 0x80000001, 0xffff0000, 0xffffffe0, 0xfffffffe, 0xffffffff, 0x7fc00000, 0x7f800001,
  0xffc00001,
];

const valuesOf = (dtype: DType): readonly number[] => (dtype === "f32" ? FLOATS : INTEGERS);

/** How four neighbouring elements reach the code: as a vector, gathered, or one at a time. */
const LAYOUTS = ["contiguous", "backwards", "narrow"] as const;

/** Every combination of hostile operands of one primitive, for results of one type. */
const caseOf = (of: Primitive, any: DType, layout: (typeof LAYOUTS)[number]) => {
  const types = of.operands.map((type) => (type === "any" ? any : type));
  const dtype = of.result === "any" ? any : of.result;
  const lists = types.map(valuesOf);
  const count = lists.reduce((product, list) => product * list.length, 1);
  const width = layout === "narrow" ? 2 : 1;
  const shape = layout === "narrow" ? [count, width] : [count];
  const data: NamedTensor[] = types.map((type, k) => ({
    name: `x${k}`,
    dtype: type,
    shape: [count],
  }));
  const words = lists.map((list, k) => {
    const repeat = lists.slice(k + 1).reduce((product, later) => product * later.length, 1);
    return Uint32Array.from(
      { length: count },
      (_, i) => list[Math.floor(i / repeat) % list.length] as number,
    );
  });
  const operands = types.map((_, index): Operand => {
    const source = { kind: "data" as const, index };
    const access =
      layout === "backwards"
        ? { offset: count - 1, strides: [-1] }
        : { offset: 0, strides: layout === "narrow" ? [1, 0] : [1] };
    return { source, ...access, guards: [], indirection: null };
  });
  const op: Op =
    of.form === "map"
      ? { form: "map", opcode: of.opcode, out: { dtype, shape }, operands }
      : {
          form: "fold",
          opcode: of.opcode,
          out: { dtype, shape },
          reduction: [2],
          initial: of.result === "i32" ? 5 : 0x80000000,
          operands: operands.map((o) => ({ ...o, strides: [...o.strides, 0] })),
        };
  const program: Program = {
    numerics: "f32-1",
    steps: 1,
    interval: 1,
    data,
    parent: [],
    state: [{ name: "out", dtype, shape, parameter: true, initOp: 0, stepOp: UNCHANGED }],
    init: [op],
    step: [],
    eval: [],
    outputs: [],
  };
  return { program, inputs: { data: words, parent: [], seed: 0x0123456789abcdefn } };
};

describe("primitives on hostile operands", () => {
  for (const each of PRIMITIVES) {
    it(`${each.name} gives the reference's bits`, async () => {
      const polymorphic = each.result === "any";
      for (const any of polymorphic ? (["f32", "i32"] as const) : (["f32"] as const)) {
        for (const layout of LAYOUTS) {
          const { program, inputs } = caseOf(each, any, layout);
          await assertSameBits(wasmBackend, program, inputs, `${each.name} ${any} ${layout}`, 1);
        }
      }
    });
  }
});

describe("min and max with a constant", () => {
  for (const name of ["min", "max"] as const) {
    it(`${name} gives the reference's bits for every hostile constant on either side`, async () => {
      for (const bits of FLOATS) {
        for (const side of [0, 1]) {
          const { program, inputs } = caseOf(primitive(name), "f32", "contiguous");
          const constant: Operand = {
            source: { kind: "immediate", bits, dtype: "f32" },
            offset: 0,
            strides: [0],
            guards: [],
            indirection: null,
          };
          const init = program.init.map((op) => ({
            ...op,
            operands: op.operands.map((o, k) => (k === side ? constant : o)),
          }));
          const what = `${name} with ${bits.toString(16)} as operand ${side}`;
          await assertSameBits(wasmBackend, { ...program, init }, inputs, what, 1);
        }
      }
    });
  }
});
