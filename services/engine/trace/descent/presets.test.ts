import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { elements, terms } from "../../ir/shape.ts";
import { playFault } from "../../testing/games.ts";
import type { RandomCase } from "../../testing/program.ts";
import { honestRun } from "../../testing/runs.ts";
import { SMALL_PRESETS } from "../../testing/small-presets.ts";
import { wasmBackend } from "../../wasm/backend.ts";

describe("a fault in a training step", () => {
  for (const [name, { program, data }] of Object.entries(SMALL_PRESETS)) {
    it(`is found in any op that matters: ${name}`, async () => {
      const job: RandomCase = { program, inputs: { data, parent: [], seed: 5n } };
      const run = await honestRun(job, { backend: wasmBackend });
      let found = 0;
      const stride = Math.ceil(program.step.length / 30);
      for (let op = program.step.length % stride; op < program.step.length; op += stride) {
        const { out } = program.step[op]!;
        const element = Math.floor(elements(out.shape) / 2);
        const term = Math.floor(terms(program.step[op]!) / 2);
        const flip = { list: "step", step: 1, op, element, term } as const;
        const verdict = await playFault(job, run, { flip });
        if (verdict === undefined) continue;
        found++;
        assert.equal(verdict.winner, "challenger");
        assert.equal(verdict.reason, "scalar");
        const section = { list: "step", interval: 1, step: 1 };
        assert.deepEqual(verdict.position, { kind: "scalar", section, op, element, term });
      }
      assert.ok(found >= 12, `only ${found} faults had an effect`);
      await run.descent.close();
    });
  }
});
