/**
 * Where a dispute stands: what the provider has to show next. A position is plain JSON, so that it survives a restart
 * and travels in journals; with the program it says everything about the place, and nothing about values.
 */
import { z } from "zod";

const index = z.int().min(0);
/** Children taken from the root of the tree that is being descended. */
const path = z.array(z.int().min(0).max(15)).readonly();

const section = z.discriminatedUnion("list", [
  z.object({ list: z.literal("init") }),
  /** Interval i leads from `C_{i−1}` to `C_i`; `step` counts from 0 inside it. */
  z.object({ list: z.literal("step"), interval: z.int().min(1), step: index }),
  z.object({ list: z.literal("eval") }),
]);

/** One run of one op list. */
export type Section = z.output<typeof section>;

const op = { section, op: index };
const element = { ...op, element: index };

/** A {@link Position} from a journal or a message. */
export const positionSchema = z.discriminatedUnion("kind", [
  /** The trace header itself, before anyone pointed. */
  z.object({ kind: z.literal("trace") }),
  /** A node of the tree over `C_0 … C_{n−1}`. */
  z.object({ kind: z.literal("checkpoints"), path }),
  /** `C_0` of a run from a start state: it has to be the start root. Nothing to show. */
  z.object({ kind: z.literal("start") }),
  /** A root over nothing: it has to be absent. Nothing to show. */
  z.object({ kind: z.literal("nothing"), of: z.enum(["model", "evaluation"]) }),
  /** A node of the model root's tree. */
  z.object({ kind: z.literal("model"), path }),
  /** Parameter tensor `parameter` (counting parameters alone): has to be shown under `C_n`. */
  z.object({ kind: z.literal("parameter"), parameter: index }),
  /** A node of the tree over all states of an interval but the last; the level root too when `path` is empty. */
  z.object({ kind: z.literal("steps"), interval: z.int().min(1), path }),
  /** The same over the outputs of the section's ops and the nodes that assemble its result. */
  z.object({ kind: z.literal("ops"), section, path }),
  /** The 16 children of an assembly node. */
  z.object({ kind: z.literal("assembly"), section, node: index }),
  /** One child of an assembly node: has to be shown at its source. */
  z.object({ kind: z.literal("source"), section, node: index, child: z.int().min(0).max(15) }),
  /** A node of the tree over an op's output chunks; the tree's root too when `path` is empty. */
  z.object({ kind: z.literal("chunks"), ...op, path }),
  /** The elements of one chunk of an op's output. */
  z.object({ kind: z.literal("chunk"), ...op, chunk: index }),
  /** A node of the tree over all chunks of a fold's accumulators but the last; level root and last chunk when `path` is empty. */
  z.object({ kind: z.literal("terms"), ...element, path }),
  /** One chunk of a fold's accumulators. */
  z.object({ kind: z.literal("accumulators"), ...element, chunk: index }),
  /** One scalar operation: its operands have to be claimed. `term` is 0 for a map. */
  z.object({ kind: z.literal("scalar"), ...element, term: index }),
  /** One claim about memory (see `claims.ts` for the numbers): has to be proven. */
  z.object({ kind: z.literal("read"), ...element, term: index, read: z.int().min(0).max(6) }),
]);

export type Position = z.output<typeof positionSchema>;
export type PositionOf<Kind extends Position["kind"]> = Extract<Position, { kind: Kind }>;

/** A {@link Pointing} from a journal or a message. */
export const pointingSchema = z.discriminatedUnion("to", [
  /** Parts of the trace header. */
  z.object({ to: z.enum(["prefix", "final", "model", "evaluation"]) }),
  /** Child of the node shown; 0 for a tree that is a single leaf. */
  z.object({ to: z.literal("child"), index: z.int().min(0).max(15) }),
  /** The last leaf of a level: all others are agreed. */
  z.object({ to: z.literal("last") }),
  /** Element of the chunk shown. */
  z.object({ to: z.literal("element"), index: z.int().min(0).max(255) }),
  z.object({ to: z.literal("read"), read: z.int().min(0).max(6) }),
]);

/** What the challenger disagrees with first, among what was shown. */
export type Pointing = z.output<typeof pointingSchema>;
