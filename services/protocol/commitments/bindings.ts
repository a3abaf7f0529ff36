/** The roots that name a program and a run: everything a dispute takes for granted is under one of these. */
import { type Hasher, type Hex, fromHex, hashOf, u16, u32 } from "./hash.ts";
import { TAG } from "./tags.ts";
import { treeRoot } from "./tree.ts";

/** The byte that tells the op lists apart. */
export const OP_LIST = { init: 0, step: 1, eval: 2 } as const;
export type OpListName = keyof typeof OP_LIST;

/** `H(0x04 ‖ list u8 ‖ index u16 ‖ encoding)`. */
export const opLeaf = (
  hasher: Hasher,
  list: OpListName,
  index: number,
  encoding: Uint8Array,
): Hex => hashOf(hasher, Uint8Array.of(TAG.op, OP_LIST[list]), u16(index), encoding);

/** Root of one op list: the tree over its op leaves. */
export const opListRoot = (
  hasher: Hasher,
  list: OpListName,
  encodings: readonly Uint8Array[],
): Hex =>
  treeRoot(
    hasher,
    encodings.map((encoding, index) => opLeaf(hasher, list, index, encoding)),
  );

export interface ProgramParts {
  readonly header: Uint8Array;
  readonly initRoot: Hex;
  readonly stepRoot: Hex;
  readonly evalRoot: Hex;
}

/** `H(0x03 ‖ header ‖ initRoot ‖ stepRoot ‖ evalRoot)`. */
export const programRootOf = (hasher: Hasher, parts: ProgramParts): Hex =>
  hashOf(
    hasher,
    Uint8Array.of(TAG.program),
    parts.header,
    fromHex(parts.initRoot),
    fromHex(parts.stepRoot),
    fromHex(parts.evalRoot),
  );

export interface TraceParts {
  /** State roots `C_0 … C_n`, so one more than intervals. */
  readonly checkpoints: readonly Hex[];
  readonly modelRoot: Hex;
  readonly evalRoot: Hex;
}

/** The parts of a trace root as a submission shows them: `submit` recomputes the root from these. */
export interface TraceHeader {
  /** Intervals run. */
  readonly n: number;
  /** `treeRoot(C_0 … C_{n−1})`. */
  readonly prefixRoot: Hex;
  /** `C_n`. */
  readonly stateRoot: Hex;
  readonly modelRoot: Hex;
  readonly evalRoot: Hex;
}

/** Folds the checkpoints of a run into a {@link TraceHeader}. Throws a RangeError for none. */
export function traceHeader(hasher: Hasher, parts: TraceParts): TraceHeader {
  const last = parts.checkpoints.at(-1);
  if (last === undefined) throw new RangeError("a trace has at least the checkpoint C_0");
  const prefix = parts.checkpoints.slice(0, -1);
  return {
    n: prefix.length,
    prefixRoot: treeRoot(hasher, prefix),
    stateRoot: last,
    modelRoot: parts.modelRoot,
    evalRoot: parts.evalRoot,
  };
}

/** `H(0x05 ‖ n u32 ‖ treeRoot(C_0 … C_{n−1}) ‖ C_n ‖ modelRoot ‖ evalRoot)`. */
export const traceRootOf = (hasher: Hasher, header: TraceHeader): Hex =>
  hashOf(
    hasher,
    Uint8Array.of(TAG.trace),
    u32(header.n),
    fromHex(header.prefixRoot),
    fromHex(header.stateRoot),
    fromHex(header.modelRoot),
    fromHex(header.evalRoot),
  );

/** The finer levels of a dispute: states of an interval, outputs and assembly of a list, accumulators of a fold. */
export type LevelName = "steps" | "ops" | "terms";

/** `H(tag ‖ count u32 ‖ rest ‖ last)`: the level root of `count` leaves, of which `rest` is the tree over all but the last. */
export const levelRootOf = (
  hasher: Hasher,
  level: LevelName,
  count: number,
  rest: Hex,
  last: Hex,
): Hex => hashOf(hasher, Uint8Array.of(TAG[level]), u32(count), fromHex(rest), fromHex(last));

/**
 * Root of a finer level: `H(tag ‖ count u32 ‖ treeRoot(all but last) ‖ last)`, where `count` is the number of all
 * leaves. The last leaf lies open, so that tying it to the disputed leaf above costs one hash.
 */
export function levelRoot(hasher: Hasher, level: LevelName, leaves: readonly Hex[]): Hex {
  const last = leaves.at(-1);
  if (last === undefined) throw new RangeError("a level has at least one leaf");
  return levelRootOf(hasher, level, leaves.length, treeRoot(hasher, leaves.slice(0, -1)), last);
}
