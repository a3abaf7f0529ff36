/** What a run holds at each level of the contract's game: the list whose tree is being descended. */
import {
  LEVELS,
  PHASES,
  type LevelName,
  type PhaseName,
  type Position,
} from "@assay/protocol/domain/disputes";
import { ABSENT, fromHex, type Hex } from "@assay/protocol/commitments/hash";
import { chunkLeaf } from "@assay/protocol/commitments/tensor";
import { ARITY, HashTree, treeDepth } from "@assay/protocol/commitments/tree";
import { DTYPE } from "../../ir/types.ts";
import type { BlockTree } from "../descent/block-tree.ts";
import { opAt, stepAt, stepsIn } from "../descent/course.ts";
import type { Section } from "../descent/positions.ts";
import { treeOf, type StateView, type Views } from "../descent/views.ts";
import { nodeHasher } from "../hasher.ts";

export const levelOf = ({ level }: Position): LevelName => LEVELS[level] as LevelName;
export const phaseOf = ({ phase }: Position): PhaseName => PHASES[phase] as PhaseName;

/** The tree of a level, and the entry after it where the list has one. */
export interface LevelList {
  readonly tree: HashTree | BlockTree;
  readonly last: Hex | undefined;
}

/** The run of an op list that a game below the tensors is in. */
export function sectionOf(views: Views, { list, checkpoint, step }: Position): Section {
  if (list === 0) return { list: "init" };
  if (list === 2) return { list: "eval" };
  const first = stepAt(views.course, checkpoint - 1);
  return { list: "step", interval: checkpoint, step: step - first - 1 };
}

/** The state after step `step`, inside the interval that ends in `checkpoint`. */
export function stateAfter(views: Views, checkpoint: number, step: number): Promise<StateView> {
  const inside = checkpoint === 0 ? 0 : step - stepAt(views.course, checkpoint - 1);
  return checkpoint === 0 || inside === stepsIn(views.course, checkpoint)
    ? views.checkpoint(checkpoint)
    : views.before({ list: "step", interval: checkpoint, step: inside });
}

/** Roots of the outputs of a section's ops, the evaluation's among them. */
export async function outputRoots(views: Views, section: Section): Promise<readonly Hex[]> {
  const { length } = views.course.program[section.list];
  return (await views.opLeaves(section)).slice(0, length);
}

/** Roots of the evaluation's outputs, in the order of their declaration. */
export async function evaluationRoots(views: Views): Promise<Hex[]> {
  const roots = await outputRoots(views, { list: "eval" });
  return views.course.program.outputs.map(({ op }) => roots[op] as Hex);
}

/** Where the accumulators of a game at a fold are. */
export const foldAt = (views: Views, p: Position) => ({
  section: sectionOf(views, p),
  op: p.op,
  element: p.element,
});

/** The tree over all chunks of a fold's accumulators, and the last of them. */
export async function accumulators(
  views: Views,
  p: Position,
): Promise<{ readonly tree: HashTree; readonly lastChunk: Hex }> {
  const { tree, lastChunk } = await views.fold(foldAt(views, p));
  const { out } = opAt(views.course, sectionOf(views, p), p.op);
  const leaf = chunkLeaf(nodeHasher, DTYPE[out.dtype], tree.count, fromHex(lastChunk));
  const leaves = new Uint8Array(32 * (tree.count + 1));
  leaves.set(tree.levels[0] ?? new Uint8Array());
  leaves.set(fromHex(leaf), 32 * tree.count);
  return { tree: new HashTree(nodeHasher, leaves), lastChunk };
}

/** The list that a position's node is in. */
export async function listAt(views: Views, p: Position): Promise<LevelList> {
  switch (levelOf(p)) {
    case "checkpoint":
      return { tree: await views.prefix(), last: undefined };
    case "step":
      return {
        tree: await views.steps(p.checkpoint),
        last: views.checkpointRoot(p.checkpoint),
      };
    case "state":
      return {
        tree: treeOf((await stateAfter(views, p.checkpoint, p.step)).roots),
        last: undefined,
      };
    case "output":
      return { tree: treeOf(await evaluationRoots(views)), last: undefined };
    case "model":
      return { tree: await views.modelTree(), last: undefined };
    case "op": {
      const roots = await outputRoots(views, sectionOf(views, p));
      return { tree: treeOf(roots.slice(0, p.lastOp)), last: roots[p.lastOp] };
    }
    case "chunk": {
      const section = sectionOf(views, p);
      return {
        tree: await views.tensorTree(section, p.op, { kind: "value", index: p.op }),
        last: undefined,
      };
    }
    default:
      return { tree: (await accumulators(views, p)).tree, last: undefined };
  }
}

/** Children taken from the root of a position's tree down to its node. */
export function pathOf({ count, height, index }: Position): number[] {
  const length = treeDepth(count) - height;
  return Array.from({ length }, (_, d) => Math.floor(index / ARITY ** (length - 1 - d)) % ARITY);
}

/** The disputed chunk's bytes, of an op's output or of a fold's accumulators. */
export async function chunkAt(views: Views, p: Position): Promise<Hex> {
  if (levelOf(p) === "term") return views.accumulators(foldAt(views, p), p.index);
  return views.chunk(sectionOf(views, p), p.op, { kind: "value", index: p.op }, p.index);
}

/** The 16 children of a tree's root; zeros where the tree is one leaf. */
export const firstChildren = async (tree: HashTree | BlockTree): Promise<readonly Hex[]> =>
  tree.depth > 0 ? tree.children([]) : Array.from({ length: ARITY }, () => ABSENT);
