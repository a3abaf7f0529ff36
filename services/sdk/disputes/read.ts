/** Games as they stand on the chain. */
import { toEventSelector, toHex, type Address, type Hex, type LogTopic, type RpcLog } from "viem";
import type { Job } from "@assay/protocol/domain/messages";
import { AssayError } from "@assay/protocol/errors";
import { disputesAbi } from "@assay/protocol/generated/abis";
import { logsBackwards } from "../chain/logs.ts";
import { explainCall } from "../chain/write.ts";
import type { AssayContext } from "../context.ts";
import { demandsFromLogs, type Demand, type DemandRecord } from "./demands.ts";
import { gameFromLogs, positionHash, type Clocks, type Game } from "./game.ts";

/** Which game, of which contract: `terms.disputes` of a job. */
export interface GameId {
  readonly disputes: Address;
  readonly gameId: bigint;
}

/** What the contract holds of a game: the hash of its position, zero once it is over. */
export interface GameWord extends Clocks {
  readonly position: Hex;
}

const events = disputesAbi.filter((item) => item.type === "event");
const topicsOf = (...names: readonly string[]): Hex[] =>
  events.filter(({ name }) => names.includes(name)).map((event) => toEventSelector(event));
const ofGames = events
  .filter(({ inputs }) => inputs[0]?.name === "gameId")
  .map((event) => toEventSelector(event));
/** Told before anything else of a game. */
const [BEGINNING] = topicsOf("Challenged");

const answered = async <T>(question: Promise<T>): Promise<T> => {
  try {
    return await question;
  } catch (error) {
    throw explainCall(error);
  }
};

/** Events up to the latest block, in the order of the chain: all of them, or from the latest one that is the first for its question. */
const logsOf = async (
  context: AssayContext,
  address: Address,
  topics: LogTopic[],
  isFirst: (log: RpcLog) => boolean = () => false,
): Promise<RpcLog[]> => {
  const { publicClient } = context;
  const { startBlock } = await context.deployment();
  const to = Number(await answered(publicClient.getBlockNumber({ cacheTime: 0 })));
  return answered(logsBackwards(publicClient, { address, topics, from: startBlock, to }, isFirst));
};

/** The word that a live game is held by; all zero where there is none. */
export const gameWord = async (
  { publicClient }: AssayContext,
  { disputes, gameId }: GameId,
): Promise<GameWord> => {
  const [position, , , movedAt, providerLeft, challengerLeft] = await answered(
    publicClient.readContract({
      address: disputes,
      abi: disputesAbi,
      functionName: "gameOf",
      args: [gameId],
    }),
  );
  return {
    position,
    movedAt: Number(movedAt),
    providerLeft: Number(providerLeft),
    challengerLeft: Number(challengerLeft),
  };
};

const TRIES = 5;

/**
 * A game with all its moves, from its events, held against the hash in the contract. @throws `GAME_UNKNOWN`, `GAME_MISMATCH`
 * (retryable: events and hash are of different blocks), `CHAIN_UNREACHABLE`
 */
export const readGame = async (context: AssayContext, id: GameId): Promise<Game> => {
  for (let tries = 1; ; tries++) {
    const [logs, word] = await Promise.all([
      logsOf(
        context,
        id.disputes,
        [ofGames, toHex(id.gameId, { size: 32 })],
        ({ topics }) => topics[0] === BEGINNING,
      ),
      gameWord(context, id),
    ]);
    const told = gameFromLogs(id.disputes, id.gameId, logs);
    const { position, ...clocks } = word;
    if (told !== undefined && told.end === undefined && positionHash(told.position) === position)
      return { ...told, clocks };
    if (told?.end !== undefined && BigInt(position) === 0n) return { ...told, clocks };
    if (tries < TRIES) continue;
    if (told === undefined && BigInt(position) === 0n)
      throw new AssayError("GAME_UNKNOWN", `there is no game ${id.gameId} at ${id.disputes}`, {
        remedy: "check the number, and that the RPC URL is that of the game's chain",
      });
    throw new AssayError("GAME_MISMATCH", `events and stored hash of game ${id.gameId} disagree`, {
      retryable: true,
      remedy: "ask again; if it stays so, the node leaves out events: use another RPC URL",
    });
  }
};

/** Which games to look for; all of a contract where nothing is said. */
export interface GameFilter {
  readonly jobIds?: readonly Hex[];
  readonly challenger?: Address;
}

export interface FoundGame extends GameId {
  readonly jobId: Hex;
  readonly challenger: Address;
}

/** Games of a contract that ever began, oldest first. */
export const findGames = async (
  context: AssayContext,
  disputes: Address,
  { jobIds, challenger }: GameFilter = {},
): Promise<FoundGame[]> => {
  if (jobIds?.length === 0) return [];
  const logs = await logsOf(context, disputes, [
    topicsOf("Challenged"),
    null,
    jobIds === undefined ? null : [...jobIds],
    challenger === undefined ? null : toHex(BigInt(challenger), { size: 32 }),
  ]);
  return logs.map(({ topics }) => {
    const [, gameId, jobId, by] = topics as [Hex, Hex, Hex, Hex];
    return { disputes, gameId: BigInt(gameId), jobId, challenger: `0x${by.slice(26)}` };
  });
};

/** Games that ever began in which the provider of a job was made to play against another replica, as the challenger. */
export const findRivalGames = async (
  context: AssayContext,
  { disputes, jobId }: { readonly disputes: Address; readonly jobId: Hex },
): Promise<GameId[]> => {
  const logs = await logsOf(context, disputes, [topicsOf("PlayForced"), null, null, jobId]);
  return logs.map(({ topics }) => ({ disputes, gameId: BigInt(topics[1] ?? 0) }));
};

/** All games about one job, oldest first, those that are over too. */
export const gamesOf = async (
  context: AssayContext,
  { terms }: Pick<Job, "terms">,
): Promise<Game[]> => {
  const found = await findGames(context, terms.disputes, { jobIds: [terms.jobId] });
  return Promise.all(found.map((id) => readGame(context, id)));
};

/** Games and demands about a job that are not over, and whether one was played to its end and won by the provider. */
export const disputeStatus = async (
  { publicClient }: AssayContext,
  { disputes, jobId }: { readonly disputes: Address; readonly jobId: Hex },
): Promise<{
  readonly liveGames: number;
  readonly won: boolean;
  /** Until when drawn auditors may commit, Unix seconds; 0 while no draw is resolved. */
  readonly auditUntil: number;
}> => {
  const [liveGames, won, auditUntil] = await answered(
    publicClient.readContract({
      address: disputes,
      abi: disputesAbi,
      functionName: "statusOf",
      args: [jobId],
    }),
  );
  return { liveGames: Number(liveGames), won, auditUntil };
};

/** All demands about a job's model, oldest first. */
export const demandRecords = async (
  context: AssayContext,
  { disputes, jobId }: { readonly disputes: Address; readonly jobId: Hex },
): Promise<DemandRecord[]> => {
  const asked = await logsOf(context, disputes, [topicsOf("ChunkDemanded"), null, jobId]);
  const ids = asked.flatMap(({ topics }) => topics[1] ?? []);
  if (ids.length === 0) return [];
  const names = topicsOf("ChunkDemanded", "ChunkShown", "DemandClosed");
  return demandsFromLogs(disputes, await logsOf(context, disputes, [names, ids]));
};

/** Demands about a job's model that are neither answered nor closed. */
export const demandsOf = async (
  context: AssayContext,
  job: { readonly disputes: Address; readonly jobId: Hex },
): Promise<Demand[]> => {
  const records = await demandRecords(context, job);
  return records.filter(({ end }) => end === undefined);
};

/** Bond of the next challenge of a job, token base units. */
export const bondOf = ({ publicClient }: AssayContext, job: Job): Promise<bigint> =>
  answered(
    publicClient.readContract({
      address: job.terms.disputes,
      abi: disputesAbi,
      functionName: "bondOf",
      args: [job],
    }),
  );
