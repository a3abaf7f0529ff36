/** A job's checkpoints on disk: enough to go on after a crash, never more than the space granted. */
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Program } from "@assay/engine/ir/types";
import { latestCheckpoint, saveCheckpoint, type Checkpoint } from "@assay/engine/trace/checkpoints";

export interface CheckpointFolder {
  /** The newest whole one, before step `below` where one is given; undefined at the start. */
  latest(program: Program, below?: number): Promise<Checkpoint | undefined>;
  save(program: Program, checkpoint: Checkpoint): Promise<void>;
  readonly remove: () => Promise<void>;
}

/** What is kept for one job. */
export const jobFolder = (stateDir: string, jobId: string): string => join(stateDir, "jobs", jobId);

/** Keeps the first and the latest checkpoint, and of those between as many as fit, evenly spread. */
export const checkpointFolder = (folder: string, maxBytes: number): CheckpointFolder => ({
  latest: (program, below) => latestCheckpoint(folder, program, below),
  save: async (program, checkpoint) => {
    await mkdir(folder, { recursive: true });
    await saveCheckpoint(folder, program, checkpoint);
    await thin(folder, maxBytes);
  },
  remove: () => rm(folder, { recursive: true, force: true }),
});

const thin = async (folder: string, maxBytes: number): Promise<void> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".safetensors")).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  let total = sizes.reduce((a, b) => a + b, 0);
  if (total <= maxBytes) return;
  // Every second one goes, from the oldest pair on, so that what stays is spread over the whole run.
  for (let i = 1; i < names.length - 1 && total > maxBytes; i += 2) {
    await rm(join(folder, names[i] as string));
    total -= sizes[i] as number;
  }
};
