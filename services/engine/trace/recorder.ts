/** Collects the checkpoints of a run and turns them into what a provider submits. */
import { traceHeader, type TraceHeader, traceRootOf } from "@assay/protocol/commitments/bindings";
import type { Hex } from "@assay/protocol/commitments/hash";
import type { Execution, Words } from "../backend.ts";
import type { Program } from "../ir/types.ts";
import { nodeHasher } from "./hasher.ts";
import { evalRoot, stateRoots } from "./roots.ts";

/** What a submission or a receipt commits to: the run up to one checkpoint. */
export interface TraceSummary extends TraceHeader {
  /** `C_0 … C_n`. */
  readonly checkpointRoots: readonly Hex[];
  readonly traceRoot: Hex;
  /** Step of the last checkpoint. */
  readonly step: number;
  /** Eval outputs on the state of the last checkpoint. */
  readonly evaluation: readonly Words[];
}

/** Intervals of a run from `startStep` to the end: n of `C_0 … C_n`. */
export const intervalsOf = (program: Program, startStep: number): number =>
  Math.ceil((program.steps - startStep) / program.interval);

/** Step at which checkpoint `index` is due. */
export const checkpointStep = (program: Program, startStep: number, index: number): number =>
  Math.min(startStep + index * program.interval, program.steps);

export class CheckpointRecorder {
  readonly #program: Program;
  readonly #startStep: number;
  readonly #roots: Hex[];
  #modelRoot: Hex | undefined;

  /** `known` are the roots `C_0 …` of a run that goes on. */
  constructor(program: Program, startStep: number, known: readonly Hex[] = []) {
    this.#program = program;
    this.#startStep = startStep;
    this.#roots = [...known];
  }

  get roots(): readonly Hex[] {
    return this.#roots;
  }

  /** Step at which the next checkpoint is due. */
  get nextStep(): number {
    return checkpointStep(this.#program, this.#startStep, this.#roots.length);
  }

  /** Commits to the state of the next checkpoint. Throws a RangeError when another step is due. */
  record(execution: Execution): {
    readonly index: number;
    readonly stateRoot: Hex;
    readonly state: Words[];
  } {
    if (execution.position !== this.nextStep) {
      throw new RangeError(
        `checkpoint ${this.#roots.length} is due at ${this.nextStep}, not ${execution.position}`,
      );
    }
    const state = execution.state();
    const roots = stateRoots(this.#program, state);
    this.#modelRoot = roots.modelRoot;
    this.#roots.push(roots.stateRoot);
    return { index: this.#roots.length - 1, stateRoot: roots.stateRoot, state };
  }

  /** Evaluates the state of the last checkpoint, on which `execution` must still be, and sums up the run so far. */
  summary(execution: Execution): TraceSummary {
    const step = checkpointStep(this.#program, this.#startStep, this.#roots.length - 1);
    if (execution.position !== step) {
      throw new RangeError(`the last checkpoint is at step ${step}, not ${execution.position}`);
    }
    const model = this.#modelRoot ?? stateRoots(this.#program, execution.state()).modelRoot;
    const evaluation = execution.evaluate();
    const header = traceHeader(nodeHasher, {
      checkpoints: this.#roots,
      modelRoot: model,
      evalRoot: evalRoot(this.#program, evaluation),
    });
    return {
      ...header,
      checkpointRoots: [...this.#roots],
      traceRoot: traceRootOf(nodeHasher, header),
      step,
      evaluation,
    };
  }
}
