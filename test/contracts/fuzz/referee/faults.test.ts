/** The referee finds fault with an encoding exactly where the engine's checker does. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { toHex } from "@assay/protocol/commitments/hash";
import { decodeOp } from "@assay/engine/ir/decode";
import { encodeOp } from "@assay/engine/ir/encode";
import { LIMITS } from "@assay/engine/ir/limits";
import type { Op, OpList, Program } from "@assay/engine/ir/types";
import { randomProgram } from "@assay/engine/testing/program";
import { Random } from "@assay/engine/testing/random";

import { faultPlace, mutate, times } from "../../support/mutations.ts";
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
