/**
 * Runs in a thread of its own: a stranger's program compiled to WebAssembly, nothing else. It reads no file but that of a data set
 * which does not fit into memory; what it finds goes to the watcher as messages.
 */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import type { Backend, Inputs, Words } from "@assay/engine/backend";
import { parseProgram } from "@assay/engine/ir/json";
import type { Program } from "@assay/engine/ir/types";
import { referenceBackend } from "@assay/engine/reference/backend";
import { intervalsOf } from "@assay/engine/trace/recorder";
import { stateRoot } from "@assay/engine/trace/roots";
import { runJob, type StartState } from "@assay/engine/trace/run";
import { createWasmBackend } from "@assay/engine/wasm/backend";
import { threadFailure } from "@assay/runtime/threads";
import { zeroHash } from "viem";
import type {
  Assignment,
  ConfirmAssignment,
  Disagreement,
  FromThread,
  ReplayAssignment,
} from "./messages.ts";

if (parentPort === null) throw new Error("this file runs as a worker thread");
const port = parentPort;

const say = (message: FromThread, give: readonly Words[] = []): void =>
  port.postMessage(
    message,
    give.map((words) => words.buffer as ArrayBuffer),
  );

const inputsOf = ({ data, parent, seed }: Assignment): Inputs => ({ data, parent, seed });

const replay = async (job: ReplayAssignment): Promise<void> => {
  const program = parseProgram(job.program);
  const result = await runJob({
    backend: createWasmBackend(job.engine),
    program,
    inputs: inputsOf(job),
    start: job.start,
    resume: job.resume,
    until: job.until,
    yieldEvery: job.stride,
    onCheckpoint: async ({ index, step, roots, state }) => {
      say({ kind: "checkpoint", index, step, roots, state }, state);
      await once(port, "message");
    },
  });
  const { n, prefixRoot, stateRoot: last, modelRoot, evalRoot, checkpointRoots } = result;
  const whole = n === intervalsOf(program, job.start?.step ?? 0);
  say({
    kind: "replayed",
    run: {
      checkpoint: n,
      prefixRoot,
      stateRoot: last,
      modelRoot,
      // A prefix has no evaluation.
      evalRoot: whole ? evalRoot : zeroHash,
      roots: checkpointRoots,
    },
  });
};

/** The state after one step from a checkpoint. */
const nextState = async (
  backend: Backend,
  program: Program,
  inputs: Inputs,
  from: StartState,
): Promise<string> => {
  const execution = await backend.prepare(program, inputs);
  try {
    execution.load(from.state, from.step);
    execution.run(1);
    return stateRoot(program, execution.state());
  } finally {
    execution.close();
  }
};

const confirm = async (job: ConfirmAssignment): Promise<Disagreement> => {
  const program = parseProgram(job.program);
  const inputs = inputsOf(job);
  const backend = createWasmBackend(job.engine);
  for (const from of job.samples) {
    const fast = await nextState(backend, program, inputs, from);
    const slow = await nextState(referenceBackend, program, inputs, from);
    if (fast !== slow) return "back ends";
  }
  if (!job.again) return undefined;
  const { start, until } = job;
  const second = await runJob({ backend, program, inputs, start, until });
  const same = second.checkpointRoots.every((root, i) => root === job.roots[i]);
  return same ? undefined : "second run";
};

try {
  const job = workerData as Assignment;
  if (job.kind === "replay") await replay(job);
  else say({ kind: "confirmed", disagreement: await confirm(job) });
} catch (error) {
  say(threadFailure(error, "REPLAY_CRASHED"));
}
