/**
 * The engine's speed, beside numpy and PyTorch (Debian's `python3-numpy`, `python3-torch` and `libopenblas0-pthread`, without
 * which it multiplies matrices slowly), tfjs-wasm (fetched at the first run) and plain JavaScript loops: same work, same run,
 * one thread. Rounds of the engine and of what it is compared with take turns. Figures of one thread are processor time, into
 * which other processes' turns do not count; those of two threads are the clock's and mean something on a quiet machine only,
 * so the load stands beside them. `--json`: figures on the last line.
 */
import { loadavg } from "node:os";
import type { Backend, Execution } from "@assay/engine/backend";
import { estimateJob } from "@assay/engine/estimate/estimate";
import type { Program } from "@assay/engine/ir/types";
import { openDataFolder } from "@assay/engine/testing/in-files";
import { tensorRoot } from "@assay/protocol/commitments/tensor";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoots } from "@assay/engine/trace/roots";
import { runJob } from "@assay/engine/trace/run";
import {
  createWasmBackend,
  wasmBackend,
  wideWasmBackend,
  type WasmBackend,
} from "@assay/engine/wasm/backend";
import { speedReport } from "@assay/engine/wasm/report";
import { startBaselines, type Baseline } from "./engine-baselines.ts";
import { naiveMatmul, naiveMlpStep } from "./engine-naive.ts";
import {
  BATCH,
  inputsOf,
  lenetProgram,
  matmulProgram,
  mlpProgram,
  transformerProgram,
} from "./engine-programs.ts";
import { createFigures, type Goal } from "./figures.ts";

const SIZES = [256, 512, 1024] as const;
const NAIVE_SIZE = 256;
const COMMITTED_BYTES = 25 * 2 ** 20;
/** Steps between two checkpoints of the jobs that the overhead is measured on. */
const INTERVAL = 100;
/** Milliseconds of one measurement, and measurements of each figure. */
const ROUND_MS = 150;
const ROUNDS = 5;

/** Milliseconds of this process's processor time. */
const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Measures one round of a call, each time it is called: milliseconds a call. */
const rounds = (run: () => void, clock = spent): (() => Promise<number>) => {
  const timed = (count: number): number => {
    const begun = clock();
    for (let i = 0; i < count; i++) run();
    return (clock() - begun) / count;
  };
  timed(1);
  const count = Math.max(1, Math.round(ROUND_MS / Math.max(1e-3, timed(1))));
  return () => Promise.resolve(timed(count));
};

/** The least of several rounds of each, taken in turns. */
const leastOf = async (
  all: readonly (() => Promise<number>)[],
  times = ROUNDS,
): Promise<number[]> => {
  const found = all.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < times; round++)
    for (const [i, one] of all.entries()) found[i] = Math.min(found[i] ?? 0, await one());
  return found;
};

/** Runs until V8 has put its optimised code in place of the first one, which it makes in the background. */
const warm = async (execution: Execution, steps: number): Promise<void> => {
  for (let i = 0; i < 4; i++) {
    execution.run(steps);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** A warm execution of a program. */
const ready = async (backend: Backend, program: Program, warmSteps: number): Promise<Execution> => {
  const execution = await backend.prepare(program, inputsOf(program));
  execution.init();
  await warm(execution, warmSteps);
  return execution;
};

const figures = createFigures();
const note = (
  name: string,
  value: number,
  unit: string,
  baseline: number | null = null,
  goal: Goal | null = null,
): void => figures.note(name, value, unit, { baseline, goal });

/** A goal against a baseline that may not be there. */
const against = (baseline: number | null, goal: Goal): Goal | null =>
  baseline === null ? null : goal;

const showLoad = (): void =>
  console.log(
    `load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(" ")}`,
  );

showLoad();
const { running, missing } = await startBaselines();
for (const how of missing) console.log(`not compared with ${how}`);

const models = {
  MLP: { program: mlpProgram(), warmSteps: 100, beside: "numpy", goal: { most: 2.2 } },
  LeNet: { program: lenetProgram(), warmSteps: 20, beside: "PyTorch", goal: { most: 3 } },
  transformer: {
    program: transformerProgram(),
    warmSteps: 2,
    beside: "PyTorch",
    goal: { most: 3 },
  },
};

// Start-up first: later runs find the programs compiled.
for (const [name, { program }] of Object.entries(models)) {
  const inputs = inputsOf(program);
  for (const [how, goal] of [
    ["first", { most: 2000 }],
    ["again", { most: 250 }],
  ] as const) {
    const begun = spent();
    const execution = await wasmBackend.prepare(program, inputs);
    note(`start-up ${name}, ${how}`, spent() - begun, "ms", null, goal);
    if (how === "first") {
      const { memoryBytes, slowShare } = speedReport(program, execution.report);
      note(`peak memory ${name}`, memoryBytes / 2 ** 20, "MiB");
      note(`work of ${name} below full speed`, 100 * slowShare, "% of it", null, { most: 5 });
    }
    execution.close();
  }
}

/** One piece of work on a back end, in turns with all baselines that can do it. Milliseconds by who did it. */
const compared = async (work: string, execution: Execution): Promise<Map<string, number>> => {
  const others: readonly Baseline[] = running.filter(({ works }) => works.includes(work));
  const ours = rounds(() => execution.run(1));
  const [own = 0, ...theirs] = await leastOf([
    ours,
    ...others.map((other) => () => other.round(work)),
  ]);
  return new Map([["own", own], ...others.map(({ name }, i) => [name, theirs[i] ?? 0] as const)]);
};

const [naiveMs = 0, naiveMlpMs = 0] = await leastOf(
  [rounds(naiveMatmul(NAIVE_SIZE)), rounds(naiveMlpStep(BATCH))],
  3,
);
note(`naive JavaScript matmul ${NAIVE_SIZE}`, (2 * NAIVE_SIZE ** 3) / naiveMs / 1e6, "GFLOP/s");
note("naive JavaScript MLP step", naiveMlpMs, "ms");

const ownMs: Record<string, number> = {};
const measure = async (backend: WasmBackend): Promise<void> => {
  for (const n of SIZES) {
    const execution = await ready(backend, matmulProgram(n), Math.ceil(3e8 / n ** 3));
    const ms = await compared(`matmul ${n}`, execution);
    execution.close();
    const rate = (who: string): number | null => {
      const each = ms.get(who);
      return each === undefined ? null : (2 * n ** 3) / each / 1e6;
    };
    const known = rate("numpy");
    if (known !== null) note(`numpy matmul ${n}`, known, "GFLOP/s");
    // 128-bit lanes end where the processor can take no more of them a turn; figures of both stand here, the goal is on what the engine can do.
    const goal = backend === wideWasmBackend ? against(known, { least: 0.45 }) : null;
    note(`${backend.name} matmul ${n}`, rate("own") ?? 0, "GFLOP/s", known, goal);
  }
  for (const [name, { program, warmSteps, goal, beside }] of Object.entries(models)) {
    const execution = await ready(backend, program, warmSteps);
    const ms = await compared(`${name} step`, execution);
    execution.close();
    const own = ms.get("own") ?? 0;
    ownMs[`${backend.name} ${name}`] = own;
    for (const [who, each] of ms) if (who !== "own") note(`${who} ${name} step`, each, "ms");
    const known = ms.get(beside) ?? null;
    note(`${backend.name} ${name} step`, own, "ms", known, against(known, goal));
    if (name !== "MLP") continue;
    const slower = ms.get("tfjs-wasm") ?? null;
    note(`${backend.name} MLP step, tfjs-wasm`, own, "ms", slower, against(slower, { most: 0.1 }));
    note(`${backend.name} MLP step, naive`, own, "ms", naiveMlpMs, { most: 0.1 });
  }
};

const clock = (): number => performance.now();
const pair = createWasmBackend({ lanes: "narrow", threads: 2 });
/** The clock's time of two threads against one, in turns. */
const paired = async (name: string, program: Program, warmSteps: number): Promise<void> => {
  const executions = [
    await ready(wasmBackend, program, warmSteps),
    await ready(pair, program, warmSteps),
  ];
  const [one = 0, two = 0] = await leastOf(
    executions.map((execution) => rounds(() => execution.run(1), clock)),
  );
  for (const execution of executions) execution.close();
  note(`two threads against one, ${name}`, one / two, "×", null, { least: 1.7 });
};

/** What it costs that the batch is read from a file (which the system has in memory). */
const fromFile = async (name: string, program: Program, warmSteps: number): Promise<void> => {
  const folder = await openDataFolder();
  const executions = [
    await ready(wasmBackend, program, warmSteps),
    await ready(folder.backend(wasmBackend), program, warmSteps),
  ];
  const [memory = 0, file = 0] = await leastOf(
    executions.map((execution) => rounds(() => execution.run(1))),
  );
  for (const execution of executions) execution.close();
  await folder.close();
  note(`${name} step with its data in a file`, file, "ms", memory, { most: 1.25 });
};

await measure(wasmBackend);
await fromFile("MLP", models.MLP.program, 100);
await fromFile("LeNet", models.LeNet.program, 20);
await paired("matmul 512", matmulProgram(512), 3);
await paired("matmul 1024", matmulProgram(1024), 1);
await paired("transformer step", models.transformer.program, 2);

const bytes = new Uint8Array(COMMITTED_BYTES).map((_, i) => (i * 31) & 255);
const shape = [COMMITTED_BYTES / 4];
const [commitMs = 0] = await leastOf([
  rounds(() => void tensorRoot(nodeHasher, { dtype: 0, shape, bytes })),
]);
note("commitment of 25 MiB", COMMITTED_BYTES / commitMs / 1e6, "GB/s", null, { least: 1 });

for (const [name, { program, warmSteps }] of Object.entries(models)) {
  const execution = await ready(wasmBackend, program, warmSteps);
  const [ms = 0] = await leastOf([rounds(() => void stateRoots(program, execution.state()))], 3);
  execution.close();
  const share = (100 * ms) / (INTERVAL * (ownMs[`wasm ${name}`] ?? Number.NaN));
  note(`checkpoint every ${INTERVAL} steps, ${name}`, share, "% of it", null, { most: 2 });
}

/** Steps of a job of about two seconds, which is predicted and run in turns, both in processor time. */
const PREDICTED = { MLP: 2000, LeNet: 300, transformer: 12 } as const;
for (const [name, { program }] of Object.entries(models)) {
  const steps = PREDICTED[name as keyof typeof models];
  const job = { ...program, steps, interval: INTERVAL };
  const inputs = inputsOf(job);
  const turns: { readonly predicted: number; readonly taken: number }[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const { totalSeconds } = await estimateJob(wasmBackend, job, inputs, 1000, spent);
    const begun = spent();
    await runJob({ backend: wasmBackend, program: job, inputs, yieldEvery: 10 });
    turns.push({ predicted: totalSeconds, taken: (spent() - begun) / 1000 });
  }
  const goal = { least: 0.85, most: 1.15 };
  const middle = turns.toSorted((a, b) => a.predicted / a.taken - b.predicted / b.taken)[1];
  if (middle !== undefined)
    note(`estimate of ${steps} steps, ${name}`, middle.predicted, "s", middle.taken, goal);
}

// The flag for wide lanes holds for the whole process from here on.
await measure(wideWasmBackend);
for (const baseline of running) baseline.close();

showLoad();
figures.finish();
