/** Where a position of the dispute game on chain lies in a run. */
import { LEVELS, type LevelName, type Position } from "@assay/protocol/domain/disputes";
import { ARITY } from "@assay/protocol/commitments/tree";
import type { Op, OpList } from "../../ir/types.ts";
import { type Course, opAt, stepAt } from "../descent/course.ts";
import type { Section } from "../descent/positions.ts";

const LISTS = ["init", "step", "eval"] as const satisfies readonly OpList[];

export const levelOf = ({ level }: Pick<Position, "level">): LevelName => {
  const name = LEVELS[level];
  if (name === undefined) throw new RangeError(`no level ${level}`);
  return name;
};

/** The run of an op list in which a game is, from the level `op` on. */
export const sectionOf = (course: Course, { list, checkpoint, step }: Position): Section => {
  const name = LISTS[list];
  if (name === undefined) throw new RangeError(`no list ${list}`);
  if (name !== "step") return { list: name };
  return { list: name, interval: checkpoint, step: step - stepAt(course, checkpoint - 1) - 1 };
};

/** The op whose output is disputed, from the level `chunk` on. */
export const opOf = (course: Course, p: Position): Op => opAt(course, sectionOf(course, p), p.op);

/** Children taken from the root of a tree of this depth to the disputed node. */
export const pathOf = ({ index, height }: Position, depth: number): number[] =>
  Array.from(
    { length: depth - height },
    (_, d) => Math.floor(index / ARITY ** (depth - height - 1 - d)) % ARITY,
  );

/** How many children the disputed node has; 1 for a tree that is one leaf. */
export const presentChildren = ({ count, index, height }: Position): number => {
  if (height === 0) return 1;
  const under = ARITY ** (height - 1);
  return Math.min(ARITY, Math.ceil((count - index * ARITY * under) / under));
};
