/** What a job takes: exact counts from the program, and time on this machine after a short calibration. */
import type { Inputs } from "../backend.ts";
import { elements } from "../ir/shape.ts";
import type { Program } from "../ir/types.ts";
import { workUnits } from "../ir/units.ts";
import { intervalsOf } from "../trace/recorder.ts";
import { stateRoots } from "../trace/roots.ts";
import type { WasmBackend } from "../wasm/backend.ts";
import { speedReport, type SpeedReport } from "../wasm/report.ts";

export interface JobCounts {
  /** Work units, the market's measure of operations, of the whole job. */
  readonly units: bigint;
  readonly checkpoints: number;
  /** Bytes of one checkpoint: the whole state. */
  readonly checkpointBytes: number;
  /** Bytes of the model: the parameters alone. */
  readonly modelBytes: number;
}

export interface JobEstimate extends JobCounts {
  /** Memory, and the ops that do not run at full speed. */
  readonly speed: SpeedReport;
  /** Seconds of one step, one checkpoint's commitment, and everything. */
  readonly stepSeconds: number;
  readonly checkpointSeconds: number;
  readonly totalSeconds: number;
}

const bytesOf = (tensors: readonly { readonly shape: readonly number[] }[]): number =>
  tensors.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);

/** Counts that need no run. */
export const jobCounts = (program: Program): JobCounts => {
  const { init, step, eval: evaluation } = workUnits(program);
  return {
    units: init + step * BigInt(program.steps) + evaluation,
    checkpoints: intervalsOf(program, 0),
    checkpointBytes: bytesOf(program.state),
    modelBytes: bytesOf(program.state.filter(({ parameter }) => parameter)),
  };
};

/** Evaluations that would take longer than this many steps are judged by their work units. */
const EVALUATION_STEPS = 50n;

/**
 * Runs a job for about `milliseconds` and predicts the whole. Bursts of steps grow and the last ones count, because the
 * first steps run in code that is not optimised yet. `clock` counts milliseconds; where other processes take turns, one that
 * counts this process's alone predicts what the job would take without them. Throws what `prepare` throws.
 */
export const estimateJob = async (
  backend: WasmBackend,
  program: Program,
  inputs: Inputs,
  milliseconds = 500,
  clock: () => number = () => performance.now(),
): Promise<JobEstimate> => {
  const seconds = (since: number): number => (clock() - since) / 1000;
  const begun = clock();
  const execution = await backend.prepare(program, inputs);
  try {
    execution.init();
    const startSeconds = seconds(begun);
    const bursts: number[] = [];
    const until = clock() + milliseconds;
    for (
      let burst = 1;
      clock() < until && execution.position + burst <= program.steps;
      burst = Math.min(burst * 2, Math.max(1, Math.round(0.05 / (bursts.at(-1) ?? 1))))
    ) {
      const since = clock();
      execution.run(burst);
      bursts.push(seconds(since) / burst);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const late = bursts.slice(-5).toSorted((a, b) => a - b);
    const stepSeconds = late[late.length >> 1] ?? 0;
    const since = clock();
    stateRoots(program, execution.state());
    const checkpointSeconds = seconds(since);
    const counts = jobCounts(program);
    const { step, eval: evaluation } = workUnits(program);
    const evaluated = clock();
    const measured = evaluation <= EVALUATION_STEPS * step;
    if (measured) execution.evaluate();
    const evalSeconds = measured
      ? seconds(evaluated)
      : (Number(evaluation) / Number(step || 1n)) * stepSeconds;
    return {
      ...counts,
      speed: speedReport(program, execution.report, inputs.data),
      stepSeconds,
      checkpointSeconds,
      totalSeconds:
        startSeconds +
        stepSeconds * program.steps +
        checkpointSeconds * (counts.checkpoints + 1) +
        evalSeconds,
    };
  } finally {
    execution.close();
  }
};
