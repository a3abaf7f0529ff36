/** From a job's inputs to what is submitted: trains in the sandbox, keeps checkpoints, stores the model. */
import type { SpeedReport } from "@assay/engine/wasm/report";
import type { Request, Submission } from "@assay/protocol/domain/messages";
import type { ProgressReport } from "@assay/protocol/wire/api";
import type { Logger } from "@assay/runtime/logger";
import { digestOf } from "@assay/storage/cid";
import type { ContentStore } from "@assay/storage/content";
import type { Hex } from "viem";
import { trainInSandbox } from "../sandbox/sandbox.ts";
import type { CheckpointFolder } from "./checkpoints.ts";
import { fetchProgram, type InputLimits } from "./inputs.ts";
import type { WholeInputs } from "./kept-inputs.ts";
import { modelFile } from "./model-file.ts";
import { publishCheckpoint, type Receipts } from "./receipts.ts";

export interface TrainingParts {
  readonly jobId: Hex;
  readonly request: Request;
  readonly store: ContentStore;
  /** The part of it that is on this machine alone. */
  readonly ownStore: ContentStore;
  readonly limits: Pick<InputLimits, "engine">;
  /** All that the job reads, checked; it stays on this machine until the job is over. */
  readonly inputs: (signal: AbortSignal) => Promise<WholeInputs>;
  readonly checkpoints: CheckpointFolder;
  readonly receipts: Receipts;
  readonly dutyCycle: number;
  /** Expected work units a second, to choose how often to look at the clock. */
  readonly unitsPerSecond: number;
  readonly report: (report: ProgressReport) => void;
  /** A checkpoint is on disk. */
  readonly onKept: () => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** A finished job before its model is stored. */
export interface Trained {
  readonly submission: Omit<Submission, "modelCid">;
  /** The model's file. */
  readonly file: Uint8Array;
}

/** Seconds between two looks at the clock: also how long a full-speed burst lasts under a duty cycle. */
const STRIDE_SECONDS = 0.05;
/** Ops below full speed that the log names. */
const MOST_LOGGED = 4;
/** State scalar that presets keep the training loss in. */
const LOSS = "loss";

/** Trains from the latest checkpoint to the end. Throws what `inputs` and `trainInSandbox` throw. */
export const train = async (parts: TrainingParts): Promise<Trained> => {
  const { jobId, request, checkpoints, signal } = parts;
  const progress = progressOf(parts);
  progress.enter("fetching");
  const { program, programText, data, parent, start } = await parts.inputs(signal);
  const resume = await checkpoints.latest(program);
  if (resume !== undefined) {
    parts.logger.info({ jobId, step: resume.step }, "resumed");
    if (resume.roots.length > 1 && resume.step < program.steps)
      parts.receipts.kept(program, resume);
  }
  progress.begin(resume?.step ?? request.startStep, (resume?.roots.length ?? 1) - 1);
  const model = await trainInSandbox({
    assignment: {
      kind: "train",
      program: programText,
      data,
      parent,
      seed: request.seed,
      start,
      resume: resume && { roots: resume.roots, state: resume.state },
      stride: Math.max(
        1,
        Math.floor((parts.unitsPerSecond * STRIDE_SECONDS) / Number(request.stepUnits || 1n)),
      ),
      engine: parts.limits.engine,
      dutyCycle: parts.dutyCycle,
      lossName: LOSS,
    },
    signal,
    onCompiled: (engine) => {
      const { slow, ...figures } = engine;
      parts.logger.info({ jobId, ...figures, slow: slow.slice(0, MOST_LOGGED) }, "compiled");
      progress.compiled(engine);
    },
    onStep: progress.step,
    onCheckpoint: async ({ index, step, roots, state }) => {
      // The last one is followed by the result at once; losing it costs one interval.
      await checkpoints.save(program, { step, roots, state });
      if (index > 0 && step < program.steps) parts.receipts.kept(program, { roots, state });
      parts.onKept();
      progress.checkpoint(index);
      if (step === program.steps) progress.enter("evaluating");
    },
  });
  progress.enter("uploading");
  const { checkpoint, step, prefixRoot, stateRoot, modelRoot, evalRoot, state, evaluation } = model;
  return {
    submission: { jobId, checkpoint, prefixRoot, stateRoot, modelRoot, evalRoot },
    file: modelFile({ request, program, step, modelRoot, state, evaluation }),
  };
};

/** Stores the model of a finished job. Throws what the store throws. */
export const upload = async (
  { submission, file }: Trained,
  { store, signal }: Pick<TrainingParts, "store" | "signal">,
): Promise<Submission> => {
  const cid = await store.putFile(file, { signal });
  return { ...submission, modelCid: digestOf(cid) };
};

/**
 * What can be submitted of a job that did not get to its end: its latest checkpoint before the last one, which only counts
 * with its evaluation; undefined before the first.
 */
export const prefixOf = async (
  parts: Pick<
    TrainingParts,
    "jobId" | "request" | "store" | "ownStore" | "checkpoints" | "logger" | "signal"
  >,
): Promise<Submission | undefined> => {
  const { request, store, checkpoints, signal } = parts;
  const { program } = await fetchProgram(store, request, signal);
  const latest = await checkpoints.latest(program, program.steps);
  const checkpoint = (latest?.roots.length ?? 1) - 1;
  if (latest === undefined || checkpoint === 0) return undefined;
  try {
    return await publishCheckpoint(parts, program, latest);
  } catch (error) {
    signal.throwIfAborted();
    // The grace time is short: what was earned is claimed even where nobody can go on from it.
    parts.logger.warn({ jobId: parts.jobId, err: error }, "the state could not be published");
    return publishCheckpoint({ ...parts, store: parts.ownStore }, program, latest);
  }
};

/** Turns what the thread says into reports with speed and time left. */
const progressOf = ({ request, report }: Pick<TrainingParts, "request" | "report">) => {
  const last: { -readonly [K in keyof ProgressReport]: ProgressReport[K] } = {
    phase: "fetching",
    step: request.startStep,
    steps: request.steps,
    checkpoint: 0,
    loss: null,
    stepsPerSecond: 0,
    secondsLeft: 0,
  };
  let begunAt = 0;
  let begunStep = 0;
  const tell = (): void => report({ ...last });
  return {
    enter: (phase: ProgressReport["phase"]): void => {
      last.phase = phase;
      tell();
    },
    begin: (step: number, checkpoint: number): void => {
      begunAt = performance.now();
      begunStep = step;
      Object.assign(last, { phase: "training", step, checkpoint });
      tell();
    },
    compiled: (engine: SpeedReport): void => {
      Object.assign(last, { engine: { ...engine, slow: [...engine.slow] } });
      tell();
    },
    step: (step: number, loss: number | null): void => {
      const seconds = (performance.now() - begunAt) / 1000;
      const stepsPerSecond = seconds > 0 ? (step - begunStep) / seconds : 0;
      const secondsLeft = stepsPerSecond > 0 ? (request.steps - step) / stepsPerSecond : 0;
      Object.assign(last, { step, loss: loss ?? last.loss, stepsPerSecond, secondsLeft });
      tell();
    },
    checkpoint: (index: number): void => {
      last.checkpoint = index;
      tell();
    },
  };
};
