import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { columnsOf, PRESETS } from "../testing/presets.ts";
import type { Program } from "../ir/types.ts";
import { createWasmBackend } from "./backend.ts";
import { compile } from "./compile.ts";
import { divisionFor } from "./parallel.ts";
import { LANES, memoryOf, PLAIN_ENGINE, settleEngine, tileOf, type Machine } from "./settings.ts";

const AVX2 = "processor\t: 0\nflags\t\t: fpu sse4_2 avx avx2 fma\n";
const machine = (change: Partial<Machine> = {}): Machine => ({
  cores: 8,
  arch: "x64",
  cpuinfo: AVX2,
  ...change,
});
const threadsOf = (cores: number, jobs: number): number =>
  settleEngine({ lanes: "narrow", threads: "auto" }, jobs, machine({ cores })).engine.threads;

describe("threads", () => {
  it("auto: all cores but one between the jobs, one at least and four at most", () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 64].map((cores) => threadsOf(cores, 1)),
      [1, 1, 2, 3, 4, 4, 4],
    );
    assert.equal(threadsOf(8, 2), 3);
    assert.equal(threadsOf(8, 7), 1);
    assert.equal(threadsOf(8, 100), 1);
  });

  it("are as many as the owner says otherwise", () => {
    const settled = settleEngine({ lanes: "narrow", threads: 12 }, 4, machine());
    assert.deepEqual(settled, { engine: { lanes: "narrow", threads: 12 } });
  });
});

describe("wide lanes", () => {
  const settle = (change: Partial<Machine>) =>
    settleEngine({ lanes: "wide", threads: 2 }, 1, machine(change));

  it("are given where the processor has them, and where it does not tell", () => {
    const wide = { engine: { lanes: "wide", threads: 2 } };
    assert.deepEqual(settle({}), wide);
    assert.deepEqual(settle({ cpuinfo: undefined }), wide);
    assert.deepEqual(settle({ cpuinfo: "no such line" }), wide);
  });

  it("become narrow ones elsewhere, with the reason", () => {
    const old = settle({ cpuinfo: AVX2.replace("avx2 ", "") });
    assert.deepEqual(old.engine, { lanes: "narrow", threads: 2 });
    assert.match(old.missing ?? "", /AVX2/);
    const arm = settle({ arch: "arm64", cpuinfo: undefined });
    assert.deepEqual(arm.engine, { lanes: "narrow", threads: 2 });
    assert.match(arm.missing ?? "", /arm64/);
  });
});

describe("memory", () => {
  const program = PRESETS["transformer-lm"] as Program;

  it("is that of the run, with the threads beside the first", async () => {
    const inputs = { data: columnsOf(program), parent: [], seed: 1n };
    for (const lanes of LANES)
      for (const threads of [1, 3]) {
        const execution = await createWasmBackend({ lanes, threads }).prepare(program, inputs);
        const { peakBytes } = execution.report;
        execution.close();
        const beside = memoryOf(program, { lanes, threads }) - peakBytes;
        assert.equal(beside > 0, threads > 1, `${lanes} ${threads}: ${beside}`);
      }
  });

  it("is that of one thread where a step has nothing worth dividing", () => {
    const small = PRESETS["mlp"] as Program;
    const division = { count: 4, leastWork: 2 ** 30 };
    const alone = compile(small, tileOf("narrow"));
    const compiled = compile(small, tileOf("narrow"), division);
    assert.equal(compiled.threads, 1);
    assert.deepEqual(compiled.bytes, alone.bytes);
    assert.equal(compile(small, tileOf("narrow"), divisionFor(4)).threads, 4);
    assert.equal(memoryOf(small, PLAIN_ENGINE), alone.report.peakBytes);
  });
});
