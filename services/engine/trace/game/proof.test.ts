import assert from "node:assert/strict";
import { test } from "node:test";
import type { Position } from "@assay/protocol/domain/disputes";
import { LEVELS, PHASES } from "@assay/protocol/domain/disputes";
import { ABSENT, fromHex } from "@assay/protocol/commitments/hash";
import { chunkCount, chunkLeaf, tensorRootOf } from "@assay/protocol/commitments/tensor";
import { verifyProof } from "@assay/protocol/commitments/tree";
import { elements, terms } from "../../ir/shape.ts";
import { DTYPE } from "../../ir/types.ts";
import { readingAt } from "../../reference/scalar.ts";
import { openDataFolder } from "../../testing/in-files.ts";
import { largeProgram } from "../../testing/large.ts";
import { type RandomCase, randomProgram } from "../../testing/program.ts";
import { Random } from "../../testing/random.ts";
import { honestRun } from "../../testing/runs.ts";
import { wasmBackend } from "../../wasm/backend.ts";
import { nodeHasher } from "../hasher.ts";
import { openGameRun } from "./game.ts";

const NO_CLAIMS = { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 } as const;

const NOWHERE: Position = {
  jobId: ABSENT,
  provider: "0x0000000000000000000000000000000000000000",
  bindings: ABSENT,
  phase: 0,
  level: 0,
  node: ABSENT,
  count: 1,
  index: 0,
  height: 0,
  last: ABSENT,
  shown: ABSENT,
  checkpoint: 0,
  step: 0,
  stepsRest: ABSENT,
  list: 0,
  lastOp: 0,
  opsRest: ABSENT,
  op: 0,
  opHash: ABSENT,
  dtype: 0,
  operands: 0,
  terms: 0,
  size: 0,
  element: 0,
  term: 0,
  bits: 0,
  accumulatorKnown: true,
  accumulator: 0,
  termsRoot: ABSENT,
  claim: 0,
};

const CASES: readonly RandomCase[] = [
  ...Array.from({ length: 60 }, (_, number) => randomProgram(number, { ops: 4, dimension: 5 })),
  // Columns of several chunks.
  ...Array.from({ length: 4 }, (_, number) => largeProgram(number)),
];

test("operands from the data set and from the parent model are proven under their roots, with the data in memory or in a file", async (t) => {
  const proven = { data: 0, parent: 0 };
  let laterChunks = 0;
  const folder = await openDataFolder();
  t.after(() => folder.close());
  for (const [number, { program, inputs }] of CASES.entries()) {
    const random = new Random(number);
    const honest = await honestRun({ program, inputs }, {});
    const { checkpoints } = honest;
    const run = openGameRun({ program, inputs, checkpoints });
    const onFile = await folder.inFile(inputs);
    const other = openGameRun({ program, inputs: onFile, checkpoints, backend: wasmBackend });
    for (const [index, op] of program.step.entries()) {
      const element = random.integer(0, elements(op.out.shape) - 1);
      const term = random.integer(0, terms(op) - 1);
      const at: Position = {
        ...NOWHERE,
        level: LEVELS.indexOf("chunk"),
        phase: PHASES.indexOf("judge"),
        list: 1,
        checkpoint: 1,
        step: 1,
        op: index,
        lastOp: index,
        element,
        term,
      };
      const judged = await run.answer(at, NO_CLAIMS);
      assert.ok(judged.move === "judge");
      assert.deepEqual(await other.answer(at, NO_CLAIMS), judged);
      for (const k of op.operands.keys()) {
        const { value } = readingAt(op, k, element, term, judged.claims.rows[k] ?? 0);
        const kind = value?.source.kind;
        if (value === undefined || (kind !== "data" && kind !== "parent")) continue;
        const types = program[kind];
        const tensor = value.source.index;
        const pointedAt = { ...at, phase: PHASES.indexOf("prove"), claim: k };
        const shown = await run.answer(pointedAt, judged.claims);
        assert.deepEqual(await other.answer(pointedAt, judged.claims), shown);
        assert.ok(shown.move === "prove");
        const { root, rootProof, dtype, chunks, chunkProof, chunk, table } = shown.proof;
        if (table) continue;
        const under = honest.of[kind === "data" ? "dataRoot" : "parentRoot"];
        assert.ok(verifyProof(nodeHasher, under, types.length, tensor, root, rootProof));
        const type = types[tensor];
        assert.ok(type !== undefined && dtype === DTYPE[type.dtype]);
        assert.equal(root, tensorRootOf(nodeHasher, dtype, type.shape, chunks));
        const size = elements(type.shape);
        if (value.address < 0 || value.address >= size) assert.equal(chunk, "0x");
        else {
          const place = Math.floor(value.address / 256);
          const leaf = chunkLeaf(nodeHasher, dtype, place, fromHex(chunk));
          assert.ok(verifyProof(nodeHasher, chunks, chunkCount(size), place, leaf, chunkProof));
          proven[kind]++;
          if (place > 0 && kind === "data") laterChunks++;
        }
      }
    }
    await run.close();
    await other.close();
    await honest.descent.close();
  }
  assert.ok(proven.data > 10 && proven.parent > 10, JSON.stringify(proven));
  assert.ok(laterChunks > 3, `${laterChunks}`);
});
