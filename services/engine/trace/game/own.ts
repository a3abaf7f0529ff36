/** What one's own run has at a position of the dispute game: the tree of its level, chunks, the scalar. */
import { fromHex, type Hex } from "@assay/protocol/commitments/hash";
import { CHUNK_ELEMENTS, chunkLeaf } from "@assay/protocol/commitments/tensor";
import { HashTree } from "@assay/protocol/commitments/tree";
import type { Position } from "@assay/protocol/domain/disputes";
import { DTYPE } from "../../ir/types.ts";
import { type OperandValue, operandAt } from "../../reference/scalar.ts";
import type { BlockTree } from "../descent/block-tree.ts";
import { type ElementAt, type StateView, type Views, chunkHex, treeOf } from "../descent/views.ts";
import { stepAt } from "../descent/course.ts";
import { nodeHasher } from "../hasher.ts";
import { levelOf, opOf, sectionOf } from "./place.ts";

export interface OwnTree {
  readonly tree: HashTree | BlockTree;
  /** What ends the list after the tree. */
  readonly last: Hex | undefined;
}

/** The state that a game disputes at the level `state`. */
const disputedState = (views: Views, { checkpoint, step }: Position): Promise<StateView> => {
  if (checkpoint === 0) return views.checkpoint(0);
  const inside = step - stepAt(views.course, checkpoint - 1);
  return step === stepAt(views.course, checkpoint)
    ? views.checkpoint(checkpoint)
    : views.before({ list: "step", interval: checkpoint, step: inside });
};

const elementAt = (views: Views, p: Position): ElementAt => ({
  section: sectionOf(views.course, p),
  op: p.op,
  element: p.element,
});

/** All accumulators of a fold as a tensor: the last chunk too. */
const termTree = async (views: Views, p: Position): Promise<HashTree> => {
  const { tree, lastChunk } = await views.fold(elementAt(views, p));
  const leaves = new Uint8Array(32 * (tree.count + 1));
  leaves.set(tree.levels[0] ?? new Uint8Array(0));
  const { dtype } = opOf(views.course, p).out;
  const last = chunkLeaf(nodeHasher, DTYPE[dtype], tree.count, fromHex(lastChunk));
  leaves.set(fromHex(last), 32 * tree.count);
  return new HashTree(nodeHasher, leaves);
};

/** The tree that a game is in. Throws a RangeError where the run has no such place. */
export async function ownTree(views: Views, p: Position): Promise<OwnTree> {
  const { course } = views;
  switch (levelOf(p)) {
    case "checkpoint":
      return { tree: await views.prefix(), last: undefined };
    case "step":
      return {
        tree: await views.steps(p.checkpoint),
        last: views.checkpointRoot(p.checkpoint),
      };
    case "state":
      return { tree: treeOf((await disputedState(views, p)).roots), last: undefined };
    case "output": {
      const leaves = await views.opLeaves({ list: "eval" });
      const outputs = course.program.outputs.map(({ op }) => leaves[op] as Hex);
      return { tree: treeOf(outputs), last: undefined };
    }
    case "model":
      return { tree: await views.modelTree(), last: undefined };
    case "op": {
      const leaves = await views.opLeaves(sectionOf(course, p));
      return { tree: treeOf(leaves.slice(0, p.lastOp)), last: leaves[p.lastOp] };
    }
    case "chunk": {
      const source = { kind: "value", index: p.op } as const;
      return {
        tree: await views.tensorTree(sectionOf(course, p), p.op, source),
        last: undefined,
      };
    }
    default:
      return { tree: await termTree(views, p), last: undefined };
  }
}

/** Bytes of the disputed chunk: of an op's output, or of a fold's accumulators. */
export const ownChunk = async (views: Views, p: Position): Promise<Hex> => {
  if (levelOf(p) === "term") return views.accumulators(elementAt(views, p), p.index);
  const section = sectionOf(views.course, p);
  return chunkHex(await views.tensor(section, p.op, { kind: "value", index: p.op }), p.index);
};

export interface OwnScalar {
  readonly operands: readonly OperandValue[];
  /** Before the term; of no meaning where the position knows it or the op starts it. */
  readonly accumulator: number;
}

/** What the disputed scalar operation reads. */
export const ownScalar = async (views: Views, p: Position): Promise<OwnScalar> => {
  const op = opOf(views.course, p);
  const memory = await views.memory(sectionOf(views.course, p), p.op);
  const operands = op.operands.map((_, k) => operandAt(op, k, p.element, p.term, memory));
  return { operands, accumulator: p.accumulatorKnown ? 0 : await accumulatorBefore(views, p) };
};

const accumulatorBefore = async (views: Views, p: Position): Promise<number> => {
  const chunk = Math.ceil(p.term / CHUNK_ELEMENTS) - 1;
  const bytes = fromHex(await views.accumulators(elementAt(views, p), chunk));
  return new DataView(bytes.buffer).getUint32(4 * (p.term - chunk * CHUNK_ELEMENTS - 1), true);
};
