/** What the agent and the thread that looks into a run say to each other. Everything is data. */
import type { Column, Words } from "@assay/engine/backend";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import type {
  ChallengerMove,
  Claims,
  Position,
  ProviderMove,
  TensorProof,
} from "@assay/protocol/domain/disputes";
import type { Shown } from "@assay/engine/trace/game/point";
import type { Hex } from "viem";

/** A run that was submitted. */
export interface RunData {
  /** Text of `program.json`, checked again inside. */
  readonly program: string;
  readonly data: readonly Column[];
  /** Tensors of the parent model that the program reads. */
  readonly parent: readonly Words[];
  readonly seed: bigint;
  readonly engine: EngineSettings;
  /** Step of the state that the request starts from; null for a run that begins with `init`. */
  readonly start: number | null;
  /** `C_0 … C_n`. */
  readonly roots: readonly Hex[];
}

export type ToThread =
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly position: Position;
      readonly claims: Claims;
    }
  | {
      readonly kind: "point";
      readonly id: number;
      readonly position: Position;
      readonly shown: Shown;
    }
  | { readonly kind: "show"; readonly id: number; readonly tensor: number; readonly chunk: number }
  /** State of the checkpoint that was asked for; undefined where it is not on disk. */
  | { readonly kind: "state"; readonly state: readonly Words[] | undefined };

export type Answer = ProviderMove | ChallengerMove | TensorProof | undefined;

export type FromThread =
  | {
      readonly kind: "answered";
      readonly id: number;
      /** What was asked for; nothing to point at is undefined. */
      readonly answer: Answer;
    }
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly remedy: string | undefined;
    }
  /** Asks for the state of a checkpoint. */
  | { readonly kind: "load"; readonly index: number };
