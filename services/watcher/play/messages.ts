/** What the watcher and its playing thread say to each other. */
import type { Column, Words } from "@assay/engine/backend";
import type { Shown } from "@assay/engine/trace/game/point";
import type { Scalar } from "@assay/engine/trace/game/scalar";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import type { ChallengerMove, Position, ProviderMove } from "@assay/protocol/domain/disputes";
import type { Hex } from "viem";

/** The run that games are played from. */
export interface Table {
  /** The program's JSON text. */
  readonly program: string;
  readonly data: readonly Column[];
  readonly parent: readonly Words[];
  readonly seed: bigint;
  readonly engine: EngineSettings;
  /** Folder of the run's checkpoints. */
  readonly folder: string;
  /** Of the state that the request names; undefined for a job that begins with `init`. */
  readonly startStep: number | undefined;
  /** `C_0 … C_n` of the run. */
  readonly roots: readonly Hex[];
}

export type Question =
  | {
      readonly id: number;
      readonly ask: "move";
      readonly position: Position;
      readonly shown: Shown;
    }
  | { readonly id: number; readonly ask: "scalar"; readonly position: Position };

export type Answer =
  | { readonly id: number; readonly move: ChallengerMove | undefined }
  /** With what an honest provider would claim there. */
  | { readonly id: number; readonly scalar: Scalar; readonly judge: ProviderMove }
  | { readonly id: number; readonly code: string; readonly message: string };
