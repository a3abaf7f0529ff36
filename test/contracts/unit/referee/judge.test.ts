/** Single ops at single places: what the referee answers, what it refuses, and what it costs. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { toHex } from "@assay/protocol/commitments/hash";
import { encodeOp } from "@assay/engine/ir/encode";
import { PRIMITIVES, primitive, type PrimitiveName } from "@assay/engine/ir/primitives";
import type { DType, Op, Operand } from "@assay/engine/ir/types";

import { type Court, type Question, ROUTE, deployCourt } from "../../support/referee.ts";
import { assertGas } from "../../support/gas.ts";

/** Greatest gas that judging any opcode may take, call and decoding included; see README.md of the referee. */
const GAS_LIMIT = 60_000n;

const MEMORY = { kind: "data", index: 3 } as const;
const TABLE = { kind: "value", index: 2 } as const;
const ZEROS = [0, 0, 0];

const plain = (rank: number, changes: Partial<Operand> = {}): Operand => ({
  source: MEMORY,
  offset: 0,
  strides: Array(rank).fill(1),
  guards: [],
  indirection: null,
  ...changes,
});

const copy = (operand: Operand, shape: readonly number[] = [10], dtype: DType = "i32"): Op => ({
  form: "map",
  opcode: primitive("copy").opcode,
  out: { dtype, shape },
  operands: [operand],
});

describe("Referee", () => {
  let court: Court;
  before(async () => {
    court = await deployCourt();
  });

  const locate = async (op: Op, element = 0, term = 0, row = 0, operand = 0, step = 0) => {
    const place = [element, term, step];
    const [answer] = await court.ask([["locate", toHex(encodeOp(op)), place, operand, row]]);
    return answer?.result?.[0] ?? answer?.error;
  };
  const judge = async (op: Op, element = 0, values = ZEROS, rows = ZEROS, acc = 0, term = 0) => {
    const place = [element, term, 7];
    const question: Question = ["judge", toHex(encodeOp(op)), place, acc, values, rows, 5n];
    const [answer] = await court.ask([question]);
    return answer?.result === undefined ? answer?.error : Number(answer.result[0]);
  };

  it("points a plain operand at its tensor and element", async () => {
    const reading = await locate(copy(plain(2, { offset: 4, strides: [-1, 10] }), [3, 5]), 7);
    assert.equal(reading.route, ROUTE.element);
    assert.deepEqual([reading.kind, reading.index, reading.element], [2n, 3n, 4n - 1n + 20n]);
    assert.equal(reading.indirect, false);
  });

  it("leaves addresses outside the tensor to be seen there, on both sides", async () => {
    assert.equal((await locate(copy(plain(1, { offset: -1 })))).element, -1n);
    assert.equal(
      (await locate(copy(plain(1, { offset: 2 ** 31 - 10 })), 9)).element,
      2n ** 31n - 1n,
    );
  });

  it("reads +0 when any guard fails, on either side, whatever the source", async () => {
    const guard = (offset: number) => ({ offset, strides: [1], limit: 3 });
    const sources: Operand["source"][] = [
      MEMORY,
      { kind: "immediate", dtype: "i32", bits: 9 },
      { kind: "step" },
      { kind: "index" },
    ];
    for (const source of sources) {
      const strides = source.kind === "data" || source.kind === "index" ? [1] : [0];
      const guarded = copy(plain(1, { source, strides, guards: [guard(5), guard(-5)] }));
      for (const element of [0, 4, 5, 6, 8, 9]) {
        const [first, second] = [5 + element, element - 5];
        const open = first < 3 && second >= 0 && second < 3;
        const reading = await locate(guarded, element);
        assert.equal(reading.route === ROUTE.guarded, !open);
        assert.equal(reading.bits, 0n);
        assert.equal(await judge(guarded, element, [77, 0, 0]), 0);
      }
      const one = copy(plain(1, { source, strides, guards: [guard(-4)] }));
      const routes = await Promise.all(
        [3, 4, 6, 7].map(async (element) => (await locate(one, element)).route === ROUTE.guarded),
      );
      assert.deepEqual(routes, [true, false, false, true]);
    }
  });

  it("computes immediates, the step and addresses itself", async () => {
    const immediate = (bits: number, dtype: DType) =>
      plain(1, { source: { kind: "immediate", dtype, bits }, strides: [0] });
    assert.equal(
      await judge(copy(immediate(0xff812345, "f32"), [1], "f32"), 0, [1, 1, 1]),
      0x7fc00000,
    );
    assert.equal(
      await judge(copy(immediate(0xff812345, "i32"), [1], "i32"), 0, [1, 1, 1]),
      0xff812345,
    );
    assert.equal(await judge(copy(plain(1, { source: { kind: "step" }, strides: [0] })), 3), 7);
    const index = plain(2, { source: { kind: "index" }, offset: -3, strides: [-1, 2] });
    assert.equal(await judge(copy(index, [4, 4]), 14), (-3 - 3 + 4) >>> 0);
  });

  it("follows an indirection by the claimed row, and says where that row is", async () => {
    const indirection = { source: TABLE, offset: 1, strides: [2], rowStride: -10, limit: 6 };
    const op = copy(plain(1, { offset: 100, indirection }));
    const reading = await locate(op, 3, 0, 5);
    assert.equal(reading.route, ROUTE.element);
    assert.equal(reading.element, 100n + 3n - 50n);
    assert.deepEqual([reading.rowKind, reading.rowIndex, reading.rowElement], [0n, 2n, 7n]);
    for (const row of [6, 0x7fffffff, 0x80000000, 0xffffffff]) {
      const none = await locate(op, 3, 0, row);
      assert.equal(none.route, ROUTE.noRow);
      assert.equal(none.indirect, true);
      assert.equal(await judge(op, 3, [77, 0, 0], [row, 0, 0]), 0);
    }
    assert.equal(await judge(op, 3, [77, 0, 0], [5, 0, 0]), 77);
  });

  it("starts a fold from its own initial value, whatever is claimed", async () => {
    const fold: Op = {
      form: "fold",
      opcode: primitive("isum").opcode,
      out: { dtype: "i32", shape: [2] },
      reduction: [3, 4],
      initial: 100,
      operands: [plain(3, { strides: [12, 4, 1] })],
    };
    assert.equal(await judge(fold, 1, [5, 0, 0], ZEROS, 1_000, 0), 105);
    assert.equal(await judge(fold, 1, [5, 0, 0], ZEROS, 1_000, 1), 1_005);
    assert.equal((await locate(fold, 1, 7)).element, 12n + 4n + 3n);
    assert.equal(await judge(fold, 1, [5, 0, 0], ZEROS, 0, 12), "RefereeOutside");
    assert.equal(await judge(fold, 2), "RefereeOutside");
    assert.equal(await locate(fold, 0, 0, 0, 1), "RefereeOutside");
  });

  it("refuses bytes that are no encoding, and any byte too many or too few", async () => {
    const bytes = encodeOp(copy(plain(1)));
    const wrong = [
      new Uint8Array(),
      bytes.slice(0, -1),
      Uint8Array.from([...bytes, 0]),
      Uint8Array.from([2, ...bytes.slice(1)]),
    ];
    const answers = await court.ask(
      wrong.flatMap((b): Question[] => [
        ["judge", toHex(b), [0, 0, 0], 0, ZEROS, ZEROS, 0n],
        ["locate", toHex(b), [0, 0, 0], 0, 0],
        ["outline", toHex(b)],
      ]),
    );
    for (const { error } of answers) assert.equal(error, "RefereeBadEncoding");
  });

  /** Operands that make each primitive work hardest. */
  const hard: Partial<Record<PrimitiveName, number[]>> = {
    add: [0x3f800000, 0xbf7fffff, 0],
    sub: [0x3f800000, 0x3f7fffff, 0],
    mul: [0x00012345, 0x4b7fffff, 0],
    div: [0x00012345, 0x00000777, 0],
    sqrt: [0x00012345, 0, 0],
    i32ToF32: [0xfffffe03, 0, 0],
    permute: [1, 3, 9],
    mulAdd: [0x00012345, 0x4b7fffff, 0],
  };
  const ordinary = [0x3fc00000, 0x40490fdb, 3];

  it("judges every opcode, at the largest encoding, within its gas", async () => {
    const strides = Array(8).fill(0);
    const guard = { offset: 0, strides, limit: 1 };
    const indirection = { source: TABLE, offset: 0, strides, rowStride: 0, limit: 1 };
    const widest = (rank: number): Operand => ({
      source: MEMORY,
      offset: 0,
      strides: strides.slice(0, rank),
      guards: Array.from({ length: 4 }, () => ({ ...guard, strides: strides.slice(0, rank) })),
      indirection: { ...indirection, strides: strides.slice(0, rank) },
    });
    for (const { opcode, form, name, operands, result } of PRIMITIVES) {
      const out = { dtype: result === "i32" ? "i32" : "f32", shape: [3, 5, 7, 9] } as const;
      const rank = form === "fold" ? 8 : 4;
      const common = { opcode, out, operands: operands.map(() => widest(rank)) };
      const op: Op =
        form === "fold"
          ? { form, reduction: [3, 5, 7, 9], initial: 0, ...common }
          : { form, ...common };
      const values = hard[name] ?? ordinary;
      const place = [3 * 5 * 7 * 9 - 1, form === "fold" ? 3 * 5 * 7 * 9 - 1 : 0, 0];
      const gas = await court.referee
        .getFunction("judge")
        .estimateGas(toHex(encodeOp(op)), place, 0xbf7fffff, values, ZEROS, 1n);
      assertGas(gas - 21_000n, GAS_LIMIT, name);
    }
  });
});
