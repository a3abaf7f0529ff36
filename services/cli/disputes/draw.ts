/** A dispute as lines to read: the way down, one line a level, and where it stands. */
import pc from "picocolors";
import { LEVELS, type Position } from "@assay/protocol/domain/disputes";
import { phaseOf, type Game } from "@assay/sdk/disputes/game";
import { describePlace, placeOf } from "@assay/sdk/disputes/place";
import { comparedWinner, deadlineOf, turnOf } from "@assay/sdk/disputes/turn";
import { formatSeconds } from "../terminal/format.ts";

const word = new DataView(new ArrayBuffer(4));

/** `0x3dcccccd (0.1)`; the pattern alone for integers. */
export const formatBits = (bits: number, dtype: "f32" | "i32"): string => {
  word.setUint32(0, bits);
  const value = dtype === "f32" ? word.getFloat32(0) : word.getInt32(0);
  return `0x${bits.toString(16).padStart(8, "0")} (${dtype === "f32" ? value.toPrecision(7) : value})`;
};

const ENTRIES: Readonly<Record<string, string>> = {
  checkpoint: "checkpoints",
  step: "states",
  state: "tensors",
  output: "outputs",
  model: "parameter tensors",
  op: "ops",
  chunk: "chunks",
  term: "chunks of accumulators",
};

export interface DrawnLevel {
  readonly level: string;
  /** What was disputed last at this level, in words. */
  readonly place: string;
  /** Entries of the level's list, the one after its tree included. */
  readonly of: number;
  /** Moves made at this level. */
  readonly moves: number;
}

/** The levels that a game has come through, coarsest first. */
export const levelsOf = ({ moves }: Pick<Game, "moves">): DrawnLevel[] => {
  const levels = new Map<string, { last: Position; of: number; moves: number }>();
  for (const { position } of moves) {
    if (position === undefined) continue;
    const level = LEVELS[position.level] ?? "checkpoint";
    const before = levels.get(level);
    // Where the last entry was pointed at, the list's end is no longer in the position.
    const of = Math.max(before?.of ?? 0, placeOf(position).count);
    levels.set(level, { last: position, of, moves: (before?.moves ?? 0) + 1 });
  }
  return [...levels].map(([level, { last, of, moves: count }]) => ({
    level,
    place: describePlace(last),
    of,
    moves: count,
  }));
};

/** `op      op 57 of step 1501              of 58 ops, 3 moves` */
export const drawLevel = ({ level, place, of, moves }: DrawnLevel): string =>
  `${pc.cyan(level.padEnd(11))}${place}${pc.dim(`  of ${of} ${ENTRIES[level] ?? "entries"}, ${moves} move${moves === 1 ? "" : "s"}`)}`;

const WANTED: Readonly<Record<string, string>> = {
  open: "to open the disputed node",
  point: "to point at the wrong child",
  cross: "to show the next finer level",
  reveal: "to show the bytes of the chunk",
  element: "to point at the first wrong element",
  judge: "to claim what the one scalar operation reads",
  claim: "to point at a wrong claim",
  prove: "to prove the claim that was pointed at",
  compare: "to compare a root with the job's record",
};

/** Whose move it is, what for and how long: one line. */
export const drawTurn = (game: Game, now: number): string => {
  if (game.end !== undefined) return `over: ${game.end}`;
  const turn = turnOf(game);
  const phase = phaseOf(game.position);
  if (turn === "anyone") return `anyone may call compare: the ${comparedWinner(game)} wins it`;
  const left = (deadlineOf(game) ?? now) - now;
  const clock =
    left >= 0 ? `${formatSeconds(left)} left` : "clock run out: the other side may end it";
  return `the ${turn ?? "provider"}'s move, ${WANTED[phase] ?? phase}; ${clock}`;
};
