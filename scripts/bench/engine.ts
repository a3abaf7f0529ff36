/**
 * The engine's speed on one core, beside numpy (where python3 has it) and plain JavaScript loops, same work, same run.
 * `--json`: figures on the last line.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Inputs } from "@assay/engine/backend";
import { contract } from "@assay/engine/builder/reduce";
import { ProgramBuilder } from "@assay/engine/builder/program";
import type { Program } from "@assay/engine/ir/types";
import { zeros } from "@assay/engine/models/initial";
import { mlp } from "@assay/engine/models/mlp";
import {
  wasmBackend,
  wideWasmBackend,
  type WasmBackend,
  type WasmExecution,
} from "@assay/engine/wasm/backend";
import { compile } from "@assay/engine/wasm/compile";
import { NARROW_TILE } from "@assay/engine/wasm/microkernel";
import { naiveMatmul, naiveMlpStep } from "./engine-naive.ts";

const SIZES = [256, 512, 1024] as const;
const NAIVE_SIZE = 256;
const ROWS = 4096;
const BATCH = 64;
const MANY_STEPS = 1_000_000;

interface Figure {
  readonly value: number;
  readonly unit: string;
  readonly baseline: number | null;
  readonly ratio: number | null;
  readonly goal: number | null;
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

const noise = (count: number, scale: number): Uint32Array<ArrayBuffer> =>
  new Uint32Array(
    Float32Array.from({ length: count }, (_, i) => scale * Math.sin(i * 12.9898)).buffer,
  );

const matmulProgram = (n: number): Program => {
  const job = new ProgramBuilder({ steps: MANY_STEPS, interval: 1000 });
  const out = job.state("out", zeros([n, n]));
  const operands = ["a", "b"].map((name) => job.data(name, "f32", [n, n]));
  const [a, b] = operands;
  if (a === undefined || b === undefined) throw new Error("two operands");
  job.update(out, contract("ik,kj->ij", a, b));
  return job.build();
};

const mlpProgram = (): Program =>
  mlp({
    inputs: 784,
    hidden: [256],
    outputs: 10,
    activation: "relu",
    optimizer: { kind: "sgd", learningRate: 0.05 },
    batch: BATCH,
    steps: MANY_STEPS,
    interval: 1000,
    trainRows: ROWS,
    heldOutRows: 64,
  });

const mlpInputs = (): Inputs => ({
  data: [
    noise(ROWS * 784, 1),
    Uint32Array.from({ length: ROWS }, (_, i) => (i * 7) % 10),
    noise(64 * 784, 1),
    new Uint32Array(64),
  ],
  parent: [],
  seed: 1n,
});

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
  inputs: Inputs,
  warmSteps: number,
): Promise<number> => {
  const execution = await backend.prepare(program, inputs);
  execution.init();
  await warm(execution, warmSteps);
  const ms = best(150, 9, () => execution.run(1));
  execution.close();
  return ms;
};

const numpySchema = z.record(z.string(), z.number());

/** Figures of the same work in numpy; empty where python3 or numpy is not there. */
const numpy = (): Readonly<Record<string, number>> => {
  const script = fileURLToPath(new URL("engine-numpy.py", import.meta.url));
  const { status, stdout } = spawnSync("python3", [script], { encoding: "utf8" });
  return status === 0 ? numpySchema.parse(JSON.parse(stdout)) : {};
};

/** More is better when `goal` is a least ratio, less when it is a most. */
const figure = (
  value: number,
  unit: string,
  baseline: number | null,
  goal: { readonly least?: number; readonly most?: number } = {},
): Figure => {
  const ratio = baseline === null ? null : value / baseline;
  const bound = goal.least ?? goal.most ?? null;
  const measured = ratio ?? value;
  const ok =
    bound === null ? null : goal.least === undefined ? measured <= bound : measured >= bound;
  return { value, unit, baseline, ratio, goal: bound, ok };
};

const baseline = numpy();
const figures: Record<string, Figure> = {};
figures[`naive JavaScript matmul ${NAIVE_SIZE}`] = figure(
  (2 * NAIVE_SIZE ** 3) / best(200, 5, naiveMatmul(NAIVE_SIZE)) / 1e6,
  "GFLOP/s",
  null,
);
const naiveMlp = best(200, 5, naiveMlpStep(BATCH));
figures["naive JavaScript MLP step"] = figure(naiveMlp, "ms", null);

const backends = [wasmBackend, wideWasmBackend];
for (const backend of backends) {
  const judged = backend === wideWasmBackend;
  for (const n of SIZES) {
    const inputs: Inputs = { data: [noise(n * n, 1), noise(n * n, 1)], parent: [], seed: 1n };
    const ms = await stepMs(backend, matmulProgram(n), inputs, Math.ceil(3e8 / n ** 3));
    const known = baseline[`matmul ${n}`] ?? null;
    const goal = judged && n === 1024 && known !== null ? { least: 0.45 } : {};
    figures[`${backend.name} matmul ${n}`] = figure(
      (2 * n ** 3) / ms / 1e6,
      "GFLOP/s",
      known,
      goal,
    );
  }
  const ms = await stepMs(backend, mlpProgram(), mlpInputs(), 100);
  const known = baseline["mlp step"] ?? null;
  figures[`${backend.name} MLP step`] = figure(
    ms,
    "ms",
    known,
    judged && known !== null ? { most: 2.2 } : {},
  );
  figures[`${backend.name} MLP step against naive`] = figure(ms, "ms", naiveMlp, { most: 0.1 });
}
const program = mlpProgram();
figures["compile MLP"] = figure(
  best(50, 5, () => compile(program, NARROW_TILE)),
  "ms",
  null,
  { most: 300 },
);

for (const [name, { value, unit, ratio, goal, ok }] of Object.entries(figures)) {
  const beside = ratio === null ? "" : `${ratio.toFixed(2)} × baseline`;
  const verdict = ok === null ? "" : `goal ${String(goal)} ${ok ? "✓" : "✗"}`;
  console.log(
    `${name.padEnd(34)} ${value.toFixed(2).padStart(9)} ${unit.padEnd(8)} ${beside.padEnd(18)} ${verdict}`,
  );
}
if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
process.exitCode = Object.values(figures).some(({ ok }) => ok === false) ? 1 : 0;
