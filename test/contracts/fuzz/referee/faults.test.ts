/** The referee finds fault with an encoding exactly where the engine's checker does. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { toHex } from "@assay/protocol/commitments/hash";
import { checkProgram } from "@assay/engine/ir/check";
import { decodeHeader, decodeOp } from "@assay/engine/ir/decode";
import { encodeHeader, encodeOp } from "@assay/engine/ir/encode";
import { LIMITS } from "@assay/engine/ir/limits";
import { elements, sameShape } from "@assay/engine/ir/shape";
import {
  type Op,
  type OpList,
  type Program,
  type TensorType,
  UNCHANGED,
} from "@assay/engine/ir/types";
import { randomProgram } from "@assay/engine/testing/program";
import { Random } from "@assay/engine/testing/random";
import { AssayError } from "@assay/protocol/errors";

import {
  ABSENT_SOURCE,
  type Answer,
  type Court,
  deployCourt,
  packType,
  sourceType,
  unpackSource,
} from "../../support/referee.ts";

const OP_PROGRAMS = 12;
const HEADERS = 240;

const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

const EDGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0e, 0x10, 0x20, 0x40, 0x7f, 0x80, 0xff] as const;

/** One to three bytes changed, or the end cut or lengthened. */
function mutate(random: Random, bytes: Uint8Array): Uint8Array {
  const choice = random.integer(0, 11);
  if (choice === 0) return bytes.slice(0, random.integer(0, bytes.length - 1));
  if (choice === 1) return Uint8Array.from([...bytes, random.pick(EDGES)]);
  const changed = Uint8Array.from(bytes);
  for (let i = random.integer(1, 3); i > 0; i--) {
    const place = random.integer(0, bytes.length - 1);
    changed[place] = random.oneIn(2)
      ? random.pick(EDGES)
      : ((changed[place] as number) + random.integer(-2, 2)) & 0xff;
  }
  return changed;
}

/** The checker's verdict as the place of its fault, undefined for none. */
function faultPlace(program: Program): string | undefined {
  try {
    checkProgram(program);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AssayError);
    return String((error.details as { place?: unknown }).place);
  }
}

interface OpCase {
  readonly what: string;
  readonly bytes: Uint8Array;
  readonly program: Program;
  readonly ops: readonly Op[];
  readonly index: number;
}

/** Whether the engine takes the op, checked as the last of an evaluation; undefined where only its work units are at fault. */
function engineTakes({ bytes, program, ops, index }: OpCase): boolean | undefined {
  let op: Op;
  try {
    op = decodeOp(bytes);
  } catch {
    return false;
  }
  const place = faultPlace({ ...program, eval: [...ops.slice(0, index), op], outputs: [] });
  return place === "eval" ? undefined : place === undefined;
}

/** Types of what a decodable encoding reads, in the outline's order. */
function typesOf({ program, ops, index }: OpCase, outline: Answer): bigint[] {
  const sources: readonly bigint[] = outline.result?.[0].sources ?? Array(6).fill(ABSENT_SOURCE);
  return sources.map((packed) =>
    packed === ABSENT_SOURCE ? 0n : packType(sourceType(program, ops, index, unpackSource(packed))),
  );
}

function opCases(number: number): OpCase[] {
  const random = new Random(number);
  const { program } = randomProgram(number, { ops: 6 });
  const lists: OpList[] = ["init", "step", "eval"];
  return lists.flatMap((list) =>
    program[list].flatMap((op, index) => {
      const bytes = encodeOp(op);
      const all = [bytes, ...random.list(5, () => mutate(random, bytes))];
      return all.map((changed, i): OpCase => {
        const what = `program ${number} ${list}[${index}] ${i === 0 ? "as it is" : toHex(changed)}`;
        return { what, bytes: changed, program, ops: program[list], index };
      });
    }),
  );
}

describe("Referee.faultOf", () => {
  let court: Court;
  before(async () => {
    court = await deployCourt();
  });

  async function verdicts(cases: readonly OpCase[]): Promise<Answer[]> {
    const outlines = await court.ask(cases.map(({ bytes }) => ["outline", toHex(bytes)]));
    return court.ask(
      cases.map((c, i) => ["faultOf", toHex(c.bytes), typesOf(c, outlines[i] as Answer)]),
    );
  }

  it("agrees with the engine's checker on ops and on what mutation makes of them", async () => {
    const cases = Array.from({ length: OP_PROGRAMS }, (_, number) => opCases(number)).flat();
    const answers = await verdicts(cases);
    const seen = new Map<bigint, number>();
    cases.forEach((c, i) => {
      const fault: bigint | undefined = answers[i]?.result?.[0];
      assert.ok(fault !== undefined, `${c.what}: ${answers[i]?.error}`);
      const takes = engineTakes(c);
      if (takes === undefined) return;
      assert.equal(fault === 0n, takes, `${c.what}: fault ${fault}`);
      seen.set(fault, (seen.get(fault) ?? 0) + 1);
    });
    assert.equal(seen.size, 6, "no fault and each class of fault are met");
  });

  it("takes each limit at its value and refuses one more", async () => {
    const { program } = randomProgram(1, { ops: 1 });
    const immediate = { kind: "immediate", dtype: "f32", bits: 0 } as const;
    const operand = (rank: number) => ({
      source: immediate,
      offset: 0,
      strides: Array(rank).fill(0),
      guards: [],
      indirection: null,
    });
    const map = (shape: number[], guards = 0): Op => {
      const guard = { offset: 0, strides: shape.map(() => 0), limit: 1 };
      const guarded = { ...operand(shape.length), guards: times(guards, guard) };
      return { form: "map", opcode: 1, out: { dtype: "f32", shape }, operands: [guarded] };
    };
    const fold = (reduction: number[]): Op => ({
      form: "fold",
      opcode: 0x41,
      out: { dtype: "f32", shape: [] },
      reduction,
      initial: 0,
      operands: [operand(reduction.length)],
    });
    const good = [
      map(Array(LIMITS.rank).fill(1)),
      map([LIMITS.elements]),
      map([2, LIMITS.elements / 2]),
      map([1], LIMITS.guards),
      fold([LIMITS.foldTerms]),
      fold(Array(LIMITS.rank).fill(1)),
    ];
    const bad = [
      map(Array(LIMITS.rank + 1).fill(1)),
      map([LIMITS.elements + 1]),
      map([2, LIMITS.elements / 2 + 1]),
      map([0]),
      map([2 ** 31, 2 ** 31, 2 ** 31, 2 ** 31]),
      map([1], LIMITS.guards + 1),
      fold([LIMITS.foldTerms + 1]),
      fold([0]),
      fold(Array(LIMITS.rank + 1).fill(1)),
    ];
    const cases = [...good, ...bad].map((op, i): OpCase => ({
      what: `op ${i}`,
      bytes: encodeOp(op),
      program,
      ops: [],
      index: 0,
    }));
    const answers = await verdicts(cases);
    assert.deepEqual(
      answers.map(({ result }) => result?.[0] === 0n),
      cases.map((_, i) => i < good.length),
    );
    assert.deepEqual(
      cases.map(engineTakes),
      cases.map((_, i) => i < good.length),
    );
  });

  it("has no encoding within the other limits that reaches the limit of bytes", () => {
    const strides = Array(8).fill(0);
    const source = { kind: "data", index: 0 } as const;
    const rows = { source, offset: 0, strides, rowStride: 0, limit: 1 };
    const guards = times(LIMITS.guards, { offset: 0, strides, limit: 1 });
    const operand = { source, offset: 0, strides, guards, indirection: rows };
    const largest = encodeOp({
      form: "fold",
      opcode: 0x40,
      out: { dtype: "f32", shape: Array(LIMITS.rank).fill(1) },
      reduction: Array(LIMITS.rank).fill(1),
      initial: 0,
      operands: times(LIMITS.operands, operand),
    });
    assert.ok(largest.length < LIMITS.opBytes);
  });
});

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
