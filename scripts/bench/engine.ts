/**
 * The engine's speed, beside numpy and PyTorch (where a python3 has them; on Debian `python3-torch libopenblas0-pthread`, without
 * the latter it multiplies matrices slowly) and plain JavaScript loops: same work, same run, one
 * thread but where two are named. Figures mean something on a quiet machine: the load stands beside them. `--json`:
 * figures on the last line.
 */
import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { estimateJob } from "@assay/engine/estimate/estimate";
import type { Program } from "@assay/engine/ir/types";
import { tensorRoot } from "@assay/protocol/commitments/tensor";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoots } from "@assay/engine/trace/roots";
import { runJob } from "@assay/engine/trace/run";
import {
  createWasmBackend,
  wasmBackend,
  wideWasmBackend,
  type WasmBackend,
  type WasmExecution,
} from "@assay/engine/wasm/backend";
import { naiveMatmul, naiveMlpStep } from "./engine-naive.ts";
import {
  BATCH,
  inputsOf,
  lenetProgram,
  matmulProgram,
  mlpProgram,
  transformerProgram,
} from "./engine-programs.ts";

const SIZES = [256, 512, 1024] as const;
const NAIVE_SIZE = 256;
const COMMITTED_BYTES = 25 * 2 ** 20;
/** Steps between two checkpoints of the jobs that the overhead is measured on. */
const INTERVAL = 100;

interface Goal {
  readonly least?: number;
  readonly most?: number;
}

interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly goal: Goal;
  readonly ok: boolean | null;
}

/** Best milliseconds of a call over several rounds of about `roundMs`. */
const best = (roundMs: number, rounds: number, run: () => void): number => {
  let fastest = Number.POSITIVE_INFINITY;
  let count = 1;
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    for (let i = 0; i < count; i++) run();
    const each = (performance.now() - begun) / count;
    fastest = Math.min(fastest, each);
    count = Math.max(1, Math.round(roundMs / each));
  }
  return fastest;
};

/** Runs until V8 has put its optimised code in place of the first one, which it makes in the background. */
const warm = async (execution: WasmExecution, steps: number): Promise<void> => {
  for (let i = 0; i < 4; i++) {
    execution.run(steps);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const stepMs = async (
  backend: WasmBackend,
  program: Program,
  warmSteps: number,
): Promise<number> => {
  const execution = await backend.prepare(program, inputsOf(program));
  execution.init();
  await warm(execution, warmSteps);
  const ms = best(150, 7, () => execution.run(1));
  execution.close();
  return ms;
};

const figuresSchema = z.record(z.string(), z.number());

/** Figures of the same work in Python; empty where no python3 has what the script imports. */
const python = (script: string): Readonly<Record<string, number>> => {
  const file = fileURLToPath(new URL(script, import.meta.url));
  for (const command of ["python3", "/usr/bin/python3"]) {
    const { status, stdout } = spawnSync(command, [file], { encoding: "utf8" });
    if (status === 0) return figuresSchema.parse(JSON.parse(stdout));
  }
  return {};
};

const figures: Record<string, Figure> = {};

/** Notes and prints one figure; a goal is on the ratio to the baseline where there is one, else on the value. */
const note = (
  name: string,
  value: number,
  unit: string,
  baseline: number | null = null,
  goal: Goal = {},
): void => {
  const ratio = baseline === null ? null : value / baseline;
  const measured = ratio ?? value;
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = goal;
  const ok =
    goal.least === undefined && goal.most === undefined
      ? null
      : measured >= least && measured <= most;
  figures[name] = { value, unit, baseline, ratio, goal, ok };
  const beside = ratio === null ? "" : `${ratio.toFixed(2)} × baseline`;
  const wanted = [
    ...(goal.least === undefined ? [] : [`≥ ${goal.least}`]),
    ...(goal.most === undefined ? [] : [`≤ ${goal.most}`]),
  ].join(", ");
  const verdict = ok === null ? "" : `goal ${wanted} ${ok ? "✓" : "✗"}`;
  console.log(
    `${name.padEnd(40)} ${value.toFixed(2).padStart(9)} ${unit.padEnd(8)} ${beside.padEnd(18)} ${verdict}`,
  );
};

/** A goal against a baseline that may not be there. */
const against = (baseline: number | null, goal: Goal): Goal => (baseline === null ? {} : goal);

console.log(
  `load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}`,
);
const numpy = python("engine-numpy.py");
const torch = python("engine-torch.py");
for (const [name, known] of Object.entries({ numpy, PyTorch: torch }))
  for (const [what, value] of Object.entries(known))
    note(`${name} ${what}`, value, what.startsWith("matmul") ? "GFLOP/s" : "ms");

const naiveMs = best(200, 3, naiveMatmul(NAIVE_SIZE));
note(`naive JavaScript matmul ${NAIVE_SIZE}`, (2 * NAIVE_SIZE ** 3) / naiveMs / 1e6, "GFLOP/s");
const naiveMlp = best(200, 3, naiveMlpStep(BATCH));
note("naive JavaScript MLP step", naiveMlp, "ms");

const backends = [wasmBackend, wideWasmBackend];
const pair = createWasmBackend({ lanes: "wide", threads: 2 });
const models = {
  MLP: { program: mlpProgram(), warmSteps: 100, goal: { most: 2.2 }, beside: numpy["mlp step"] },
  LeNet: { program: lenetProgram(), warmSteps: 10, goal: { most: 3 }, beside: torch["LeNet step"] },
  transformer: {
    program: transformerProgram(),
    warmSteps: 2,
    goal: { most: 3 },
    beside: torch["transformer step"],
  },
};

// Start-up first: later runs find the programs compiled.
for (const [name, { program }] of Object.entries(models)) {
  const inputs = inputsOf(program);
  for (const [how, goal] of [
    ["first", { most: 2000 }],
    ["again", { most: 250 }],
  ] as const) {
    const begun = performance.now();
    const execution = await wideWasmBackend.prepare(program, inputs);
    note(`start-up ${name}, ${how}`, performance.now() - begun, "ms", null, goal);
    if (how === "first") {
      const { peakBytes, kernels, slow } = execution.report;
      note(`peak memory ${name}`, peakBytes / 2 ** 20, "MiB");
      note(`kernels of ${name} not at full speed`, slow.length, `of ${kernels.length}`);
    }
    execution.close();
  }
}

const wideMs: Record<string, number> = {};
for (const backend of backends) {
  const judged = backend === wideWasmBackend;
  for (const n of SIZES) {
    const ms = await stepMs(backend, matmulProgram(n), Math.ceil(3e8 / n ** 3));
    if (judged) wideMs[`matmul ${n}`] = ms;
    const known = numpy[`matmul ${n}`] ?? null;
    const goal = judged && n === 1024 ? against(known, { least: 0.45 }) : {};
    note(`${backend.name} matmul ${n}`, (2 * n ** 3) / ms / 1e6, "GFLOP/s", known, goal);
  }
  for (const [name, { program, warmSteps, goal, beside = null }] of Object.entries(models)) {
    const ms = await stepMs(backend, program, warmSteps);
    if (judged) wideMs[name] = ms;
    note(`${backend.name} ${name} step`, ms, "ms", beside, judged ? against(beside, goal) : {});
    if (name === "MLP")
      note(`${backend.name} MLP step against naive`, ms, "ms", naiveMlp, { most: 0.1 });
  }
}

for (const n of [512, 1024]) {
  const ms = await stepMs(pair, matmulProgram(n), Math.ceil(3e8 / n ** 3));
  note(`two threads, matmul ${n}`, ms, "ms", wideMs[`matmul ${n}`] ?? null, { most: 1 / 1.7 });
}
const pairMs = await stepMs(pair, models.transformer.program, 2);
note("two threads, transformer step", pairMs, "ms", wideMs["transformer"] ?? null, {
  most: 1 / 1.7,
});

const bytes = new Uint8Array(COMMITTED_BYTES).map((_, i) => (i * 31) & 255);
const shape = [COMMITTED_BYTES / 4];
const commitMs = best(200, 5, () => tensorRoot(nodeHasher, { dtype: 0, shape, bytes }));
note("commitment of 25 MiB", COMMITTED_BYTES / commitMs / 1e6, "GB/s", null, { least: 1 });

for (const [name, { program, warmSteps }] of Object.entries(models)) {
  const execution = await wideWasmBackend.prepare(program, inputsOf(program));
  execution.init();
  execution.run(warmSteps);
  const ms = best(50, 3, () => stateRoots(program, execution.state()));
  execution.close();
  const share = (100 * ms) / (INTERVAL * (wideMs[name] ?? Number.NaN));
  note(`checkpoint every ${INTERVAL} steps, ${name}`, share, "% of it", null, { most: 2 });
}

for (const [name, { program, warmSteps }] of Object.entries(models)) {
  const steps = 20 * warmSteps + 40;
  const job = { ...program, steps, interval: INTERVAL };
  const inputs = inputsOf(job);
  const { totalSeconds } = await estimateJob(wideWasmBackend, job, inputs, 1500);
  const begun = performance.now();
  await runJob({ backend: wideWasmBackend, program: job, inputs, yieldEvery: 10 });
  const took = (performance.now() - begun) / 1000;
  note(`estimate of ${steps} steps, ${name}`, totalSeconds, "s", took, { least: 0.85, most: 1.15 });
}

console.log(
  `load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}`,
);
if (process.argv.includes("--json")) console.log(JSON.stringify({ load: loadavg(), figures }));
process.exitCode = Object.values(figures).some(({ ok }) => ok === false) ? 1 : 0;
