/** Where in the computation a game is, for people and for pictures. Pure. */
import { LEVELS, type LevelName, type Position } from "@assay/protocol/domain/disputes";
import { zeroHash } from "viem";
import { phaseOf, type Game } from "./game.ts";

const ARITY = 16;

export interface Place {
  readonly level: LevelName;
  /** Entries of the level's list: leaves of its tree, and the one after them where there is one. */
  readonly count: number;
  /** Levels of nodes between the disputed node and the leaves. */
  readonly height: number;
  /** Children taken from the root of the level's tree down to the disputed node. */
  readonly path: readonly number[];
  /** First and last entry of the list that the disputed node covers. */
  readonly from: number;
  readonly to: number;
}

const depthOf = (count: number): number => {
  let depth = 0;
  for (let covered = 1; covered < count; covered *= ARITY) depth++;
  return depth;
};

export const placeOf = (position: Position): Place => {
  const { count, index, height } = position;
  const level = LEVELS[position.level] ?? "checkpoint";
  const depth = depthOf(count);
  const steps = Math.max(0, depth - height);
  const under = ARITY ** height;
  // The entry after the tree has the index of its place in the list.
  const beyond = height === 0 && index >= count;
  return {
    level,
    count: count + (position.last === zeroHash && !beyond ? 0 : 1),
    height,
    path: beyond
      ? []
      : Array.from(
          { length: steps },
          (_, d) => Math.floor(index / ARITY ** (steps - 1 - d)) % ARITY,
        ),
    from: index * under,
    to: beyond ? index : Math.max(0, Math.min(count, (index + 1) * under) - 1),
  };
};

const LIST = ["init", "step", "evaluation"] as const;

/** What is disputed, in plain words. */
export const describePlace = (position: Position): string => {
  const { level, from, to } = placeOf(position);
  const range = from === to ? String(from) : `${from} to ${to}`;
  const many = from === to ? "" : "s";
  const { list, step, op, element, term } = position;
  const of = list === 1 ? `step ${step}` : `the ${LIST[list] ?? "step"} list`;
  switch (level) {
    case "checkpoint":
      return `checkpoint${many} ${range}`;
    case "step":
      return `state${many} ${range} after checkpoint ${position.checkpoint - 1}`;
    case "state":
      return `tensor${many} ${range} of the state after step ${step}`;
    case "output":
      return `output${many} ${range} of the evaluation`;
    case "model":
      return `parameter tensor${many} ${range} of the model`;
    case "op":
      return `op${many} ${range} of ${of}`;
    case "chunk":
      return isAtScalar(position)
        ? `element ${element} of op ${op} of ${of}`
        : `chunk${many} ${range} of op ${op} of ${of}`;
    default:
      return isAtScalar(position)
        ? `term ${term} of element ${element} of op ${op} of ${of}`
        : `chunk${many} ${range} of the accumulators of element ${element} of op ${op} of ${of}`;
  }
};

const isAtScalar = (position: Position): boolean => {
  const phase = phaseOf(position);
  return (
    phase === "judge" ||
    phase === "claim" ||
    phase === "prove" ||
    (phase === "cross" && position.level === 6)
  );
};

/** The way that a game took, level by level: for each the last place in it, coarsest first. */
export const descentOf = ({ moves }: Pick<Game, "moves">): Place[] => {
  const levels = new Map<LevelName, Place>();
  for (const { position } of moves)
    if (position !== undefined) {
      const place = placeOf(position);
      levels.set(place.level, place);
    }
  return [...levels.values()];
};
