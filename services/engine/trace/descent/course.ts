/**
 * The rules of a descent: which position follows from what the challenger points at. Counts, depths and shapes come
 * from the program and the number of intervals alone. Levels of one leaf and trees of one chunk are passed over: there is
 * nothing to choose.
 */
import {
  assemblyChildren,
  type AssemblyChild,
  assemblyCount,
} from "@assay/protocol/commitments/assembly";
import { CHUNK_ELEMENTS, chunkCount } from "@assay/protocol/commitments/tensor";
import { ARITY, treeDepth } from "@assay/protocol/commitments/tree";
import { AssayError } from "@assay/protocol/errors";
import { elements, terms } from "../../ir/shape.ts";
import { type Op, type Program, type TensorType, UNCHANGED } from "../../ir/types.ts";
import type { MemorySource } from "../../reference/scalar.ts";
import { checkpointStep } from "../recorder.ts";
import type { Pointing, Position, PositionOf, Section } from "./positions.ts";

/** What a descent goes over: the run of a program for a number of intervals. */
export interface Course {
  readonly program: Program;
  /** Step of the start state that the request names; null for a run that begins with `init`. */
  readonly start: number | null;
  /** n of `C_0 … C_n`. */
  readonly intervals: number;
}

const misplaced = (position: Position, pointing: Pointing): AssayError =>
  new AssayError("ENGINE_DESCENT_POINT", `Nothing is there to point at (${position.kind}).`, {
    remedy: "Point at something that the program has at this position.",
    details: { position, pointing },
  });

/** The step at which `C_i` is due. */
export const stepAt = ({ program, start }: Course, checkpoint: number): number =>
  checkpointStep(program, start ?? 0, checkpoint);

/** Steps of interval i, from `C_{i−1}` to `C_i`. */
export const stepsIn = (course: Course, interval: number): number =>
  stepAt(course, interval) - stepAt(course, interval - 1);

/** What the `step` source reads in a section. */
export function stepOf(course: Course, section: Section): number {
  if (section.list === "init") return 0;
  if (section.list === "eval") return stepAt(course, course.intervals);
  return stepAt(course, section.interval - 1) + section.step;
}

/** Whether the trace commits to an evaluation: a prefix does not, nor does a program without outputs. */
export const evaluates = (course: Course): boolean =>
  course.program.outputs.length > 0 && stepAt(course, course.intervals) === course.program.steps;

/** State tensors that are parameters, by index. */
export const parameters = ({ program }: Course): number[] =>
  program.state.flatMap((tensor, s) => (tensor.parameter ? [s] : []));

/** The op of a section. Throws a RangeError when there is none. */
export function opAt({ program }: Course, section: Section, index: number): Op {
  const op = program[section.list][index];
  if (op === undefined) throw new RangeError(`no ${section.list} op ${index}`);
  return op;
}

/** Types of what the ops of a section read. */
export const typesOf =
  ({ program }: Course, section: Section) =>
  (source: MemorySource): TensorType => {
    const { kind, index } = source;
    const type = kind === "value" ? program[section.list][index]?.out : program[kind][index];
    if (type === undefined) throw new RangeError(`no ${kind} ${index}`);
    return type;
  };

/** Where the leaves of a section's result come from: outputs of its ops, or tensors of the state before it. */
export const resultSources = (
  { program }: Course,
  section: Section,
): { readonly kind: "value" | "state"; readonly index: number }[] => {
  if (section.list === "eval")
    return program.outputs.map(({ op }) => ({ kind: "value", index: op }));
  return program.state.map(({ initOp, stepOp }, s) => {
    const index = section.list === "init" ? initOp : stepOp;
    return index === UNCHANGED ? { kind: "state", index: s } : { kind: "value", index };
  });
};

/** What a child of an assembly node has to equal. */
export type ChildSource =
  | { readonly kind: "value" | "state"; readonly index: number }
  | Exclude<AssemblyChild, { kind: "leaf" }>;

/** Sources of the children of assembly node `node`: 16, or one where the result is a single leaf. */
export function childSources(course: Course, section: Section, node: number): ChildSource[] {
  const leaves = resultSources(course, section);
  return assemblyChildren(leaves.length, node).map((child) =>
    child.kind === "leaf" ? (leaves[child.index] as ChildSource) : child,
  );
}

/** Leaves of a section's op level: its ops, then its assembly nodes. */
export const opLeaves = (course: Course, section: Section): number =>
  course.program[section.list].length + assemblyCount(resultSources(course, section).length);

const termChunks = (op: Op): number => chunkCount(terms(op));

/** Leaves of the tree that a position with a path is in: for levels all but the last. */
export function treeLeaves(course: Course, position: Extract<Position, { path: unknown }>): number {
  switch (position.kind) {
    case "checkpoints":
      return course.intervals;
    case "model":
      return parameters(course).length;
    case "steps":
      return stepsIn(course, position.interval) - 1;
    case "ops":
      return opLeaves(course, position.section) - 1;
    case "chunks":
      return chunkCount(elements(opAt(course, position.section, position.op).out.shape));
    default:
      return termChunks(opAt(course, position.section, position.op)) - 1;
  }
}

function enterCheckpoint(course: Course, checkpoint: number): Position {
  if (checkpoint > 0) {
    return stepsIn(course, checkpoint) === 1
      ? enterSection(course, { list: "step", interval: checkpoint, step: 0 })
      : { kind: "steps", interval: checkpoint, path: [] };
  }
  return course.start === null ? enterSection(course, { list: "init" }) : { kind: "start" };
}

const enterSection = (course: Course, section: Section): Position =>
  opLeaves(course, section) === 1
    ? enterAssembly(course, section, 0)
    : { kind: "ops", section, path: [] };

const enterAssembly = (course: Course, section: Section, node: number): Position =>
  childSources(course, section, node).length === 1
    ? { kind: "source", section, node, child: 0 }
    : { kind: "assembly", section, node };

function enterLeaf(course: Course, section: Section, leaf: number): Position {
  const ops = course.program[section.list].length;
  if (leaf >= ops) return enterAssembly(course, section, leaf - ops);
  const count = chunkCount(elements(opAt(course, section, leaf).out.shape));
  return count === 1
    ? { kind: "chunk", section, op: leaf, chunk: 0 }
    : { kind: "chunks", section, op: leaf, path: [] };
}

function enterElement(course: Course, section: Section, index: number, element: number): Position {
  const op = opAt(course, section, index);
  const at = { section, op: index, element };
  if (terms(op) === 1) return { kind: "scalar", ...at, term: 0 };
  return termChunks(op) === 1
    ? { kind: "accumulators", ...at, chunk: 0 }
    : { kind: "terms", ...at, path: [] };
}

function enterTrace(course: Course, to: Pointing["to"]): Position | undefined {
  switch (to) {
    case "prefix":
      if (course.intervals === 0) return undefined;
      return course.intervals === 1
        ? enterCheckpoint(course, 0)
        : { kind: "checkpoints", path: [] };
    case "final":
      return enterCheckpoint(course, course.intervals);
    case "evaluation":
      return evaluates(course)
        ? enterSection(course, { list: "eval" })
        : { kind: "nothing", of: "evaluation" };
    case "model": {
      const count = parameters(course).length;
      if (count === 0) return { kind: "nothing", of: "model" };
      return count === 1 ? { kind: "parameter", parameter: 0 } : { kind: "model", path: [] };
    }
    default:
      return undefined;
  }
}

/** Leaf `leaf` of the tree that a position with a path is in. */
function enterTreeLeaf(
  course: Course,
  position: Extract<Position, { path: unknown }>,
  leaf: number,
): Position {
  switch (position.kind) {
    case "checkpoints":
      return enterCheckpoint(course, leaf);
    case "model":
      return { kind: "parameter", parameter: leaf };
    case "steps":
      return enterSection(course, { list: "step", interval: position.interval, step: leaf });
    case "ops":
      return enterLeaf(course, position.section, leaf);
    case "chunks":
      return { kind: "chunk", section: position.section, op: position.op, chunk: leaf };
    default: {
      const { section, op, element } = position;
      return { kind: "accumulators", section, op, element, chunk: leaf };
    }
  }
}

function descend(
  course: Course,
  position: Extract<Position, { path: unknown }>,
  pointing: Pointing,
): Position | undefined {
  const count = treeLeaves(course, position);
  if (pointing.to === "last") {
    const isLevel = position.kind === "steps" || position.kind === "ops";
    return isLevel && position.path.length === 0
      ? enterTreeLeaf(course, position, count)
      : undefined;
  }
  if (pointing.to === "element" && position.kind === "terms" && position.path.length === 0) {
    return enterTerm(course, { ...position, chunk: count }, pointing.index);
  }
  if (pointing.to !== "child") return undefined;
  const depth = treeDepth(count);
  if (depth === 0) return pointing.index === 0 ? enterTreeLeaf(course, position, 0) : undefined;
  const path = [...position.path, pointing.index];
  if (path.length > depth) return undefined;
  const place = path.reduce((sum, child) => sum * ARITY + child, 0);
  if (place * ARITY ** (depth - path.length) >= count) return undefined;
  return path.length === depth ? enterTreeLeaf(course, position, place) : { ...position, path };
}

function enterTerm(
  course: Course,
  { section, op, element, chunk }: Omit<PositionOf<"accumulators">, "kind">,
  place: number,
): Position | undefined {
  const term = chunk * CHUNK_ELEMENTS + place;
  return term < terms(opAt(course, section, op))
    ? { kind: "scalar", section, op, element, term }
    : undefined;
}

function next(course: Course, position: Position, pointing: Pointing): Position | undefined {
  if (position.kind === "trace") return enterTrace(course, pointing.to);
  if ("path" in position) return descend(course, position, pointing);
  if (position.kind === "assembly" && pointing.to === "child") {
    const { section, node } = position;
    const child = childSources(course, section, node)[pointing.index];
    if (child === undefined || child.kind === "absent") return undefined;
    return { kind: "source", section, node, child: pointing.index };
  }
  if (position.kind === "chunk" && pointing.to === "element") {
    const { section, op, chunk } = position;
    const element = chunk * CHUNK_ELEMENTS + pointing.index;
    const size = elements(opAt(course, section, op).out.shape);
    return element < size ? enterElement(course, section, op, element) : undefined;
  }
  if (position.kind === "accumulators" && pointing.to === "element")
    return enterTerm(course, position, pointing.index);
  if (position.kind === "scalar" && pointing.to === "read")
    return { ...position, kind: "read", read: pointing.read };
  return undefined;
}

/**
 * The position after a pointing. Throws ENGINE_DESCENT_POINT when there is nothing to point at: an absent child, an
 * element beyond the end, or another kind of pointing than the position takes.
 */
export function advance(course: Course, position: Position, pointing: Pointing): Position {
  const after = next(course, position, pointing);
  if (after === undefined) throw misplaced(position, pointing);
  return after;
}
