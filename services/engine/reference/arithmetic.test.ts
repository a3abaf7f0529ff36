import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { primitive, type PrimitiveName } from "../ir/primitives.ts";
import type { Op } from "../ir/types.ts";
import { scalarStep } from "./scalar.ts";

const NAN = 0x7fc00000;
const INF = 0x7f800000;
const NEGATIVE_INF = 0xff800000;
const ONE = 0x3f800000;
const MINUS_ZERO = 0x80000000;
const MIN = 0x80000000;
const MAX = 0x7fffffff;

/** Bits of a primitive on bits. */
function run(
  name: PrimitiveName,
  operands: readonly number[],
  acc = 0,
  dtype: "f32" | "i32" = "f32",
): number {
  const { opcode, form, result } = primitive(name);
  const out = { dtype: result === "any" ? dtype : result, shape: [] };
  const op: Op =
    form === "map"
      ? { form, opcode, out, operands: [] }
      : { form, opcode, out, operands: [], reduction: [], initial: 0 };
  return scalarStep(op, acc, operands, 0n);
}

/** Name, operands, expected bits. */
const maps: [PrimitiveName, number[], number][] = [
  // Ties go to even: 1 + 2⁻²⁴ is 1, (1 + 2⁻²³) + 2⁻²⁴ rounds up.
  ["add", [ONE, 0x33800000], ONE],
  ["add", [0x3f800001, 0x33800000], 0x3f800002],
  ["add", [INF, NEGATIVE_INF], NAN],
  ["add", [MINUS_ZERO, MINUS_ZERO], MINUS_ZERO],
  ["add", [ONE, 0xbf800000], 0],
  ["sub", [0x00800000, 0x00000001], 0x007fffff],
  ["mul", [0x00000001, 0x3f000000], 0],
  ["mul", [0x00000003, 0x3f000000], 0x00000002],
  ["mul", [0x7f7fffff, 0x40000000], INF],
  ["mul", [MINUS_ZERO, ONE], MINUS_ZERO],
  ["mul", [0, INF], NAN],
  ["div", [ONE, 0x40400000], 0x3eaaaaab],
  ["div", [ONE, MINUS_ZERO], NEGATIVE_INF],
  ["div", [0, 0], NAN],
  ["sqrt", [0x40000000], 0x3fb504f3],
  ["sqrt", [MINUS_ZERO], MINUS_ZERO],
  ["sqrt", [0xbf800000], NAN],
  ["min", [0, MINUS_ZERO], MINUS_ZERO],
  ["max", [MINUS_ZERO, 0], 0],
  ["min", [ONE, 0xffc12345], NAN],
  ["max", [0x7f800001, INF], NAN],
  ["neg", [0xff812345], NAN],
  ["neg", [0], MINUS_ZERO],
  ["abs", [0xffc00000], NAN],
  ["abs", [0x80000001], 1],
  ["copy", [0xffc00001], NAN],
  ["lt", [MINUS_ZERO, 0], 0],
  ["le", [MINUS_ZERO, 0], 1],
  ["eq", [MINUS_ZERO, 0], 1],
  ["eq", [NAN, NAN], 0],
  ["le", [NAN, ONE], 0],
  ["select", [MIN, 0xffc00001, ONE], NAN],
  ["select", [0, NAN, MINUS_ZERO], MINUS_ZERO],
  ["f32ToI32", [NAN], 0],
  ["f32ToI32", [0x4f000000], MAX],
  ["f32ToI32", [NEGATIVE_INF], MIN],
  ["f32ToI32", [0xbff33333], 0xffffffff],
  ["f32ToI32", [0xbf7fffff], 0],
  ["i32ToF32", [0x01000001], 0x4b800000],
  ["i32ToF32", [0x01000003], 0x4b800002],
  ["i32ToF32", [MIN], 0xcf000000],
  ["bitsOf", [0xff812345], NAN],
  ["bitsOf", [MINUS_ZERO], MIN],
  ["fromBits", [0xffffffff], NAN],
  ["fromBits", [1], 1],
  ["iadd", [MAX, 1], MIN],
  ["isub", [MIN, 1], MAX],
  ["imul", [0x10001, 0x10001], 0x20001],
  ["idiv", [MIN, 0xffffffff], MIN],
  ["idiv", [0xfffffff9, 2], 0xfffffffd],
  ["idiv", [5, 0], 0],
  ["irem", [MIN, 0xffffffff], 0],
  ["irem", [0xfffffff9, 2], 0xffffffff],
  ["irem", [5, 0], 5],
  ["shl", [1, 33], 2],
  ["shrS", [MIN, 31], 0xffffffff],
  ["shrU", [MIN, 63], 1],
  ["ilt", [0xffffffff, 0], 1],
  ["ieq", [MIN, MIN], 1],
];

describe("primitives", () => {
  it("give the bits of the table at the edges", () => {
    for (const [name, operands, bits] of maps) {
      const text = operands.map((value) => value.toString(16)).join(", ");
      assert.equal(run(name, operands).toString(16), bits.toString(16), `${name}(${text})`);
    }
  });

  it("keep integer bits that would be NaN as f32", () => {
    assert.equal(run("copy", [0x7f800001], 0, "i32"), 0x7f800001);
    assert.equal(run("select", [1, 0xffc12345, 0], 0, "i32"), 0xffc12345);
  });

  it("round after the multiply and after the add of mulAdd", () => {
    // (1 + 2⁻¹²)² = 1 + 2⁻¹¹ + 2⁻²⁴; the last bit is lost before −(1 + 2⁻¹¹) is added, so the sum is 0 and not 2⁻²⁴.
    assert.equal(run("mulAdd", [0x3f800800, 0x3f800800], 0xbf801000), 0);
    assert.equal(run("mulAdd", [0, NEGATIVE_INF], ONE), NAN);
  });

  it("fold with NaN, signed zero and wrap-around", () => {
    assert.equal(run("maximum", [NAN], INF), NAN);
    assert.equal(run("maximum", [0], MINUS_ZERO), 0);
    assert.equal(run("minimum", [0], MINUS_ZERO), MINUS_ZERO);
    assert.equal(run("sum", [MINUS_ZERO], MINUS_ZERO), MINUS_ZERO);
    assert.equal(run("isum", [1], MAX), MIN);
  });
});
