/** What the agent and the thread that trains say to each other. Everything is data: no function, no handle. */
import type { Column, Words } from "@assay/engine/backend";
import type { SpeedReport } from "@assay/engine/wasm/report";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import type { ResumePoint, StartState } from "@assay/engine/trace/run";
import type { ThreadFailure } from "@assay/runtime/threads";
import type { Hex } from "viem";

/** Runs a program for a moment to see how fast it is here. */
export interface Measurement {
  readonly kind: "measure";
  readonly program: string;
  readonly data: readonly Column[];
  /** Tensors of the parent model that the program reads; none unless told. */
  readonly parent?: readonly Words[] | undefined;
  readonly seed: bigint;
  /** The same as the job will have. */
  readonly engine: EngineSettings;
  /** How long to run steps. */
  readonly milliseconds: number;
}

/** Seconds that the parts of a run take on this machine at full speed. */
export interface Pace {
  readonly initSeconds: number;
  readonly stepSeconds: number;
}

export interface Assignment {
  readonly kind: "train";
  /** Text of `program.json`, checked again inside. */
  readonly program: string;
  readonly data: readonly Column[];
  /** Tensors of the parent model that the program reads; none unless told. */
  readonly parent?: readonly Words[] | undefined;
  readonly seed: bigint;
  /** Where the job starts when not from scratch. */
  readonly start: StartState | undefined;
  readonly resume: ResumePoint | undefined;
  readonly engine: EngineSettings;
  /** Steps to run between two looks at clock and loss. */
  readonly stride: number;
  /** Share of the time to compute; the thread sleeps the rest. */
  readonly dutyCycle: number;
  /** Name of the state scalar to report as the loss. */
  readonly lossName: string;
}

export interface TrainedModel {
  readonly checkpoint: number;
  readonly step: number;
  readonly prefixRoot: Hex;
  readonly stateRoot: Hex;
  readonly modelRoot: Hex;
  readonly evalRoot: Hex;
  readonly traceRoot: Hex;
  readonly state: readonly Words[];
  /** One per output of the program. */
  readonly evaluation: readonly Words[];
}

export interface CheckpointMessage {
  readonly kind: "checkpoint";
  readonly index: number;
  readonly step: number;
  readonly roots: readonly Hex[];
  readonly state: readonly Words[];
}

export type FromThread =
  | { readonly kind: "compiled"; readonly speed: SpeedReport }
  | { readonly kind: "step"; readonly step: number; readonly loss: number | null }
  | CheckpointMessage
  | { readonly kind: "done"; readonly model: TrainedModel }
  | { readonly kind: "measured"; readonly pace: Pace }
  | ThreadFailure;

/** A checkpoint is safe: go on. */
export interface ToThread {
  readonly kind: "kept";
}
