/** Runs a job on a back end, checkpoint by checkpoint. */
import { setImmediate } from "node:timers/promises";
import type { Hex } from "@assay/protocol/commitments/hash";
import { AssayError } from "@assay/protocol/errors";
import type { Backend, Execution, Inputs, Words } from "../backend.ts";
import { checkLoad } from "../inputs.ts";
import type { Program } from "../ir/types.ts";
import { CheckpointRecorder, checkpointStep, intervalsOf, type TraceSummary } from "./recorder.ts";
import { stateRoot } from "./roots.ts";

/** Where a run starts when not at `init`: the state that the request names, `C_0` of the trace. */
export interface StartState {
  readonly step: number;
  readonly state: readonly Words[];
}

/** A run that was interrupted: the roots `C_0 … C_k` and the state of `C_k`. */
export interface ResumePoint {
  readonly roots: readonly Hex[];
  readonly state: readonly Words[];
}

export interface CheckpointEvent {
  readonly index: number;
  /** n of `C_0 … C_n`. */
  readonly intervals: number;
  readonly step: number;
  readonly stateRoot: Hex;
  /** Copies of the state tensors. */
  readonly state: readonly Words[];
  /** `C_0 …` up to this one. */
  readonly roots: readonly Hex[];
  /** What a receipt for this checkpoint commits to; runs the eval ops. */
  summary(): TraceSummary;
}

export interface RunJobOptions {
  readonly backend: Backend;
  readonly program: Program;
  readonly inputs: Inputs;
  readonly start?: StartState | undefined;
  readonly resume?: ResumePoint | undefined;
  /** Stops at this checkpoint, for a prefix; all of them unless told. */
  readonly until?: number | undefined;
  /** Called with the execution at rest after every `yieldEvery` steps and at each checkpoint; may read state tensors. */
  readonly onStep?: ((execution: Pick<Execution, "position" | "read">) => void) | undefined;
  readonly onCheckpoint?: ((checkpoint: CheckpointEvent) => void | Promise<void>) | undefined;
  /** Steps between two turns of the event loop; the interval unless told. */
  readonly yieldEvery?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface JobResult extends TraceSummary {
  readonly startStep: number;
  /** The last state. */
  readonly state: readonly Words[];
}

function checkAbort(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new AssayError("ENGINE_RUN_ABORTED", "The run was stopped.", {
    remedy: "Resume it from its last checkpoint.",
    retryable: true,
    cause: signal.reason,
  });
}

/** Brings the execution to where the run goes on, and the recorder to the same place. */
function begin(
  options: RunJobOptions,
  execution: Execution,
  startStep: number,
): CheckpointRecorder {
  const { program, start, resume } = options;
  if (resume !== undefined && resume.roots.length > 0) {
    const step = checkpointStep(program, startStep, resume.roots.length - 1);
    checkLoad(program, resume.state, step);
    if (stateRoot(program, resume.state) !== resume.roots.at(-1)) {
      throw new AssayError(
        "ENGINE_RESUME_ROOT",
        "The state to resume from does not have the root of its checkpoint.",
        {
          remedy: "Resume from another checkpoint, or start again.",
          details: { step },
        },
      );
    }
    execution.load(resume.state, step);
    return new CheckpointRecorder(program, startStep, resume.roots);
  }
  if (start === undefined) execution.init();
  else execution.load(start.state, start.step);
  return new CheckpointRecorder(program, startStep);
}

async function advance(options: RunJobOptions, execution: Execution, step: number): Promise<void> {
  const most = Math.max(1, options.yieldEvery ?? options.program.interval);
  while (execution.position < step) {
    checkAbort(options.signal);
    execution.run(Math.min(most, step - execution.position));
    options.onStep?.(execution);
    await setImmediate();
  }
}

/**
 * Runs a job from `init`, a start state or a checkpoint to its end, committing to the state at every checkpoint, and
 * evaluates. The same program and inputs give the same `traceRoot`, however often the run was interrupted. Throws what
 * the back end's `prepare` throws, ENGINE_INPUT_*, ENGINE_RESUME_ROOT, and ENGINE_RUN_ABORTED.
 */
export async function runJob(options: RunJobOptions): Promise<JobResult> {
  const { backend, program, inputs } = options;
  const startStep = options.start?.step ?? 0;
  if (startStep >= program.steps) {
    throw new AssayError(
      "ENGINE_INPUT_POSITION",
      `Step ${startStep} of ${program.steps} leaves nothing to run.`,
      {
        remedy: "Start before the last step of the program.",
      },
    );
  }
  const intervals = Math.min(options.until ?? Infinity, intervalsOf(program, startStep));
  checkAbort(options.signal);
  const execution = await backend.prepare(program, inputs);
  try {
    const recorder = begin(options, execution, startStep);
    while (recorder.roots.length <= intervals) {
      await advance(options, execution, recorder.nextStep);
      const { index, stateRoot: root, state } = recorder.record(execution);
      const step = execution.position;
      const roots = [...recorder.roots];
      await options.onCheckpoint?.({
        index,
        intervals,
        step,
        stateRoot: root,
        state,
        roots,
        summary: () => recorder.summary(execution),
      });
      checkAbort(options.signal);
    }
    return { ...recorder.summary(execution), startStep, state: execution.state() };
  } finally {
    execution.close();
  }
}
