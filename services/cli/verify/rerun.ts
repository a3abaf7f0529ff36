/** Runs a job again, independently of whoever ran it first. */
import { randomInt } from "node:crypto";
import type { Words } from "@assay/engine/backend";
import { referenceBackend } from "@assay/engine/reference/backend";
import { checkpointStep, intervalsOf } from "@assay/engine/trace/recorder";
import { stateRoot } from "@assay/engine/trace/roots";
import { runJob, type JobResult, type StartState } from "@assay/engine/trace/run";
import { createWasmBackend } from "@assay/engine/wasm/backend";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import type { JobInputs } from "./inputs.ts";

export interface RerunOptions {
  readonly job: JobInputs;
  readonly engine: EngineSettings;
  /** The state a successor starts from. */
  readonly start?: StartState | undefined;
  /** Checkpoint of the submission. */
  readonly until: number;
  /** Interval to keep the first state of, for the reference back end; drawn at random where absent. */
  readonly interval?: number | undefined;
  readonly onStep: (step: number) => void;
}

export interface Rerun {
  readonly result: JobResult;
  /** The interval from `C_i` to `C_{i+1}`, its first state and its last root. */
  readonly sample: {
    readonly index: number;
    readonly state: readonly Words[];
    readonly nextRoot: string;
  };
}

/** Runs the whole job on the WebAssembly back end and keeps one interval for {@link rerunInterval}. */
export const rerunJob = async ({
  job,
  engine,
  start,
  until,
  interval,
  onStep,
}: RerunOptions): Promise<Rerun> => {
  const index = interval ?? randomInt(until);
  let state: readonly Words[] | undefined;
  const result = await runJob({
    backend: createWasmBackend(engine),
    program: job.program,
    inputs: job.inputs,
    start,
    until,
    onStep: ({ position }) => onStep(position),
    onCheckpoint: (checkpoint) => {
      if (checkpoint.index === index) state = checkpoint.state;
    },
  });
  const nextRoot = result.checkpointRoots[index + 1];
  if (state === undefined || nextRoot === undefined)
    throw new RangeError(`no interval ${index} of ${until}`);
  return { result, sample: { index, state, nextRoot } };
};

/** Runs one interval on the reference back end: slow, obvious, and sharing no code with the compiler. Returns the state root. */
export const rerunInterval = async (
  { program, inputs }: JobInputs,
  startStep: number,
  { index, state }: Rerun["sample"],
): Promise<string> => {
  if (index >= intervalsOf(program, startStep)) throw new RangeError(`no interval ${index}`);
  const from = checkpointStep(program, startStep, index);
  const to = checkpointStep(program, startStep, index + 1);
  const execution = await referenceBackend.prepare(program, inputs);
  try {
    execution.load(state, from);
    execution.run(to - from);
    return stateRoot(program, execution.state());
  } finally {
    execution.close();
  }
};
