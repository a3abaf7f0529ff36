/** The referee judges random places of random programs as the engine's scalar walk computes them. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { toHex } from "@assay/protocol/commitments/hash";
import { encodeOp } from "@assay/engine/ir/encode";
import { elements } from "@assay/engine/ir/shape";
import type { Op, OpList, Program } from "@assay/engine/ir/types";
import {
  type OperandValue,
  type ScalarSources,
  evaluateScalar,
  operandAt,
} from "@assay/engine/reference/scalar";
import { randomProgram } from "@assay/engine/testing/program";
import { Random } from "@assay/engine/testing/random";

import {
  type Answer,
  type Court,
  type Question,
  ROUTE,
  deployCourt,
  randomPlace,
  randomSources,
} from "../../support/referee.ts";

const PROGRAMS = 24;
const PLACES = 2;
const LISTS = ["init", "step", "eval"] as const satisfies readonly OpList[];

/** One place of one op with the engine's view of it. */
interface Case {
  readonly what: string;
  readonly op: Op;
  readonly bytes: string;
  readonly sources: ScalarSources;
  readonly place: readonly [element: number, term: number, step: number];
  readonly accumulator: number;
  readonly operands: readonly OperandValue[];
  readonly expected: number;
}

function casesOf(program: Program, list: OpList, number: number, seed: bigint): Case[] {
  const random = new Random(number);
  const sources = randomSources(program, list, random, seed);
  return program[list].flatMap((op, index) =>
    random.list(PLACES, (): Case => {
      const { element, term } = randomPlace(op, random);
      return {
        what: `program ${number} ${list}[${index}] element ${element} term ${term}`,
        op,
        bytes: toHex(encodeOp(op)),
        sources,
        place: [element, term, sources.step],
        accumulator: evaluateScalar(op, element, sources, term),
        operands: op.operands.map((_, k) => operandAt(op, k, element, term, sources)),
        expected: evaluateScalar(op, element, sources, op.form === "fold" ? term + 1 : 1),
      };
    }),
  );
}

const JUNK = 0xdeadbeef;

/** Claims that are right where something is claimed, and junk where the referee must not look. */
function judging(c: Case): Question {
  const three = <T>(of: (k: number) => T): T[] => [0, 1, 2].map(of);
  const values = three((k) => {
    const operand = c.op.operands[k];
    const claimed = operand !== undefined && "index" in operand.source;
    return claimed ? (c.operands[k]?.bits ?? JUNK) : JUNK;
  });
  const rows = three((k) => (c.operands[k]?.row?.value ?? JUNK) >>> 0);
  const accumulator = c.op.form === "fold" && c.place[1] > 0 ? c.accumulator : JUNK;
  return ["judge", c.bytes, c.place, accumulator, values, rows, c.sources.seed];
}

/** What the referee's reading amounts to, given the sizes of the tensors that the game looks up. */
function checkReading(c: Case, k: number, answer: Answer): void {
  const what = `${c.what} operand ${k}`;
  const reading = answer.result?.[0];
  assert.ok(reading, `${what}: ${answer.error}`);
  const wanted = c.operands[k] as OperandValue;
  const operand = c.op.operands[k];
  if (reading.route !== ROUTE.element) {
    assert.equal(Number(reading.bits), wanted.bits, what);
    assert.equal(wanted.address, undefined, what);
    if (reading.route !== ROUTE.noRow) assert.equal(reading.indirect, false, what);
    return;
  }
  assert.ok(operand && "index" in operand.source, what);
  const sizeOf = (source: typeof operand.source): bigint =>
    "index" in source ? BigInt(elements(c.sources.typeOf(source).shape)) : 0n;
  assert.equal(Number(reading.index), operand.source.index, what);
  const within = (element: bigint, size: bigint): boolean => element >= 0n && element < size;
  assert.equal(reading.indirect, operand.indirection !== null, what);
  const row =
    operand.indirection === null || within(reading.rowElement, sizeOf(operand.indirection.source));
  if (operand.indirection !== null && row) {
    assert.equal(Number(reading.rowElement), wanted.row?.address, what);
    assert.equal(Number(reading.rowIndex), operand.indirection.source.index, what);
  }
  const there = row && within(reading.element, sizeOf(operand.source));
  assert.equal(there ? Number(reading.element) : undefined, wanted.address, what);
  if (!there) assert.equal(wanted.bits, 0, what);
}

describe("Referee on random programs", () => {
  let court: Court;
  const cases: Case[] = [];
  before(async () => {
    court = await deployCourt();
    for (let number = 0; number < PROGRAMS; number++) {
      const { program, inputs } = randomProgram(number, number % 4 === 0 ? { dimension: 40 } : {});
      for (const list of LISTS) cases.push(...casesOf(program, list, number, inputs.seed));
    }
  });

  it("gives the engine's scalar, whatever is claimed where nothing can be", async () => {
    const answers = await court.ask(cases.map(judging));
    cases.forEach((c, i) => {
      assert.equal(Number(answers[i]?.result?.[0]), c.expected, `${c.what}: ${answers[i]?.error}`);
    });
  });

  it("locates each operand and its row where the engine reads them", async () => {
    const asked = cases.flatMap((c) => c.op.operands.map((_, k) => ({ c, k })));
    const answers = await court.ask(
      asked.map(({ c, k }) => {
        const row = (c.operands[k]?.row?.value ?? JUNK) >>> 0;
        return ["locate", c.bytes, c.place, k, row];
      }),
    );
    asked.forEach(({ c, k }, i) => checkReading(c, k, answers[i] as Answer));
    const routes = new Set(answers.map(({ result }) => result?.[0].route));
    assert.deepEqual(routes, new Set(Object.values(ROUTE)), "every route is met");
  });

  it("gives another scalar when a claim that matters is changed", async () => {
    const adds = cases.filter(
      (c) => c.op.opcode === 0x13 && c.op.operands.every(({ source }) => "index" in source),
    );
    const free = adds.filter((c) => c.operands[0]?.address !== undefined);
    assert.ok(free.length > 3, `${free.length} such places`);
    const answers = await court.ask(
      free.map((c): Question => {
        const [name, bytes, place, acc, values, rows, seed] = judging(c);
        const [x, ...rest] = values as number[];
        return [name, bytes, place, acc, [((x as number) ^ 1) >>> 0, ...rest], rows, seed];
      }),
    );
    free.forEach((c, i) => assert.notEqual(Number(answers[i]?.result?.[0]), c.expected, c.what));
  });
});
