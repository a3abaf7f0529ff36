/** One game as the chain's events tell it. Pure. */
import {
  encodeAbiParameters,
  getAbiItem,
  keccak256,
  parseEventLogs,
  zeroHash,
  type Address,
  type Hex,
  type RpcLog,
} from "viem";
import {
  PHASES,
  type Bindings,
  type Claims,
  type PhaseName,
  type Position,
} from "@assay/protocol/domain/disputes";
import { disputesAbi } from "@assay/protocol/generated/abis";

export type GameEnd = "provider lost" | "challenger lost" | "bond returned";

/** What the provider showed last: it is shown again by the challenger who points at it. */
export interface Shown {
  /** 16 children; all zero where a tree of one leaf has none. */
  readonly children: readonly Hex[];
  /** Bytes of a chunk. */
  readonly chunk: Hex;
  readonly claims: Claims;
}

/** One move, oldest first in {@link Game.moves}. */
export interface GameMoveRecord {
  /** After the move; absent where the move ended the game. */
  readonly position: Position | undefined;
  /** What this move showed, where it showed anything. */
  readonly shown: Partial<Shown>;
  readonly block: bigint;
  readonly transaction: Hex;
}

export interface Clocks {
  /** Unix seconds of the last move: the clock of the side to move runs since then. */
  readonly movedAt: number;
  /** Seconds that each side had left then. */
  readonly providerLeft: number;
  readonly challengerLeft: number;
}

export interface Game {
  /** The contract that plays it: `terms.disputes` of the job. */
  readonly disputes: Address;
  readonly gameId: bigint;
  readonly jobId: Hex;
  readonly provider: Address;
  readonly challenger: Address;
  /** Token base units. */
  readonly bond: bigint;
  readonly bindings: Bindings;
  /** What the next move must show; the last one of a game that is over. */
  readonly position: Position;
  readonly shown: Shown;
  readonly clocks: Clocks;
  readonly moves: readonly GameMoveRecord[];
  /** Absent while the game is live. */
  readonly end: GameEnd | undefined;
}

export const NO_CHILDREN: readonly Hex[] = Array.from({ length: 16 }, () => zeroHash);

const NOTHING_SHOWN: Shown = {
  children: NO_CHILDREN,
  chunk: "0x",
  claims: { values: [0, 0, 0], rows: [0, 0, 0], accumulator: 0 },
};

const POSITION = getAbiItem({ abi: disputesAbi, name: "Moved" }).inputs[1];

/** `keccak256` of a position: what the contract holds of a live game. */
export const positionHash = (position: Position): Hex =>
  keccak256(encodeAbiParameters([{ ...POSITION, name: "position" }], [position]));

export const phaseOf = ({ phase }: Pick<Position, "phase">): PhaseName => PHASES[phase] ?? "none";

const END = {
  ProviderLost: "provider lost",
  ChallengerLost: "challenger lost",
  BondReturned: "bond returned",
} as const;

type Told = Omit<Game, "clocks">;

/** Puts a game together from all its logs, in the order of the chain; undefined where it did not begin. */
export const gameFromLogs = (
  disputes: Address,
  gameId: bigint,
  rawLogs: readonly RpcLog[],
): Told | undefined => {
  const logs = parseEventLogs({ abi: disputesAbi, logs: [...rawLogs] });
  let begun: Pick<Told, "jobId" | "challenger" | "bond" | "bindings"> | undefined;
  let position: Position | undefined;
  let shown = NOTHING_SHOWN;
  let pending: Partial<Shown> = {};
  let end: GameEnd | undefined;
  const moves: GameMoveRecord[] = [];
  for (const log of logs) {
    if (!("gameId" in log.args) || log.args.gameId !== gameId) continue;
    const record = { block: log.blockNumber, transaction: log.transactionHash };
    switch (log.eventName) {
      case "Challenged": {
        const { jobId, challenger, bond, bindings } = log.args;
        begun = { jobId, challenger, bond, bindings };
        break;
      }
      case "Opened":
        pending = { children: log.args.children };
        break;
      case "Revealed":
        pending = { chunk: log.args.chunk };
        break;
      case "Claimed":
        pending = { claims: log.args.claims };
        break;
      case "Moved":
        position = log.args.position;
        shown = { ...shown, children: NO_CHILDREN, ...pending };
        moves.push({ position, shown: pending, ...record });
        pending = {};
        break;
      case "ProviderLost":
      case "ChallengerLost":
      case "BondReturned":
        end = END[log.eventName];
        moves.push({ position: undefined, shown: {}, ...record });
    }
  }
  if (begun === undefined || position === undefined) return undefined;
  return {
    disputes,
    gameId,
    provider: position.provider,
    ...begun,
    position,
    shown,
    moves,
    end,
  };
};
