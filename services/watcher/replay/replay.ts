/** One job's own run: kept in a folder checkpoint by checkpoint, so that a restart goes on, and a game can be played from it. */
import { mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { latestCheckpoint, saveCheckpoint } from "@assay/engine/trace/checkpoints";
import { checkpointStep } from "@assay/engine/trace/recorder";
import type { StartState } from "@assay/engine/trace/run";
import type { EngineSettings } from "@assay/engine/wasm/settings";
import { bytes32 } from "@assay/protocol/wire/scalars";
import { replaceFile } from "@assay/runtime/files";
import { z } from "zod";
import type { ReplayInputs } from "./inputs.ts";
import type { Disagreement, RunRoots } from "./messages.ts";
import { confirmInThread, replayInThread } from "./sandbox.ts";

const runSchema = z.strictObject({
  checkpoint: z.int().min(0),
  prefixRoot: bytes32,
  stateRoot: bytes32,
  modelRoot: bytes32,
  evalRoot: bytes32,
  roots: z.array(bytes32),
});

export interface ReplayFolder {
  /** A run up to this checkpoint that was finished before, here or by a process that was killed since. */
  finished(checkpoint: number): Promise<RunRoots | undefined>;
  /** Runs the job up to a checkpoint, from the latest one on disk. Throws as `replayInThread`. */
  run(inputs: ReplayInputs, checkpoint: number, signal: AbortSignal): Promise<RunRoots>;
  /**
   * Whether this machine stands by a run: one step from some of its checkpoints on both back ends, and with `again` the whole run a
   * second time. Throws as `replayInThread`.
   */
  confirm(
    inputs: ReplayInputs,
    run: RunRoots,
    again: boolean,
    signal: AbortSignal,
  ): Promise<Disagreement>;
  /** Where a data set lies that does not fit into memory. */
  readonly dataDir: string;
  /** Removes that data set: it can be fetched again. */
  removeData(): Promise<void>;
  remove(): Promise<void>;
}

/** About 20 reports in an interval: the thread gives its event loop a turn at each. */
const REPORTS = 20;

export const replayFolder = (
  folder: string,
  maxBytes: number,
  engine: EngineSettings,
): ReplayFolder => {
  const file = (checkpoint: number): string => join(folder, `run-${checkpoint}.json`);
  const dataDir = join(folder, "data");
  return {
    finished: async (checkpoint) => {
      try {
        const run = runSchema.parse(JSON.parse(await readFile(file(checkpoint), "utf8")));
        return run.roots.length === checkpoint + 1 ? run : undefined;
      } catch {
        return undefined;
      }
    },
    run: async (inputs, checkpoint, signal) => {
      const { program, programText, data, parent, seed, start } = inputs;
      await mkdir(folder, { recursive: true });
      const beyond = checkpointStep(program, start?.step ?? 0, checkpoint) + 1;
      const resume = await latestCheckpoint(folder, program, beyond);
      const run = await replayInThread({
        assignment: {
          kind: "replay",
          program: programText,
          data,
          parent,
          seed,
          engine,
          start,
          until: checkpoint,
          resume: resume && { roots: resume.roots, state: resume.state },
          stride: Math.max(1, Math.floor(program.interval / REPORTS)),
        },
        onCheckpoint: async ({ step, roots, state }) => {
          await saveCheckpoint(folder, program, { step, roots, state });
          await thin(folder, maxBytes);
        },
        signal,
      });
      await replaceFile(file(checkpoint), JSON.stringify(run));
      return run;
    },
    confirm: async (inputs, { checkpoint, roots }, again, signal) => {
      const { programText: program, data, parent, seed, start } = inputs;
      const samples = await samplesOf(folder, inputs, checkpoint);
      const until = checkpoint;
      return confirmInThread(
        {
          kind: "confirm",
          program,
          data,
          parent,
          seed,
          engine,
          start,
          until,
          roots,
          samples,
          again,
        },
        signal,
      );
    },
    dataDir,
    removeData: () => rm(dataDir, { recursive: true, force: true }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

const SAMPLES = 3;

/** States of the run's kept checkpoints before the last, evenly spread. */
const samplesOf = async (
  folder: string,
  { program, start }: ReplayInputs,
  checkpoint: number,
): Promise<StartState[]> => {
  const found = new Map<number, StartState>();
  for (let i = SAMPLES; i > 0; i--) {
    const index = Math.ceil((checkpoint * i) / SAMPLES);
    const below = checkpointStep(program, start?.step ?? 0, index);
    const kept = await latestCheckpoint(folder, program, below);
    if (kept !== undefined) found.set(kept.step, { step: kept.step, state: kept.state });
  }
  return [...found.values()];
};

/** Keeps the first and the latest checkpoint, and of those between every second one until they fit. */
const thin = async (folder: string, maxBytes: number): Promise<void> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".safetensors")).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  let total = sizes.reduce((sum, size) => sum + size, 0);
  for (let i = 1; i < names.length - 1 && total > maxBytes; i += 2) {
    await rm(join(folder, names[i] as string), { force: true });
    total -= sizes[i] ?? 0;
  }
};
