/**
 * Runs in a thread of its own: a program compiled to WebAssembly, nothing else. It reads no file but that of a data set which does
 * not fit into memory, writes none and opens no connection; what it makes goes to the agent as messages.
 */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { threadFailure } from "@assay/runtime/threads";
import { parseProgram } from "@assay/engine/ir/json";
import { runJob } from "@assay/engine/trace/run";
import { createWasmBackend } from "@assay/engine/wasm/backend";
import { speedReport } from "@assay/engine/wasm/report";
import type { Backend, Words } from "@assay/engine/backend";
import type { Assignment, FromThread, Measurement } from "./messages.ts";

/** Milliseconds between two reports of the loss. */
const REPORT_MS = 200;

if (parentPort === null) throw new Error("this file runs as a worker thread");
const port = parentPort;

const say = (message: FromThread, give: readonly Words[] = []): void =>
  port.postMessage(
    message,
    give.map((words) => words.buffer as ArrayBuffer),
  );

const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const sleep = (milliseconds: number): void => void Atomics.wait(sleepCell, 0, 0, milliseconds);

const train = async (job: Assignment): Promise<void> => {
  const program = parseProgram(job.program);
  const lossIndex = program.state.findIndex(
    ({ name, dtype, shape }) => name === job.lossName && dtype === "f32" && shape.length === 0,
  );
  let workedSince = performance.now();
  let reportedAt = workedSince;

  const rest = (): void => {
    const now = performance.now();
    if (job.dutyCycle < 1) sleep((now - workedSince) * (1 / job.dutyCycle - 1));
    workedSince = performance.now();
  };

  const engine = createWasmBackend(job.engine);
  const backend: Backend = {
    name: engine.name,
    prepare: async (...parts) => {
      const execution = await engine.prepare(...parts);
      say({ kind: "compiled", speed: speedReport(program, execution.report, job.data) });
      return execution;
    },
  };
  const result = await runJob({
    backend,
    program,
    inputs: { data: job.data, parent: job.parent ?? [], seed: job.seed },
    start: job.start,
    resume: job.resume,
    yieldEvery: job.stride,
    onStep: (execution) => {
      rest();
      if (workedSince - reportedAt < REPORT_MS && execution.position < program.steps) return;
      reportedAt = workedSince;
      say({ kind: "step", step: execution.position, loss: lossOf(execution, lossIndex) });
    },
    onCheckpoint: async ({ index, step, roots, state }) => {
      say({ kind: "checkpoint", index, step, roots, state }, state);
      await once(port, "message");
      workedSince = performance.now();
    },
  });
  const { n, step, prefixRoot, stateRoot, modelRoot, evalRoot, traceRoot } = result;
  const { state, evaluation } = result;
  say(
    {
      kind: "done",
      model: {
        checkpoint: n,
        step,
        prefixRoot,
        stateRoot,
        modelRoot,
        evalRoot,
        traceRoot,
        state,
        evaluation,
      },
    },
    [...state, ...evaluation],
  );
};

const measure = async (job: Measurement): Promise<void> => {
  const program = parseProgram(job.program);
  const inputs = { data: job.data, parent: job.parent ?? [], seed: job.seed };
  const execution = await createWasmBackend(job.engine).prepare(program, inputs);
  const seconds = (since: number): number => (performance.now() - since) / 1000;
  const begun = performance.now();
  execution.init();
  const initSeconds = seconds(begun);
  // Ever longer bursts, the last one counts: the first steps run in code that is not optimised yet. There is always one.
  let stepSeconds = 0;
  const stop = performance.now() + job.milliseconds;
  const wanted = (burst: number): boolean => burst === 1 || performance.now() < stop;
  for (let burst = 1; wanted(burst) && execution.position < program.steps; burst *= 2) {
    const count = Math.min(burst, program.steps - execution.position);
    const since = performance.now();
    execution.run(count);
    stepSeconds = seconds(since) / count;
  }
  execution.close();
  say({ kind: "measured", pace: { initSeconds, stepSeconds } });
};

const lossOf = (execution: { read(index: number): Words }, index: number): number | null => {
  if (index < 0) return null;
  const words = execution.read(index);
  const value = new Float32Array(words.buffer, words.byteOffset, 1)[0];
  return value !== undefined && Number.isFinite(value) ? value : null;
};

try {
  const job = workerData as Assignment | Measurement;
  if (job.kind === "measure") await measure(job);
  else await train(job);
} catch (error) {
  // The agent bounds how often it tries again.
  say(threadFailure(error, "JOB_CRASHED"));
}
