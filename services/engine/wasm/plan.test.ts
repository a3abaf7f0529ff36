import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { primitive, type PrimitiveName } from "../ir/primitives.ts";
import type { Op, Operand, Program, Shape, Source } from "../ir/types.ts";
import { UNCHANGED } from "../ir/types.ts";
import { assertSameBits } from "../testing/compare.ts";
import { wasmBackend } from "./backend.ts";
import { compile } from "./compile.ts";
import { NARROW_TILE } from "./microkernel.ts";

const LENGTH = 21;

const operand = (source: Source, strides: readonly number[], offset = 0): Operand => ({
  source,
  offset,
  strides,
  guards: [],
  indirection: null,
});
const value = (index: number): Source => ({ kind: "value", index });
const state = (index: number): Source => ({ kind: "state", index });
const map = (name: PrimitiveName, shape: Shape, ...operands: Operand[]): Op => ({
  form: "map",
  opcode: primitive(name).opcode,
  out: { dtype: "f32", shape },
  operands,
});
const sameElement = (source: Source): Operand => operand(source, [1]);
const reversed = (source: Source): Operand => operand(source, [-1], LENGTH - 1);

/** Two state vectors; `init` fills them with different numbers. */
const programOf = (step: readonly Op[], stepOps: readonly [number, number]): Program => {
  const ramp = (slope: number): Op[] => [
    {
      form: "map",
      opcode: primitive("i32ToF32").opcode,
      out: { dtype: "f32", shape: [LENGTH] },
      operands: [operand({ kind: "index" }, [slope], 3)],
    },
  ];
  return {
    numerics: "f32-1",
    steps: 4,
    interval: 2,
    data: [],
    parent: [],
    state: stepOps.map((stepOp, i) => ({
      name: `s${i}`,
      dtype: "f32",
      shape: [LENGTH],
      parameter: true,
      initOp: i,
      stepOp,
    })),
    init: [...ramp(1), ...ramp(-2)],
    step,
    eval: [],
    outputs: [],
  };
};

const check = (program: Program, what: string): Promise<void> =>
  assertSameBits(wasmBackend, program, { data: [], parent: [], seed: 3n }, what, 4);

describe("state that ops still read", () => {
  const one = [LENGTH];

  it("swaps two tensors", () =>
    check(
      programOf(
        [map("copy", one, sameElement(state(1))), map("copy", one, sameElement(state(0)))],
        [0, 1],
      ),
      "swap",
    ));

  it("keeps the old value for later kernels", () =>
    check(
      programOf(
        [
          map("add", one, sameElement(state(0)), sameElement(state(1))),
          map("mul", one, reversed(state(0)), reversed(value(0))),
        ],
        [0, 1],
      ),
      "later reader",
    ));

  it("keeps the old value for other elements of the same kernel", () =>
    check(
      programOf([map("add", one, sameElement(state(0)), reversed(state(0)))], [0, UNCHANGED]),
      "reversed reader",
    ));

  it("keeps the old value for other maps of the same kernel", () =>
    check(
      programOf(
        [
          map("copy", one, sameElement(state(1))),
          map("sub", one, sameElement(value(0)), sameElement(state(0))),
        ],
        [0, 1],
      ),
      "fused readers",
    ));

  it("gives one result to two tensors", () =>
    check(
      programOf([map("sub", one, sameElement(state(0)), reversed(state(1)))], [0, 0]),
      "shared result",
    ));

  it("shifts a tensor by one element", () =>
    check(
      programOf(
        [
          map("copy", one, {
            ...operand(state(0), [1], -1),
            guards: [{ offset: -1, strides: [1], limit: LENGTH }],
          }),
        ],
        [0, UNCHANGED],
      ),
      "shift",
    ));
});

describe("memory plan", () => {
  it("reuses the memory of temporaries that nothing needs any more", () => {
    const size = 100_000;
    const transposing = Array.from({ length: 12 }, (_, i) =>
      map("copy", [size], operand(i === 0 ? state(0) : value(i - 1), [-1], size - 1)),
    );
    const small = programOf([], [UNCHANGED, UNCHANGED]);
    const program: Program = {
      ...small,
      state: [{ name: "s", dtype: "f32", shape: [size], parameter: true, initOp: 0, stepOp: 11 }],
      init: [map("copy", [size], operand({ kind: "immediate", bits: 0, dtype: "f32" }, [0]))],
      step: transposing,
    };
    const { plan, report } = compile(program, NARROW_TILE);
    assert.equal(report.kernels.length, 13);
    assert.ok(plan.temporaryBytes <= 2 * size * 4 + 256, `${plan.temporaryBytes} bytes`);
    assert.ok(report.peakBytes < 4 * size * 4 + 3 * 65536);
  });

  it("keeps a chain of maps out of memory", () => {
    const chain = Array.from({ length: 10 }, (_, i) =>
      map("add", [LENGTH], sameElement(i === 0 ? state(0) : value(i - 1)), sameElement(state(1))),
    );
    const { plan, report } = compile(programOf(chain, [9, UNCHANGED]), NARROW_TILE);
    assert.equal(report.kernels.filter(({ list }) => list === "step").length, 1);
    assert.equal(plan.temporaryBytes, 0);
  });
});

describe("compile report", () => {
  it("names the kernels that run one element at a time, and the operands that are gathered", () => {
    const narrow = map("copy", [LENGTH, 2], operand(state(0), [1, 0]));
    const gathered = map("add", [LENGTH], sameElement(state(0)), operand(value(0), [2]));
    const { report } = compile(programOf([narrow, gathered], [1, UNCHANGED]), NARROW_TILE);
    assert.deepEqual(
      report.slow.map(({ list, ops, path, notes }) => ({ list, ops, path, notes })),
      [
        { list: "step", ops: [0], path: "scalar", notes: [] },
        {
          list: "step",
          ops: [1],
          path: "vector",
          notes: ["op 1: operand 1 gathered lane by lane"],
        },
      ],
    );
  });
});
