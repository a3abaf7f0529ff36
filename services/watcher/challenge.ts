/** One job by hand: run it again, see, and where it is wrong play against it to the end. */
import { join } from "node:path";
import { programParts } from "@assay/engine/ir/root";
import { wrongTarget } from "@assay/engine/trace/game/point";
import { nodeHasher } from "@assay/engine/trace/hasher";
import { toHex } from "@assay/protocol/commitments/hash";
import type { TargetName } from "@assay/protocol/domain/disputes";
import { AssayError } from "@assay/protocol/errors";
import { bondOf } from "@assay/sdk/disputes/read";
import type { Hex } from "viem";
import type { Outcome } from "./journal/events.ts";
import { openDesk, type DeskOptions } from "./desk.ts";
import { keepJob, type Kept } from "./play/keep.ts";
import { fetchReplayInputs } from "./replay/inputs.ts";
import { replayFolder } from "./replay/replay.ts";

export interface Examined {
  /** What is wrong first; undefined where this machine's run gives the same roots. */
  readonly target: TargetName | undefined;
  /** Bond of a challenge now, token base units. */
  readonly bond: bigint;
  /** Last second, Unix, in which it can be challenged. */
  readonly windowEnd: number;
}

export interface SingleChallenge {
  /** Runs the job again. Throws what `fetchReplayInputs` and the sandbox throw. */
  examine(): Promise<Examined>;
  /** Challenges what is wrong and plays to the end. */
  play(): Promise<Outcome>;
  /** Challenges the last state whatever was found; nothing is played. Returns the transaction. */
  provoke(): Promise<Hex>;
  close(): Promise<void>;
}

/** Throws as `openDesk`, and CHALLENGE_NOT_SUBMITTED, CHALLENGE_TOO_LATE. */
export const openChallenge = async (
  options: DeskOptions,
  jobId: Hex,
  signal: AbortSignal,
): Promise<SingleChallenge> => {
  const desk = await openDesk(options, signal);
  const { chain, store, limits } = desk.keep;
  const standing = async () => {
    const [{ state, found }, now] = await Promise.all([chain.job(jobId), chain.now()]);
    if (found?.prefixRoot === undefined || state !== "submitted")
      throw new AssayError("CHALLENGE_NOT_SUBMITTED", `job ${jobId} is ${state}`, {
        remedy: "only a submission can be challenged, before it is settled",
      });
    const { windowEnd } = found.job.progress;
    if (now > windowEnd)
      throw new AssayError("CHALLENGE_TOO_LATE", `its window ended ${now - windowEnd} s ago`, {
        remedy: "nothing can be done about it any more",
      });
    return { ...found, prefixRoot: found.prefixRoot };
  };
  const { runsDir, checkpointBytes } = desk.keep;
  const runs = replayFolder(join(runsDir, jobId), checkpointBytes, limits.engine);
  const find = (terms: Parameters<typeof chain.startOf>[0]) => chain.startOf(terms);
  const inputsOf = (found: Awaited<ReturnType<typeof standing>>) =>
    fetchReplayInputs(store, found, limits, find, runs.dataDir, signal);
  try {
    await standing();
  } catch (error) {
    await desk.close();
    throw error;
  }
  return {
    examine: async () => {
      const found = await standing();
      const { checkpoint, stateRoot, modelRoot, evalRoot, windowEnd } = found.job.progress;
      const own =
        (await runs.finished(checkpoint)) ??
        (await runs.run(await inputsOf(found), checkpoint, signal));
      const { prefixRoot } = found;
      const theirs = { n: checkpoint, prefixRoot, stateRoot, modelRoot, evalRoot };
      const target = wrongTarget({ n: checkpoint, ...own }, theirs);
      return { target, bond: await bondOf(desk.context, found.job), windowEnd };
    },
    play: async () => {
      const kept: Kept = await keepJob(desk.keep, jobId);
      return kept === "parked" ? "gone" : kept;
    },
    provoke: async () => {
      const found = await standing();
      const { program } = await inputsOf(found);
      const { header, initRoot, stepRoot, evalRoot } = programParts(nodeHasher, program);
      const lists = { init: initRoot, step: stepRoot, eval: evalRoot };
      const shown = { header: toHex(header), lists };
      return (await chain.challenge(found.job, found.prefixRoot, shown, "lastState")).hash;
    },
    close: async () => {
      await runs.removeData();
      await desk.close();
    },
  };
};
