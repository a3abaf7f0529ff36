/** Where a descent finds the checkpoints of a run. */
import type { Hex } from "@assay/protocol/commitments/hash";
import { isAssayError } from "@assay/protocol/errors";
import type { Words } from "../../backend.ts";
import type { Program } from "../../ir/types.ts";
import { checkpointPath, loadCheckpoint } from "../checkpoints.ts";
import { checkpointStep } from "../recorder.ts";

export interface CheckpointSource {
  /** `C_0 … C_n`. */
  readonly roots: readonly Hex[];
  /** State of `C_index`; undefined when it was not kept: then it is run again from the last one before that was. */
  load(index: number): Promise<readonly Words[] | undefined>;
}

/**
 * The checkpoint files of a folder, as `saveCheckpoint` names them; any but a start state may be missing or damaged.
 * `roots` are `C_0 … C_n` of the run in question.
 */
export const folderCheckpoints = (
  folder: string,
  program: Program,
  startStep: number,
  roots: readonly Hex[],
): CheckpointSource => ({
  roots,
  load: async (index) => {
    const path = checkpointPath(folder, checkpointStep(program, startStep, index));
    try {
      return (await loadCheckpoint(path, program)).state;
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      if (missing || isAssayError(error, "ENGINE_CHECKPOINT_CORRUPT")) return undefined;
      throw error;
    }
  },
});
