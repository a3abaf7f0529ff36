/** Follows the live games of some jobs with few questions: events are read only where something changed. */
import type { Address, Hex } from "viem";
import type { AssayContext } from "../context.ts";
import { positionHash, type Game } from "./game.ts";
import type { Demand } from "./demands.ts";
import {
  demandsOf,
  disputeStatus,
  findGames,
  findRivalGames,
  gameWord,
  readGame,
  type GameId,
} from "./read.ts";

export interface FollowedJob {
  readonly jobId: Hex;
  /** `terms.disputes` of the job. */
  readonly disputes: Address;
}

export interface GameFollower {
  /**
   * The live games of a job at this moment. Asks for the number of live games, and for one word of each known game; every answer
   * is held against the chain, so a reorganisation needs no special care. @throws as `readGame`
   */
  look(job: FollowedJob): Promise<readonly Game[]>;
  /** The live games in which the job's provider is made to play another replica, as the challenger; asked for like demands. */
  rivals(job: FollowedJob): Promise<readonly Game[]>;
  /** Demands about the model of a job that are open; asked for only where `look` counted more than games. */
  demands(job: FollowedJob): Promise<readonly Demand[]>;
  /** Forgets a job that is over. */
  forget(jobId: Hex): void;
}

interface Known {
  readonly game: Game;
  readonly hash: Hex;
}

export const createGameFollower = (context: AssayContext): GameFollower => {
  const byJob = new Map<Hex, Map<bigint, Known>>();
  const rivalsOf = new Map<Hex, Map<bigint, Known>>();
  /** What is live about a job beside its games. */
  const others = new Map<Hex, number>();

  const refresh = async (id: GameId, known: Known | undefined): Promise<Known | undefined> => {
    const word = await gameWord(context, id);
    if (BigInt(word.position) === 0n) return undefined;
    if (known?.hash === word.position) return known;
    const game = await readGame(context, id);
    return game.end === undefined ? { game, hash: positionHash(game.position) } : undefined;
  };

  const all = async (
    ids: readonly GameId[],
    before: ReadonlyMap<bigint, Known>,
  ): Promise<Map<bigint, Known>> => {
    const found = await Promise.all(ids.map((id) => refresh(id, before.get(id.gameId))));
    return new Map(found.flatMap((known) => (known ? [[known.game.gameId, known] as const] : [])));
  };

  return {
    look: async (job) => {
      const { liveGames } = await disputeStatus(context, job);
      const before = byJob.get(job.jobId) ?? new Map<bigint, Known>();
      let live = await all(
        [...before.values()].map(({ game }) => game),
        before,
      );
      if (live.size !== liveGames)
        live = await all(await findGames(context, job.disputes, { jobIds: [job.jobId] }), live);
      byJob.set(job.jobId, live);
      others.set(job.jobId, liveGames - live.size);
      return [...live.values()].map(({ game }) => game);
    },
    rivals: async (job) => {
      if ((others.get(job.jobId) ?? 0) <= 0) return [];
      const before = rivalsOf.get(job.jobId) ?? new Map<bigint, Known>();
      const live = await all(await findRivalGames(context, job), before);
      rivalsOf.set(job.jobId, live);
      return [...live.values()].map(({ game }) => game);
    },
    demands: async (job) => ((others.get(job.jobId) ?? 0) > 0 ? demandsOf(context, job) : []),
    forget: (jobId) => {
      others.delete(jobId);
      rivalsOf.delete(jobId);
      byJob.delete(jobId);
    },
  };
};
