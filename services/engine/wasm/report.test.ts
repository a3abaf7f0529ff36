import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProgramBuilder } from "../builder/program.ts";
import { contract } from "../builder/reduce.ts";
import { transpose } from "../builder/views.ts";
import { zeros } from "../models/initial.ts";
import { compile } from "./compile.ts";
import { NARROW_TILE } from "./microkernel.ts";
import { speedReport } from "./report.ts";
import { compileModule, instantiate } from "./runtime.ts";

/** A product, and a copy of its transpose, which reads a column where it writes a row. */
const programOf = (turned: boolean) => {
  const job = new ProgramBuilder({ steps: 3, interval: 3 });
  const out = job.state("out", zeros([32, 32]), { parameter: true });
  const a = job.data("a", "f32", [32, 32]);
  const product = contract("ik,kj->ij", a, out);
  job.update(out, turned ? transpose(product, [1, 0]) : product);
  return job.build();
};

describe("what is said of a compiled program", () => {
  it("names an op that cannot run at full speed, why, and its share of the step", () => {
    const program = programOf(true);
    const report = speedReport(program, compile(program, NARROW_TILE).report);
    assert.equal(report.slowCount, 1);
    assert.match(report.slow[0] ?? "", /^step\[1\]: op 1: operand 0 gathered .* % of step\)$/);
    assert.ok(report.slowShare > 0 && report.slowShare < 0.1);
  });

  it("says nothing where all is at full speed", () => {
    const program = programOf(false);
    const report = speedReport(program, compile(program, NARROW_TILE).report);
    assert.deepEqual([report.slowCount, report.slowShare, report.slow], [0, 0, []]);
  });

  it("gives the bytes of a memory that cannot grow", async () => {
    const program = programOf(true);
    const { bytes, report } = compile(program, NARROW_TILE);
    const { memory, runInit, runStep } = await instantiate(await compileModule(bytes));
    assert.equal(memory.buffer.byteLength, speedReport(program, report).memoryBytes);
    runInit();
    for (let step = 0; step < program.steps; step++) runStep();
    assert.equal(memory.buffer.byteLength, report.peakBytes);
    const growing = memory as unknown as { grow(pages: number): number };
    assert.throws(() => growing.grow(1), RangeError);
  });
});
