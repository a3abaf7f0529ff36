import assert from "node:assert/strict";
import { test } from "node:test";
import { ABSENT } from "@assay/protocol/commitments/hash";
import { LEVELS, PHASES, type Position } from "@assay/protocol/domain/disputes";
import { zeroAddress } from "viem";
import { primitive as primitiveNamed } from "../../ir/primitives.ts";
import type { MapOp, Operand, Program, Source } from "../../ir/types.ts";
import { runJob } from "../run.ts";
import { wasmBackend } from "../../wasm/backend.ts";
import { openGameRun } from "./game.ts";

const operand = (source: Source): Operand => ({
  source,
  offset: 0,
  strides: [0],
  guards: [],
  indirection: null,
});
const column = (index: number): Operand => operand({ kind: "data", index });
const map = (name: "copy" | "select", operands: readonly Operand[]): MapOp => ({
  form: "map",
  opcode: primitiveNamed(name).opcode,
  out: { dtype: "f32", shape: [1] },
  operands,
});

/** One step: `state = which ? a : b`. */
const program: Program = {
  numerics: "f32-1",
  steps: 1,
  interval: 1,
  data: [
    { name: "which", dtype: "i32", shape: [1] },
    { name: "a", dtype: "f32", shape: [1] },
    { name: "b", dtype: "f32", shape: [1] },
  ],
  parent: [],
  state: [{ name: "s", dtype: "f32", shape: [1], parameter: true, initOp: 0, stepOp: 0 }],
  init: [map("copy", [operand({ kind: "immediate", bits: 0, dtype: "f32" })])],
  step: [map("select", [column(0), column(1), column(2)])],
  eval: [],
  outputs: [],
};

const NAN = 0x7fc00000;
const OTHER_NAN = 0x7fc00001;
const [ONE, TWO] = [0x3f800000, 0x40000000];

/** The claims about the only operation of the step are on the table. */
const position: Position = {
  jobId: ABSENT,
  provider: zeroAddress,
  bindings: ABSENT,
  phase: PHASES.indexOf("claim"),
  level: LEVELS.indexOf("chunk"),
  node: ABSENT,
  count: 1,
  index: 0,
  height: 0,
  last: ABSENT,
  shown: ABSENT,
  checkpoint: 1,
  step: 1,
  stepsRest: ABSENT,
  list: 1,
  lastOp: 0,
  opsRest: ABSENT,
  op: 0,
  opHash: ABSENT,
  dtype: 0,
  operands: 3,
  terms: 1,
  size: 1,
  element: 0,
  term: 0,
  bits: TWO,
  accumulatorKnown: true,
  accumulator: 0,
  termsRoot: ABSENT,
  claim: 0,
};

test("finding: a NaN of another pattern beside a wrong claim is no bait, because it can be proven", async () => {
  const inputs = {
    data: [Uint32Array.of(0), Uint32Array.of(NAN), Uint32Array.of(ONE)],
    parent: [],
    seed: 0n,
  };
  const { checkpointRoots: roots } = await runJob({ backend: wasmBackend, program, inputs });
  const run = openGameRun({
    program,
    inputs,
    checkpoints: { roots, load: () => Promise.resolve(undefined) },
  });
  const claiming = (a: number, b: number) =>
    run.point(position, {
      children: [],
      chunk: "0x",
      claims: { values: [0, a, b], rows: [0, 0, 0], accumulator: 0 },
    });
  assert.deepEqual(await claiming(OTHER_NAN, TWO), { move: "pointClaim", claim: 2 });
  assert.deepEqual(await claiming(ONE, ONE), { move: "pointClaim", claim: 1 });
  assert.equal(await claiming(OTHER_NAN, ONE), undefined);
  const { primitive, bits, operands } = await run.scalar(position);
  assert.deepEqual([primitive, bits], ["select", ONE]);
  assert.deepEqual(
    operands.map((one) => one.bits),
    [0, NAN, ONE],
  );
  await run.close();
});
