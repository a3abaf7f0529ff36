/** The referee finds fault with a program's header exactly where the engine's checker does, and reads what it declares. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { toHex } from "@assay/protocol/commitments/hash";
import { decodeHeader } from "@assay/engine/ir/decode";
import { encodeHeader, encodeOp } from "@assay/engine/ir/encode";
import { LIMITS } from "@assay/engine/ir/limits";
import { elements, sameShape } from "@assay/engine/ir/shape";
import { type Op, type Program, type TensorType, UNCHANGED } from "@assay/engine/ir/types";
import { randomProgram } from "@assay/engine/testing/program";
import { Random } from "@assay/engine/testing/random";

import { faultPlace, mutate, times } from "../../support/mutations.ts";
import {
  ABSENT_SOURCE,
  type Court,
  deployCourt,
  packType,
  unpackSource,
} from "../../support/referee.ts";

const HEADERS = 240;

/** A program with this header whose ops do nothing but have the types that the state wants. */
function programOf(header: ReturnType<typeof decodeHeader>): Program | undefined {
  const scalar: TensorType = { dtype: "f32", shape: [] };
  const made = (count: number, wanted: ReadonlyMap<number, TensorType>): Op[] =>
    Array.from({ length: count }, (_, i): Op => {
      const out = wanted.get(i) ?? scalar;
      const source = { kind: "immediate", dtype: out.dtype, bits: 0 } as const;
      const strides = out.shape.map(() => 0);
      const operand = { source, offset: 0, strides, guards: [], indirection: null };
      return { form: "map", opcode: 1, out, operands: [operand] };
    });
  const [init, step] = [new Map<number, TensorType>(), new Map<number, TensorType>()];
  for (const tensor of header.state) {
    for (const [wanted, op] of [
      [init, tensor.initOp],
      [step, tensor.stepOp],
    ] as const) {
      const known = wanted.get(op) ?? tensor;
      if (known.dtype !== tensor.dtype || !sameShape(known.shape, tensor.shape)) return undefined;
      wanted.set(op, tensor);
    }
  }
  const { counts } = header;
  return {
    ...header,
    init: made(Math.min(counts.init, LIMITS.ops + 1), init),
    step: made(Math.min(counts.step, LIMITS.ops + 1), step),
    eval: made(Math.min(counts.eval, LIMITS.ops + 1), new Map()),
  };
}

/** Whether the engine takes the header; undefined where what it does not say decides. */
function engineTakesHeader(bytes: Uint8Array): boolean | undefined {
  let header: ReturnType<typeof decodeHeader>;
  try {
    header = decodeHeader(bytes);
  } catch {
    return false;
  }
  const program = programOf(header);
  if (program === undefined) return undefined;
  const place = faultPlace(program);
  return place === "init" || place === "step" || place === "eval" ? undefined : place === undefined;
}

describe("Referee and program headers", () => {
  let court: Court;
  before(async () => {
    court = await deployCourt();
  });

  it("agrees with the engine's checker on headers and on what mutation makes of them", async () => {
    const random = new Random(7);
    const cases = Array.from({ length: HEADERS }, (_, i) => {
      const header = encodeHeader(randomProgram(i >> 2, { ops: 2 }).program);
      return i % 4 === 0 ? header : mutate(random, header);
    });
    const answers = await court.ask(cases.map((bytes) => ["summary", toHex(bytes)]));
    let good = 0;
    cases.forEach((bytes, i) => {
      const fault: bigint | undefined = answers[i]?.result?.[0].fault;
      assert.ok(fault !== undefined, answers[i]?.error);
      const takes = engineTakesHeader(bytes);
      if (takes === undefined) return;
      assert.equal(fault === 0n, takes, `${toHex(bytes)}: fault ${fault}`);
      if (takes) good++;
    });
    assert.ok(good >= HEADERS / 8, `${good} good ones`);
  });

  it("takes each limit at its value and refuses one more", async () => {
    const { program } = randomProgram(3, { ops: 1 });
    const tensor = (name: string, shape: number[] = []) => ({ name, dtype: "f32", shape }) as const;
    const state = (shape: number[] = [], initOp = 0, stepOp = UNCHANGED) => ({
      ...tensor("s", shape),
      parameter: true,
      initOp,
      stepOp,
    });
    const op = program.init[0] as Op;
    const base: Program = {
      ...program,
      init: [op],
      step: [op],
      eval: [op],
      outputs: [],
      state: [state()],
    };
    const good: Partial<Program>[] = [
      { state: [state()] },
      { steps: LIMITS.steps, interval: LIMITS.steps },
      { steps: LIMITS.checkpoints, interval: 1 },
      { init: times(LIMITS.ops, op) },
      { data: times(LIMITS.dataTensors, tensor("d")) },
      { parent: times(LIMITS.stateTensors, tensor("p")) },
      { state: times(LIMITS.stateTensors, state()) },
      { state: [{ ...state(), parameter: false }, state()] },
      { outputs: times(LIMITS.outputs, { name: "o", op: 0 }) },
      { data: [tensor("d", [LIMITS.dataElements])] },
      { parent: [tensor("p", [LIMITS.elements])] },
      { state: times(LIMITS.stateBytes / 4 / LIMITS.elements, state([LIMITS.elements])) },
    ];
    const bad: Partial<Program>[] = [
      { steps: 0 },
      { interval: 0 },
      { steps: LIMITS.steps + 1, interval: LIMITS.steps },
      { steps: LIMITS.checkpoints + 1, interval: 1 },
      { init: times(LIMITS.ops + 1, op) },
      { step: times(LIMITS.ops + 1, op) },
      { eval: times(LIMITS.ops + 1, op) },
      { data: times(LIMITS.dataTensors + 1, tensor("d")) },
      { parent: times(LIMITS.stateTensors + 1, tensor("p")) },
      { state: times(LIMITS.stateTensors + 1, state()) },
      { state: [] },
      { state: times(3, { ...state(), parameter: false }) },
      { outputs: times(LIMITS.outputs + 1, { name: "o", op: 0 }) },
      { outputs: [{ name: "o", op: 1 }] },
      { data: [tensor("d", [LIMITS.dataElements + 1])] },
      { data: [tensor("d", [2 ** 16, 2 ** 15])] },
      { parent: [tensor("p", [LIMITS.elements + 1])] },
      { data: [tensor("d", [0])] },
      { state: [...times(16, state([LIMITS.elements])), state()] },
      { state: [state([], 1)] },
      { state: [state([], 0, 1)] },
    ];
    const answers = await court.ask(
      [...good, ...bad].map((change) => ["summary", toHex(encodeHeader({ ...base, ...change }))]),
    );
    answers.forEach(({ result, error }, i) => {
      const fault = result?.[0].fault;
      assert.equal(fault === 0n, i < good.length, `header ${i}: ${fault} ${error}`);
    });
  });

  it("reads the type of every declared tensor, and none beyond", async () => {
    const { program } = randomProgram(5);
    const header = toHex(encodeHeader(program));
    const kinds = { state: 1, data: 2, parent: 6 } as const;
    for (const [kind, byte] of Object.entries(kinds)) {
      const declared: readonly TensorType[] = program[kind as keyof typeof kinds];
      const answers = await court.ask(
        Array.from({ length: declared.length + 2 }, (_, i) => ["declaredType", header, byte, i]),
      );
      assert.deepEqual(
        answers.map(({ result }) => result?.[0]),
        [...declared.map(packType), 0n, 0n],
      );
    }
  });

  it("tells whether an op gives what a state tensor is declared to be", async () => {
    for (let number = 0; number < 8; number++) {
      const { program } = randomProgram(number, { ops: 4 });
      const header = toHex(encodeHeader(program));
      const pairs = program.state.flatMap((tensor, i) =>
        program.step.map((op) => ({ tensor, i, op })),
      );
      const answers = await court.ask(
        pairs.map(({ i, op }) => ["givesState", header, i, toHex(encodeOp(op))]),
      );
      pairs.forEach(({ tensor, op }, i) => {
        const same = op.out.dtype === tensor.dtype && sameShape(op.out.shape, tensor.shape);
        assert.equal(answers[i]?.result?.[0], same);
      });
    }
  });

  it("outlines each op as it is", async () => {
    const { program } = randomProgram(11, { ops: 30 });
    const answers = await court.ask(program.step.map((op) => ["outline", toHex(encodeOp(op))]));
    program.step.forEach((op, i) => {
      const outline = answers[i]?.result?.[0];
      const dims = op.out.shape.reduce(
        (sum, size, d) => sum | (BigInt(size) << BigInt(96 - 32 * d)),
        0n,
      );
      assert.equal(outline.fold, op.form === "fold");
      assert.equal(Number(outline.opcode), op.opcode);
      assert.equal(Number(outline.dtype), op.out.dtype === "f32" ? 0 : 1);
      assert.equal(Number(outline.rank), op.out.shape.length);
      assert.equal(outline.dims, dims);
      assert.equal(Number(outline.elements), elements(op.out.shape));
      assert.equal(Number(outline.terms), op.form === "fold" ? elements(op.reduction) : 1);
      assert.equal(Number(outline.operands), op.operands.length);
      op.operands.forEach((operand, k) => {
        assert.equal(unpackSource(outline.sources[2 * k]).kind, operand.source.kind);
        const rows = outline.sources[2 * k + 1];
        if (operand.indirection === null) assert.equal(rows, ABSENT_SOURCE);
        else assert.deepEqual(unpackSource(rows), { ...operand.indirection.source });
      });
    });
  });
});
