/** What is needed to answer for a submission: its inputs, the roots of its checkpoints, and their states on disk. */
import type { Words } from "@assay/engine/backend";
import { copyColumns } from "@assay/engine/columns/column";
import { folderCheckpoints } from "@assay/engine/trace/descent/checkpoints";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { stateRoot } from "@assay/engine/trace/roots";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import { treeRoot } from "@assay/protocol/commitments/tree";
import type { Bindings } from "@assay/protocol/domain/disputes";
import type { Request } from "@assay/protocol/domain/messages";
import { AssayError, isAssayError } from "@assay/protocol/errors";
import type { Logger } from "@assay/runtime/logger";
import { zeroHash, type Hex } from "viem";
import type { CheckpointFolder } from "../jobs/checkpoints.ts";
import type { WholeInputs } from "../jobs/kept-inputs.ts";
import { trainInSandbox } from "../sandbox/sandbox.ts";
import type { RunData } from "./messages.ts";

export interface RunParts {
  readonly jobId: Hex;
  readonly request: Pick<Request, "seed" | "startRoot" | "startStep">;
  /** The job's folder, with its checkpoint files. */
  readonly folder: string;
  readonly checkpoints: CheckpointFolder;
  readonly inputs: () => Promise<WholeInputs>;
  readonly engine: EngineSettings;
  readonly logger: Pick<Logger, "warn">;
  readonly signal: AbortSignal;
}

export interface SubmittedRun {
  readonly data: RunData;
  /** State of a checkpoint, where it is on disk. */
  readonly load: (index: number) => Promise<readonly Words[] | undefined>;
}

/**
 * Opens the run that a game is about. Where checkpoint files were lost, the run goes on from the last one that is whole, as training
 * does. Throws PROVER_RUN_DIFFERS where its roots are not those that were submitted, and what fetching inputs throws.
 */
export const openSubmittedRun = async (
  parts: RunParts,
  bound: Pick<Bindings, "checkpoints" | "prefixRoot" | "stateRoot">,
): Promise<SubmittedRun> => {
  const inputs = await parts.inputs();
  const { program, programText, start } = inputs;
  const { seed, startRoot, startStep } = parts.request;
  const roots = (await rootsOf(parts, inputs, bound.checkpoints)).slice(0, bound.checkpoints + 1);
  const prefix = treeRoot(nodeHasher, roots.slice(0, -1));
  if (prefix !== bound.prefixRoot || roots.at(-1) !== bound.stateRoot)
    throw new AssayError("PROVER_RUN_DIFFERS", "The checkpoints here are not those submitted.", {
      remedy: "Restore the job's folder from a backup; without it the dispute is lost.",
      details: { submitted: bound, found: { prefix, last: roots.at(-1) } },
    });
  const onDisk = folderCheckpoints(parts.folder, program, startStep, roots);
  return {
    data: {
      program: programText,
      data: inputs.data,
      parent: inputs.parent,
      seed,
      engine: parts.engine,
      start: startRoot === zeroHash ? null : startStep,
      roots,
    },
    load: async (index) => {
      const state = await onDisk.load(index);
      // A file with another state is as good as none: the state is made again from the one before.
      if (state !== undefined && stateRoot(program, state) === roots[index]) return state;
      return index === 0 ? start?.state.map((words) => words.slice()) : undefined;
    },
  };
};

const rootsOf = async (
  parts: RunParts,
  inputs: WholeInputs,
  last: number,
): Promise<readonly Hex[]> => {
  const latest = await parts.checkpoints.latest(inputs.program);
  if (latest !== undefined && latest.roots.length > last) return latest.roots;
  parts.logger.warn(
    { jobId: parts.jobId, kept: (latest?.roots.length ?? 0) - 1, last },
    "checkpoint files are missing: running the job again from the last that is there",
  );
  const enough = new AbortController();
  let roots: readonly Hex[] = latest?.roots ?? [];
  try {
    await trainInSandbox({
      assignment: {
        kind: "train",
        program: inputs.programText,
        // The thread takes what it is given, and the data is needed afterwards.
        data: copyColumns(inputs.data),
        parent: inputs.parent.map((words) => words.slice()),
        seed: parts.request.seed,
        start: inputs.start,
        resume: latest && { roots: latest.roots, state: latest.state },
        engine: parts.engine,
        stride: 1,
        dutyCycle: 1,
        lossName: "",
      },
      signal: AbortSignal.any([parts.signal, enough.signal]),
      onStep: () => undefined,
      onCheckpoint: async (checkpoint) => {
        const { step, state } = checkpoint;
        await parts.checkpoints.save(inputs.program, { step, roots: checkpoint.roots, state });
        roots = checkpoint.roots;
        if (roots.length > last) enough.abort();
      },
    });
  } catch (error) {
    parts.signal.throwIfAborted();
    if (!(enough.signal.aborted && isAssayError(error, "JOB_STOPPED"))) throw error;
  }
  return roots;
};
