import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssayError } from "@assay/protocol/errors";
import { randomProgram } from "../testing/program.ts";
import { checkProgram } from "./check.ts";
import { LIMITS } from "./limits.ts";
import { primitive, type PrimitiveName } from "./primitives.ts";
import type {
  FoldOp,
  Guard,
  Indirection,
  MapOp,
  Op,
  Operand,
  Program,
  Shape,
  Source,
} from "./types.ts";
import { unitsUpTo, workUnits } from "./units.ts";

const operand = (
  source: Source,
  strides: readonly number[],
  more: Partial<Operand> = {},
): Operand => ({
  source,
  offset: 0,
  strides,
  guards: [],
  indirection: null,
  ...more,
});
const state: Source = { kind: "state", index: 0 };
const column: Source = { kind: "data", index: 0 };
const rows: Source = { kind: "data", index: 1 };
const zero: Source = { kind: "immediate", bits: 0, dtype: "f32" };

const map = (name: PrimitiveName, shape: Shape, operands: readonly Operand[]): MapOp => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: { dtype: "f32", shape },
  operands,
});
const fold = (
  name: PrimitiveName,
  shape: Shape,
  reduction: Shape,
  operands: readonly Operand[],
): FoldOp => ({
  ...map(name, shape, operands),
  form: "fold",
  reduction,
  initial: 0,
});

/** One state tensor [2,3], a column [4,3] of f32 and one of five rows; the step adds up columns. */
const base: Program = {
  numerics: "f32-1",
  steps: 10,
  interval: 4,
  data: [
    { name: "x", dtype: "f32", shape: [4, 3] },
    { name: "rows", dtype: "i32", shape: [5] },
  ],
  parent: [],
  state: [{ name: "w", dtype: "f32", shape: [2, 3], parameter: true, initOp: 0, stepOp: 1 }],
  init: [map("copy", [2, 3], [operand(zero, [0, 0])])],
  step: [
    fold("mulAdd", [2, 3], [4], [operand(column, [0, 1, 3]), operand(state, [3, 1, 0])]),
    map("add", [2, 3], [operand({ kind: "value", index: 0 }, [3, 1]), operand(state, [3, 1])]),
  ],
  eval: [fold("sum", [], [2, 3], [operand(state, [3, 1])])],
  outputs: [{ name: "total", op: 0 }],
};

const refuses = (change: Partial<Program>, fault: string, place: string) =>
  assert.throws(
    () => checkProgram({ ...base, ...change }),
    (error) =>
      error instanceof AssayError &&
      error.code === `ENGINE_PROGRAM_${fault}` &&
      error.details["place"] === place,
    `${fault} at ${place}`,
  );
/** With `op` in place of the step's last one. */
const step = (op: Op): Partial<Program> => ({ step: [base.step[0]!, op] });
const copy = (...operands: readonly Operand[]) => step(map("copy", [2, 3], operands));
const guard = (more: Partial<Guard> = {}): Guard => ({
  offset: 0,
  strides: [1, 0],
  limit: 2,
  ...more,
});
const picked = (more: Partial<Indirection> = {}): Indirection => ({
  source: { kind: "data", index: 1 },
  offset: 0,
  strides: [1, 0],
  rowStride: 3,
  limit: 4,
  ...more,
});

describe("program checker", () => {
  it("passes a right program, guards and rows included, and random ones", () => {
    checkProgram(base);
    checkProgram({ ...base, ...copy(operand(column, [6, 1], { guards: [guard()] })) });
    checkProgram({ ...base, ...copy(operand(column, [9, 9], { indirection: picked() })) });
    checkProgram({ ...base, state: [{ ...base.state[0]!, stepOp: 0xffff }] });
    for (let number = 0; number < 200; number++) checkProgram(randomProgram(number).program);
  });

  it("refuses counts and sizes beyond the limits", () => {
    refuses({ steps: 0 }, "LIMIT", "steps");
    refuses({ steps: 1.5 }, "STRUCTURE", "steps");
    refuses({ interval: 0 }, "LIMIT", "interval");
    refuses({ steps: LIMITS.checkpoints * 4 + 1 }, "LIMIT", "interval");
    refuses(
      { data: [{ name: "x", dtype: "f32", shape: [1, 1, 1, 1, 1] }] },
      "LIMIT",
      "data[0].shape.length",
    );
    refuses({ data: [{ name: "x", dtype: "f32", shape: [2, 0] }] }, "LIMIT", "data[0].shape[1]");
    refuses(
      { data: [{ name: "x", dtype: "f32", shape: [2 ** 14, 2 ** 14, 8] }] },
      "LIMIT",
      "data[0].shape",
    );
    checkProgram({
      ...base,
      data: [...base.data, { name: "long", dtype: "f32", shape: [2 ** 31 - 1] }],
    });
    refuses(
      { parent: [{ name: "x", dtype: "f32", shape: [2 ** 14, 2 ** 14, 2] }] },
      "LIMIT",
      "parent[0].shape",
    );
    refuses(
      step(fold("sum", [2, 3], [2 ** 13, 2 ** 12], [operand(zero, [0, 0, 0, 0])])),
      "LIMIT",
      "step[1].reduction",
    );
    refuses(
      { step: Array.from({ length: LIMITS.ops + 1 }, () => base.step[0]!) },
      "LIMIT",
      "step.length",
    );
    refuses(
      { outputs: Array.from({ length: 65 }, (_, i) => ({ name: `${i}`, op: 0 })) },
      "LIMIT",
      "outputs.length",
    );
    refuses(
      copy(operand(column, [3, 1], { guards: Array(5).fill(guard()) })),
      "LIMIT",
      "step[1].operands[0].guards",
    );
    const heavy = fold(
      "mulAdd",
      [2 ** 14, 2 ** 13],
      [2 ** 24],
      [operand(zero, [0, 0, 0]), operand(zero, [0, 0, 0])],
    );
    refuses({ step: [base.step[0]!, base.step[1]!, heavy] }, "LIMIT", "step");
  });

  it("refuses names that are empty or taken, and a program without state or model", () => {
    refuses({ outputs: [{ name: "", op: 0 }] }, "STRUCTURE", "outputs[0].name");
    refuses(
      { data: [base.data[0]!, { ...base.data[1]!, name: "x" }] },
      "STRUCTURE",
      "data[1].name",
    );
    refuses({ state: [], step: [], eval: [], outputs: [] }, "STRUCTURE", "state");
    refuses({ state: [{ ...base.state[0]!, parameter: false }] }, "STRUCTURE", "state");
  });

  it("refuses primitives, operand counts and types that the table does not have", () => {
    refuses(step({ ...map("copy", [2, 3], []), opcode: 0x40 }), "TYPE", "step[1].opcode");
    refuses(step({ ...map("copy", [2, 3], []), opcode: 0xff }), "TYPE", "step[1].opcode");
    refuses(copy(), "TYPE", "step[1].operands");
    refuses(
      step(map("lt", [2, 3], [operand(zero, [0, 0]), operand(zero, [0, 0])])),
      "TYPE",
      "step[1].out",
    );
    refuses(
      step(map("add", [2, 3], [operand(zero, [0, 0]), operand(rows, [0, 0])])),
      "TYPE",
      "step[1].operands[1]",
    );
    refuses(copy(operand({ kind: "step" }, [0, 0])), "TYPE", "step[1].operands[0]");
    refuses({ state: [{ ...base.state[0]!, shape: [3, 2] }] }, "TYPE", "state[0].initOp");
  });

  it("refuses sources that are not there: later ops, state in init, tensors not declared", () => {
    refuses(
      copy(operand({ kind: "value", index: 1 }, [3, 1])),
      "SOURCE",
      "step[1].operands[0].source",
    );
    refuses(
      { init: [map("copy", [2, 3], [operand(state, [3, 1])])] },
      "SOURCE",
      "init[0].operands[0].source",
    );
    refuses(
      copy(operand({ kind: "parent", index: 0 }, [3, 1])),
      "SOURCE",
      "step[1].operands[0].source",
    );
    refuses({ outputs: [{ name: "total", op: 1 }] }, "SOURCE", "outputs[0].op");
    refuses({ state: [{ ...base.state[0]!, stepOp: 2 }] }, "SOURCE", "state[0].stepOp");
    refuses({ state: [{ ...base.state[0]!, initOp: 0xffff }] }, "SOURCE", "state[0].initOp");
    const rowsOf = (index: number) =>
      copy(operand(column, [0, 1], { indirection: picked({ source: { kind: "value", index } }) }));
    refuses(rowsOf(1), "SOURCE", "step[1].operands[0].indirection.source");
    refuses(rowsOf(0), "TYPE", "step[1].operands[0].indirection.source");
  });

  it("refuses accesses that can leave their tensor without a guard, or 32 bits at all", () => {
    const place = "step[1].operands[0]";
    refuses(copy(operand(column, [6, 3])), "ACCESS", place);
    refuses(copy(operand(column, [3, 1], { offset: -1 })), "ACCESS", place);
    refuses(copy(operand(column, [3])), "STRUCTURE", place);
    refuses(copy(operand(column, [3, 0.5])), "STRUCTURE", place);
    refuses(copy(operand(column, [2 ** 31 - 1, 1], { guards: [guard()] })), "ACCESS", place);
    refuses(
      copy(operand(column, [3, 1], { guards: [guard({ strides: [2 ** 31 - 1, 1] })] })),
      "ACCESS",
      `${place}.guards[0]`,
    );
    refuses(
      copy(operand(column, [3, 1], { guards: [guard({ limit: 0 })] })),
      "STRUCTURE",
      `${place}.guards[0].limit`,
    );
    refuses(
      copy(operand(column, [3, 1], { indirection: picked({ strides: [5, 0] }) })),
      "ACCESS",
      `${place}.indirection`,
    );
    refuses(
      copy(operand(column, [3, 1], { indirection: picked({ rowStride: 2 ** 30 }) })),
      "ACCESS",
      place,
    );
    refuses(copy(operand(zero, [1, 0])), "ACCESS", place);
    refuses(
      copy(operand(zero, [0, 0], { indirection: picked() })),
      "ACCESS",
      `${place}.indirection`,
    );
  });
});

describe("work units", () => {
  it("count evaluations by weight and words moved, each tensor at most once", () => {
    // init: 6 evaluations + 6 words out. eval: 6 + 1 word out + 6 words of state.
    // step: mulAdd 2 · 6 · 4, 6 out, 12 of 12, 6 of 6; add 6, 6 out, 6 and 6 in.
    assert.deepEqual(workUnits(base), {
      init: 12n,
      step: 48n + 6n + 12n + 6n + 6n + 6n + 12n,
      eval: 13n,
    });
  });

  it("count the table of rows as a tensor read", () => {
    const indirect = { ...base, ...copy(operand(column, [0, 1], { indirection: picked() })) };
    const plain = { ...base, ...copy(operand(column, [3, 1])) };
    assert.equal(workUnits(indirect).step - workUnits(plain).step, 5n);
  });

  it("add up over a run: init at the beginning, eval at the end", () => {
    const { init, step: one, eval: last } = workUnits(base);
    assert.equal(unitsUpTo(base, 0, 10), init + 10n * one + last);
    assert.equal(unitsUpTo(base, 0, 4), init + 4n * one);
    assert.equal(unitsUpTo(base, 4, 10), 6n * one + last);
  });
});
