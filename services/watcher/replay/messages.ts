/** What the watcher and its replaying thread say to each other. */
import type { Column, Words } from "@assay/engine/backend";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import type { ResumePoint, StartState } from "@assay/engine/trace/run";
import type { ThreadFailure } from "@assay/runtime/threads";
import type { Hex } from "viem";

interface Inputs {
  /** The program's JSON text. */
  readonly program: string;
  /** One per `program.data` and `program.parent`; what is in memory is given away with the message. */
  readonly data: readonly Column[];
  readonly parent: readonly Words[];
  readonly seed: bigint;
  readonly engine: EngineSettings;
  /** The state that the request starts from; undefined for a job that begins with `init`. */
  readonly start: StartState | undefined;
  /** Checkpoint to stop at. */
  readonly until: number;
}

/** Run the job from the start or from a checkpoint. */
export interface ReplayAssignment extends Inputs {
  readonly kind: "replay";
  readonly resume: ResumePoint | undefined;
  /** Steps between two looks at the clock. */
  readonly stride: number;
}

/** Is this machine right about what it found? Run a few steps on both back ends, and the job once more. */
export interface ConfirmAssignment extends Inputs {
  readonly kind: "confirm";
  /** `C_0 … C_until` of the first run. */
  readonly roots: readonly Hex[];
  /** States of that run whose next step both back ends run. */
  readonly samples: readonly StartState[];
  /** Whether to run the whole job a second time. */
  readonly again: boolean;
}

export type Assignment = ReplayAssignment | ConfirmAssignment;

export interface CheckpointMessage {
  readonly kind: "checkpoint";
  readonly index: number;
  readonly step: number;
  readonly roots: readonly Hex[];
  readonly state: readonly Words[];
}

/** What a run commits to at checkpoint `checkpoint`, as a submission names it. */
export interface RunRoots {
  readonly checkpoint: number;
  readonly prefixRoot: Hex;
  readonly stateRoot: Hex;
  readonly modelRoot: Hex;
  readonly evalRoot: Hex;
  /** `C_0 … C_checkpoint`. */
  readonly roots: readonly Hex[];
}

/** What did not agree with the first run; undefined where all did. */
export type Disagreement = "second run" | "back ends" | undefined;

export type FromThread =
  | CheckpointMessage
  | { readonly kind: "replayed"; readonly run: RunRoots }
  | { readonly kind: "confirmed"; readonly disagreement: Disagreement }
  | ThreadFailure;

/** A checkpoint is safe: go on. */
export interface ToThread {
  readonly kind: "kept";
}
