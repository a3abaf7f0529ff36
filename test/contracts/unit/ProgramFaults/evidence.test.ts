/** Evidence of every kind of fault in every list, what is no fault, and what is no evidence; the engine's checker agrees. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, describe, it } from "node:test";
import hre from "hardhat";
import type { BaseContract } from "ethers";
import { checkProgram } from "@assay/engine/ir/check";
import { encodeOp } from "@assay/engine/ir/encode";
import { LIMITS } from "@assay/engine/ir/limits";
import { primitive } from "@assay/engine/ir/primitives";
import {
  DTYPE,
  type Op,
  type OpList,
  type Operand,
  type Program,
  type StateTensor,
  type TensorType,
  UNCHANGED,
} from "@assay/engine/ir/types";
import { toHex } from "@assay/protocol/commitments/hash";

import { LISTS } from "../../support/dispute/run.ts";
import {
  NOTHING,
  Signed,
  columnRoot,
  columns,
  data,
  fixed,
  one,
  packed,
  parent,
  picked,
  read,
  rows,
  state,
  value,
  variedProgram as program,
} from "../../support/dispute/signed.ts";
import { root } from "../../support/market.ts";

const PLACE = { header: 0, op: 1, state: 2, data: 3, terms: 4, parent: 5 } as const;
const WRONG = "FaultsWrongEvidence";

let faults: BaseContract;
before(async () => {
  const { ethers } = await hre.network.create();
  faults = await ethers.deployContract("ProgramFaults");
});

/** The contract's answer, or why it gives none. */
const verdict = (signed: Signed, ...asked: Parameters<Signed["question"]>): Promise<string> =>
  faults
    .getFunction("isAtFault")(...signed.question(...asked))
    .then(
      (isAtFault: boolean) => (isAtFault ? "fault" : "none"),
      (error: { data?: string }) => faults.interface.parseError(error.data ?? "")?.name ?? "?",
    );

const takes = (of: Program): boolean => {
  try {
    checkProgram(of);
    return true;
  } catch {
    return false;
  }
};

describe("ProgramFaults.isAtFault", () => {
  it("finds nothing at any place of a program that is right", async () => {
    assert.ok(takes(program));
    const signed = new Signed();
    assert.equal(await verdict(signed, PLACE.header), "none");
    assert.equal(await verdict(signed, PLACE.terms), "none");
    for (const list of LISTS)
      for (const index of program[list].keys())
        assert.equal(await verdict(signed, PLACE.op, signed.about(list, index)), "none");
    for (const [tensor, { initOp, stepOp }] of program.state.entries()) {
      const init = { ...signed.about("init", initOp), tensor };
      assert.equal(await verdict(signed, PLACE.state, init), "none");
      if (stepOp === UNCHANGED) continue;
      const step = { ...signed.about("step", stepOp), tensor };
      assert.equal(await verdict(signed, PLACE.state, step), "none");
    }
    for (const kind of ["data", "parent"] as const)
      for (const tensor of program[kind].keys())
        assert.equal(await verdict(signed, PLACE[kind], signed.input(kind, tensor)), "none");
  });

  const [, add] = program.step as [Op, Op];
  const first = (operand: Operand) => (op: Op) => ({
    ...op,
    operands: [operand, ...op.operands.slice(1)],
  });
  const shaped = (shape: readonly number[]) => (op: Op) => ({ ...op, out: { ...op.out, shape } });
  const strange = (changes: object): Operand["indirection"] => ({
    ...(rows(data(1)) as NonNullable<Operand["indirection"]>),
    ...changes,
  });
  const wide = 2 ** 31;
  /** Faults that any op of an f32 may have, in any list, as its last op. */
  const broken: Readonly<Record<string, (op: Op, list: OpList) => Op>> = {
    "no elements": shaped([0]),
    "more elements than a tensor may have": shaped([LIMITS.elements + 1]),
    "an opcode that there is not": (op) => ({ ...op, opcode: 0x3f }),
    "an opcode of folds": (op) => ({ ...op, opcode: primitive("sum").opcode }),
    "another type than its primitive gives": (op) => ({
      ...op,
      out: { ...op.out, dtype: "i32" },
    }),
    "an operand too few": (op) => ({ ...op, operands: op.operands.slice(1) }),
    "an operand too many": (op) => ({ ...op, operands: [...op.operands, ...op.operands].slice(1) }),
    "an operand of another type": first(read(data(1))),
    "an op of another type as an operand": first(read(value(0))),
    "an operand of itself": first(read(value(1))),
    "an operand of a later op": first(read(value(2))),
    "a column that there is not": first(read(data(2))),
    "a parent's tensor that there is not": first(read(parent(2))),
    "a state tensor that there is not": first(read(state(3))),
    "an address before its tensor": first(read(data(0), { offset: -1 })),
    "an address behind its tensor": first(read(data(0), { offset: 1 })),
    "an address beyond 32 bits": first(
      read(data(0), {
        offset: wide - 1,
        guards: [{ offset: 0, strides: [1], limit: 1 }],
      }),
    ),
    "a guard beyond 32 bits": first(
      read(data(0), { guards: [{ offset: wide - 1, strides: [1], limit: 1 }] }),
    ),
    "a guard that nothing passes": first(
      read(data(0), { guards: [{ offset: 0, strides: [1], limit: 0 }] }),
    ),
    "a guard that no number is beyond": first(
      read(data(0), { guards: [{ offset: 0, strides: [1], limit: wide }] }),
    ),
    "an immediate with an address": first(read(one("f32"))),
    "an immediate with rows": first({ ...fixed(one("f32")), indirection: strange({}) }),
    "the address with rows": first({ ...read({ kind: "index" }), indirection: strange({}) }),
    "rows of an f32": first(picked(data(0), data(0))),
    "rows of a column that there is not": first(picked(data(0), data(7))),
    "rows of a later op": first(picked(data(0), value(2))),
    "rows before their table": first({
      ...picked(data(0), data(1)),
      indirection: strange({ offset: -1 }),
    }),
    "rows behind their table": first({
      ...picked(data(0), data(1)),
      indirection: strange({ offset: 1 }),
    }),
    "rows beyond 32 bits": first({
      ...picked(data(0), data(1)),
      guards: [{ offset: 0, strides: [1], limit: 1 }],
      indirection: strange({ offset: wide - 1 }),
    }),
    "no rows at all": first({ ...picked(data(0), data(1)), indirection: strange({ limit: 0 }) }),
    "more rows than there are numbers": first({
      ...picked(data(0), data(1)),
      indirection: strange({ limit: wide }),
    }),
    "rows that lead beyond 32 bits": first({
      ...picked(data(0), data(1)),
      indirection: strange({ rowStride: wide - 1 }),
    }),
  };

  for (const list of LISTS) {
    it(`finds every fault of an op in ${list}, where the engine's checker does`, async () => {
      for (const [what, make] of Object.entries(broken)) {
        const last = program[list][1] as Op;
        const ops = [program[list][0] as Op, make(last, list)];
        const signed = new Signed({ [list]: ops });
        assert.equal(await verdict(signed, PLACE.op, signed.about(list, 1)), "fault", what);
        assert.ok(!takes(signed.program), what);
      }
    });
  }

  it("finds a state tensor read by init, which has none yet, also as rows", async () => {
    const [count, mul] = program.init as [Op, Op];
    for (const operand of [read(state(0)), picked(data(0), state(1))]) {
      const signed = new Signed({ init: [count, first(operand)(mul)] });
      assert.equal(await verdict(signed, PLACE.op, signed.about("init", 1)), "fault");
      assert.ok(!takes(signed.program));
    }
  });

  it("finds bytes that are no op, whatever else is shown", async () => {
    const bytes = encodeOp(add);
    for (const junk of [new Uint8Array(), bytes.slice(0, -1), Uint8Array.from([...bytes, 0])]) {
      const signed = new Signed({}, new Map([["step 1", junk]]));
      assert.equal(await verdict(signed, PLACE.op, signed.about("step", 1)), "fault");
      const shown = { ...signed.about("step", 1), tensor: 0 };
      assert.equal(await verdict(signed, PLACE.state, shown), "fault", "nor does it give a state");
    }
  });

  it("takes guards for what keeps an address inside, and rows for what they may be", async () => {
    const guards = [{ offset: 0, strides: [1], limit: 3 }];
    for (const operand of [
      read(data(0), { offset: 1, guards }),
      picked(data(0), data(1)),
      { ...picked(data(0), data(1)), guards, indirection: strange({ offset: 1 }) },
      { ...picked(data(0), data(1)), indirection: strange({ limit: 2 ** 31 - 1 }) },
      { ...picked(data(0), data(1)), indirection: strange({ rowStride: -7 }) },
    ]) {
      const signed = new Signed({ step: [program.step[0] as Op, first(operand)(add)] });
      assert.equal(await verdict(signed, PLACE.op, signed.about("step", 1)), "none");
      assert.ok(takes(signed.program));
    }
  });

  describe("of a state tensor", () => {
    const declared = (tensor: number, changes: Partial<StateTensor>) => ({
      state: program.state.map((its, i) => (i === tensor ? { ...its, ...changes } : its)),
    });

    it("finds that it is declared as something else than either op gives", async () => {
      const types: Partial<StateTensor>[] = [
        { dtype: "i32" },
        { shape: [5] },
        { shape: [4, 1] },
        { shape: [] },
      ];
      for (const changes of types)
        for (const list of ["init", "step"] as const) {
          const signed = new Signed(declared(0, changes));
          const shown = { ...signed.about(list, 1), tensor: 0 };
          assert.equal(await verdict(signed, PLACE.state, shown), "fault");
          assert.ok(!takes(signed.program));
        }
    });

    it("wants the op that feeds it, out of the list that does", async () => {
      const signed = new Signed();
      const feeds = (list: OpList, index: number, tensor: number) =>
        verdict(signed, PLACE.state, { ...signed.about(list, index), tensor });
      assert.equal(await feeds("init", 0, 0), WRONG, "another op");
      assert.equal(await feeds("step", 0, 0), WRONG, "another op");
      assert.equal(await feeds("step", 1, 2), WRONG, "no step changes it");
      assert.equal(await feeds("eval", 1, 0), WRONG, "no evaluation feeds a state");
      assert.equal(await feeds("step", 1, 3), WRONG, "there is no such tensor");
    });
  });

  for (const kind of ["data", "parent"] as const) {
    describe(`of the ${kind}`, () => {
      it("finds a tensor of another type under the signed root", async () => {
        const own = program[kind][0] as TensorType;
        const types: TensorType[] = [
          { ...own, dtype: "i32" },
          { ...own, shape: [5] },
          { ...own, shape: [] },
          { ...own, shape: [4, 1] },
          { ...own, shape: [2, 1, 2, 1] },
        ];
        for (const type of types) {
          const roots = [columnRoot(type), ...columns(program[kind]).slice(1)];
          const signed = new Signed({}, new Map(), { [kind]: roots });
          assert.equal(await verdict(signed, PLACE[kind], signed.input(kind, 0, type)), "fault");
        }
      });

      it("finds one that is no tensor at all: of more dimensions than any has", async () => {
        const dims = packed([4, 1, 1, 1]);
        const bytes = Buffer.concat([
          Buffer.from([0x02, DTYPE.f32, 5]),
          Buffer.from(dims.toString(16).padStart(32, "0"), "hex"),
          Buffer.alloc(4),
          Buffer.from(root("chunks").slice(2), "hex"),
        ]);
        const junk = toHex(createHash("sha256").update(bytes).digest());
        const roots = [junk, ...columns(program[kind]).slice(1)];
        const signed = new Signed({}, new Map(), { [kind]: roots });
        const shown = { ...signed.input(kind, 0), rank: 5, dims };
        assert.equal(await verdict(signed, PLACE[kind], shown), "fault");
      });

      it("wants what the root is the hash of, in its place", async () => {
        const signed = new Signed();
        const own = signed.input(kind, 0);
        const shown = (changes: object) => verdict(signed, PLACE[kind], { ...own, ...changes });
        assert.equal(await shown({ dtype: 1 }), WRONG);
        assert.equal(await shown({ dims: packed([5]) }), WRONG);
        assert.equal(await shown({ rank: 2 }), WRONG);
        assert.equal(await shown({ rank: 5 }), WRONG);
        assert.equal(await shown({ chunks: root("other chunks") }), WRONG);
        assert.equal(await shown({ columnProof: [] }), WRONG);
        assert.equal(await shown({ tensor: 1 }), WRONG);
        assert.equal(await shown({ tensor: 2 }), WRONG);
        const other = { [`${kind}Root`]: root("another") };
        assert.equal(await verdict(signed, PLACE[kind], own, other), WRONG);
      });
    });
  }

  it("finds other steps or another interval than the request's", async () => {
    const signed = new Signed();
    for (const terms of [
      { steps: 9 },
      { steps: 7 },
      { interval: 5 },
      { interval: 3 },
      { steps: 9, interval: 5 },
    ])
      assert.equal(await verdict(signed, PLACE.terms, {}, terms), "fault");
  });

  it("finds a header that breaks a limit, and asks for nothing else of it", async () => {
    for (const changes of [{ steps: 0 }, { interval: 0 }, { outputs: [{ name: "o", op: 2 }] }]) {
      const signed = new Signed(changes);
      assert.equal(await verdict(signed, PLACE.header), "fault");
      assert.ok(!takes(signed.program));
      for (const place of [PLACE.op, PLACE.state, PLACE.data, PLACE.terms, PLACE.parent])
        assert.equal(await verdict(signed, place, signed.about("step", 0)), WRONG);
    }
  });

  it("wants the signed program, and the op in its place of its list", async () => {
    const signed = new Signed();
    const own = signed.about("step", 1);
    const shown = (changes: object) => verdict(signed, PLACE.op, { ...own, ...changes });
    for (const place of Object.values(PLACE))
      assert.equal(await verdict(signed, place, own, { programRoot: root("other") }), WRONG);
    assert.equal(await shown({ list: 3 }), WRONG, "there is no such list");
    assert.equal(await shown({ list: 0 }), WRONG, "another list");
    assert.equal(await shown({ list: 2 }), WRONG, "another list");
    assert.equal(await shown({ index: 0 }), WRONG, "another place");
    assert.equal(await shown({ index: 2 }), WRONG, "behind the last");
    assert.equal(await shown({ proof: [] }), WRONG);
    assert.equal(await shown({ op: signed.opBytes("step", 0) }), WRONG, "another op");
  });

  it("wants the ops whose outputs are read, which have no fault of their own that hides their type", async () => {
    const signed = new Signed();
    const own = signed.about("step", 1);
    const at = 1;
    const rowsOp = own.sources[at];
    const shown = (of: Signed, source: object | undefined) =>
      verdict(of, PLACE.op, {
        ...of.about("step", 1),
        sources: own.sources.with(at, source as never),
      });
    assert.equal(await shown(signed, rowsOp), "none");
    assert.equal(await shown(signed, NOTHING), WRONG);
    assert.equal(await shown(signed, { ...rowsOp, proof: [] }), WRONG);
    assert.equal(await shown(signed, signed.shownOp("step", 1)), WRONG, "another op");

    const junk = new Signed({}, new Map([["step 0", Uint8Array.of(2)]]));
    assert.equal(await verdict(junk, PLACE.op, junk.about("step", 1)), WRONG);
    assert.equal(await verdict(junk, PLACE.op, junk.about("step", 0)), "fault");
    const huge = new Signed({
      step: [
        {
          ...(program.step[0] as Op),
          out: { dtype: "i32", shape: [wide, 2] },
          operands: [one("i32"), one("i32")].map((its) => read(its, { strides: [0, 0] })),
        },
        add,
      ],
    });
    assert.equal(await verdict(huge, PLACE.op, huge.about("step", 1)), WRONG);
    assert.equal(await verdict(huge, PLACE.op, huge.about("step", 0)), "fault");
  });
});
